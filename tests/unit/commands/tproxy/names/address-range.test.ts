/** Ranges of addresses by number. */
import { expect, test } from "bun:test";
import { parseRanges } from "../../../../../commands/tproxy/names/address-range.ts";
import { encodeIp, formatIpBytes } from "../../../../../lib/wire/ip-bytes.ts";
import { parseIp } from "../../../../../lib/wire/ip.ts";

const range = (text: string) => parseRanges([text], "--range")[0]!;

test.each([
  [
    "198.18.0.0/15",
    131_070,
    "198.18.0.1",
    "198.19.255.254",
    ["198.18.0.0", "198.19.255.255", "198.20.0.0", "198.17.255.255"],
  ],
  ["127.77.0.4/30", 2, "127.77.0.5", "127.77.0.6", ["127.77.0.4", "127.77.0.7", "127.77.0.8", "127.77.0.3", "::1"]],
  ["fd00:1::/64", 2 ** 20, "fd00:1::1", "fd00:1::10:0", ["fd00:1::", "fd00:1::10:1", "fd00:1::1:0:0:1", "fd00:2::1"]],
  ["fd00:1::/112", 65_534, "fd00:1::1", "fd00:1::fffe", ["fd00:1::", "fd00:1::ffff", "fd00:1::1:0"]],
] as const)("%s has %d addresses from %s to %s", (text, size, first, last, others) => {
  const it = range(text);
  expect(it.size).toBe(size);
  expect(formatIpBytes(it.bytes(1))).toBe(first);
  expect(formatIpBytes(it.bytes(size))).toBe(last);
  expect(it.numberOf(parseIp(first)!)).toBe(1);
  expect(it.numberOf(parseIp(last)!)).toBe(size);
  for (const other of others) expect(it.numberOf(parseIp(other)!), other).toBe(0);
});

test.each(["198.18.0.0/15", "127.77.0.4/30", "10.128.0.0/9", "fd00:1::/57", "fd00:1::/64"])(
  "%s holds the same addresses as text and as bytes",
  (text) => {
    const it = range(text);
    const samples = [
      "198.17.255.255",
      "198.18.0.0",
      "198.19.255.255",
      "198.20.0.0",
      "127.77.0.3",
      "127.77.0.7",
      "127.77.0.8",
    ];
    samples.push(
      "10.127.255.255",
      "10.128.0.0",
      "10.255.255.255",
      "fd00:1:0:7f::1",
      "fd00:1:0:80::",
      "fd00:1::",
      "fd00:0:ffff::",
    );
    const held = samples.filter((sample) => it.contains(parseIp(sample)!));
    const byBytes = samples.filter((sample) => {
      const bytes = Uint8Array.from([9, ...encodeIp(parseIp(sample)!)]);
      return bytes.length === (it.family === 4 ? 5 : 17) && it.containsBytes(bytes, 1);
    });
    expect(held.length).toBeGreaterThan(0);
    expect(byBytes).toEqual(held);
  },
);

test.each([
  ["198.18.0.1/15", "no range of addresses"],
  ["x", "no range of addresses"],
  ["198.18.0.0/31", "too small"],
  ["fd00::/113", "too small"],
  ["192.0.2.0/24", "not free to be used"],
  ["8.0.0.0/8", "not free to be used"],
  ["224.0.0.0/8", "not free to be used"],
  ["0.0.0.0/0", "not free to be used"],
  ["192.168.0.0/15", "not free to be used"],
  ["2001:db8::/64", "not free to be used"],
])("%s is refused: %s", (text, why) => {
  expect(() => range(text)).toThrow(why);
});

test("one range of each family", () => {
  expect(parseRanges(["198.18.0.0/15", "fd00::/64"], "--range").map(({ text }) => text)).toEqual([
    "198.18.0.0/15",
    "fd00::/64",
  ]);
  expect(() => parseRanges(["198.18.0.0/16", "198.19.0.0/16"], "--range")).toThrow("two ranges of one family");
});
