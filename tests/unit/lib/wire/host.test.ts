/** Hosts: one canonical form for every spelling, and refusals. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { domainToASCII } from "node:url";
import { canonicalHost } from "../../../../lib/wire/host.ts";

describe("canonicalHost", () => {
  test.each([
    ["evil.example", "evil.example"],
    ["EVIL.example.", "evil.example"],
    ["_dmarc.Example", "_dmarc.example"],
    ["localhost", "localhost"],
    ["a-b.c-d", "a-b.c-d"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.example", "xn--bcher-kva.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["XN--BCHER-KVA.example", "xn--bcher-kva.example"],
    ["faß.de", "xn--fa-hia.de"],
    ["ｅｖｉｌ．ｅｘａｍｐｌｅ", "evil.example"],
    ["evil。example", "evil.example"],
    ["evil\u00ad.example", "evil.example"],
  ])("%j is the name %s", (raw, host) => expect(canonicalHost(raw)).toEqual({ host }));

  // inet_aton(3) and the URL Standard's host parser.
  test.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.1", "127.0.0.1"],
    ["127.0.1", "127.0.0.1"],
    ["2130706433", "127.0.0.1"],
    ["0x7f000001", "127.0.0.1"],
    ["0X7F.1", "127.0.0.1"],
    ["0177.0.0.1", "127.0.0.1"],
    ["127.0.0.1.", "127.0.0.1"],
    ["0", "0.0.0.0"],
    ["0x", "0.0.0.0"],
    ["1.2.3", "1.2.0.3"],
    ["192.168.65535", "192.168.255.255"],
    ["4294967295", "255.255.255.255"],
    ["１２７.０.０.１", "127.0.0.1"],
    ["127。0。0。1", "127.0.0.1"],
    ["①②⑦.1", "127.0.0.1"],
    ["[::1]", "::1"],
    ["::1", "::1"],
    ["[::ffff:127.0.0.1]", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["[2001:DB8::0:1]", "2001:db8::1"],
  ])("%j is the address %s", (raw, host) => {
    const canonical = canonicalHost(raw);
    expect(canonical.host).toBe(host);
    expect(canonical.error === undefined && canonical.ip !== undefined).toBe(true);
  });

  test.each([
    "",
    ".",
    "..",
    "a..b",
    ".a",
    "a..",
    " ",
    "a b",
    "a\tb",
    "a\0b",
    "a\nb",
    "\x7f",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "a@b",
    "a%2eb",
    "a:b",
    "a:80",
    "*",
    "a*b",
    "a,b",
    '"a"',
    "a|b",
    "1.2.3.4.5",
    "256.1.1.1",
    "4294967296",
    "0x100000000",
    "08.1.1.1",
    "foo.1",
    "foo.0x7f",
    "foo.09",
    "1e3.5",
    "1..2",
    "[]",
    "[127.0.0.1]",
    "[::1",
    "::1]",
    "[a]",
    "[::1]:80",
    "fe80::1%eth0",
    "[fe80::1%25eth0]",
    ":::",
    "xn--a",
    "xn--",
    "xn--zzzzzz99999.example",
    "ev\u200dil.example",
    "evil\u200c.example",
    "\u00ad",
    "a\ud800b",
    `${"a".repeat(64)}.test`,
    Array(64).fill("aaa").join("."),
    "a".repeat(2000),
    "\u202eexample",
  ])("refuses %j", (raw) => expect(canonicalHost(raw).error).toBeString());

  test("253 octets and labels of 63 pass", () => {
    const host = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;
    expect(host.length).toBe(253);
    expect(canonicalHost(host)).toEqual({ host });
    expect(canonicalHost(`${host}.`)).toEqual({ host });
    expect(canonicalHost(`${host}d`).error).toBeString();
  });

  test("a canonical form is its own", () => {
    const char = fc.constantFrom(
      ..."abcXYZ019.-_",
      "ü",
      "。",
      "ß",
      "１",
      "0x",
      "127.",
      "xn--",
      "[",
      "]",
      ":",
      "\u200d",
      " ",
      "%",
    );
    fc.assert(
      fc.property(fc.array(char, { maxLength: 20 }), (chars) => {
        const raw = chars.join("");
        const first = canonicalHost(raw);
        if (first.host === undefined) return;
        expect([raw, canonicalHost(first.host)]).toEqual([raw, first]);
        expect(first.host).toMatch(/^[a-z0-9._:-]+$/);
      }),
      { numRuns: 5000 },
    );
  }, 60_000);

  test("names agree with the URL Standard where it maps them", () => {
    const label = fc.stringMatching(/^[a-zA-Z][a-zA-Zäöüß0-9-]{0,8}$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 4 }), (labels) => {
        const raw = labels.join(".");
        const standard = domainToASCII(raw);
        const { host } = canonicalHost(raw);
        if (standard !== "") expect([raw, host]).toEqual([raw, standard]);
      }),
      { numRuns: 2000 },
    );
  });
});
