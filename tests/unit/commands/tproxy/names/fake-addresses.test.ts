/** Names and their addresses: one for one, none taken from who may still use it. The clock is the test's. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { parseRanges } from "../../../../../commands/tproxy/names/address-range.ts";
import { AddressPool, type FixedName } from "../../../../../commands/tproxy/names/fake-addresses.ts";
import { FORGETFUL, type NameRecords } from "../../../../../commands/tproxy/names/name-records.ts";
import { encodeIp, formatIpBytes } from "../../../../../lib/wire/ip-bytes.ts";
import { parseIp } from "../../../../../lib/wire/ip.ts";

const REST = 1000;

function pool(options: { ranges?: string[]; fixed?: [string, string][]; read?: [number, string][] } = {}) {
  const clock = { time: 0 };
  const kept: [number, string, boolean][] = [];
  const state = { full: false };
  const records: NameRecords = {
    ...FORGETFUL,
    read: options.read ?? [],
    assign(number, name, instead) {
      if (state.full) return false;
      kept.push([number, name, instead]);
      return true;
    },
  };
  const fixed = (options.fixed ?? []).map(([name, text]): FixedName => {
    const ip = parseIp(text)!;
    return { name, ip, bytes: Uint8Array.from(encodeIp(ip)) };
  });
  // Six addresses.
  const ranges = parseRanges(options.ranges ?? ["198.18.0.0/29"], "--range");
  const it = new AddressPool({ ranges, fixed, records, rest: REST, now: () => clock.time });
  const address = (name: string, family: 4 | 6 = 4) => {
    const found = it.addressOf(name, family);
    return typeof found === "string" ? found : formatIpBytes(found);
  };
  return { it, clock, kept, state, address };
}

const NAMES = ["a.example", "b.example", "c.example", "d.example", "e.example", "f.example"];

test("a name has one address, and the address that name", () => {
  const { it, address } = pool();
  expect(address("a.example")).toBe("198.18.0.1");
  expect(address("b.example")).toBe("198.18.0.2");
  expect(address("a.example")).toBe("198.18.0.1");
  expect(it.nameOf("198.18.0.1")).toBe("a.example");
  expect(it.nameOf("::ffff:198.18.0.2")).toBe("b.example");
  for (const nobody of ["198.18.0.3", "198.18.0.0", "198.18.0.7", "192.0.2.1", "x", ""])
    expect(it.nameOf(nobody)).toBeUndefined();
  expect(it.size).toBe(2);
});

test("both families of a name have the same number; a family without a range has none", () => {
  const both = pool({ ranges: ["198.18.0.0/29", "fd00::/64"] });
  both.address("a.example");
  expect(both.address("b.example", 6)).toBe("fd00::2");
  expect(both.address("b.example", 4)).toBe("198.18.0.2");
  expect(both.it.nameOf("fd00::2")).toBe("b.example");
  expect(pool().address("a.example", 6)).toBe("none");
});

test("what is no host name gets nothing", () => {
  const { address, kept } = pool();
  for (const name of ["", "a\\032b", "A.example", "1.2.3.4", "a..b", "xn--a"])
    expect(address(name), name).toBe("exhausted");
  expect(kept).toEqual([]);
});

test("nothing is taken before it has rested, and then that of who was not asked for longest", () => {
  const { it, clock, address } = pool();
  for (const name of NAMES) {
    clock.time += 10;
    address(name);
  }
  clock.time = 100;
  address("a.example");
  clock.time = 20 + REST - 1;
  expect(address("late.example")).toBe("exhausted");
  expect(it.counts).toEqual({ assigned: 6, recycled: 0, exhausted: 1 });
  clock.time = 20 + REST;
  expect(address("late.example")).toBe("198.18.0.2");
  expect(it.nameOf("198.18.0.2")).toBe("late.example");
  expect(address("b.example")).toBe("exhausted");
  expect(it.counts).toEqual({ assigned: 7, recycled: 1, exhausted: 2 });
  expect(it.size).toBe(6);
});

test("an address that is held is never taken, and rests from its release on", () => {
  const { it, clock, address } = pool();
  for (const name of NAMES) address(name);
  const [first, second] = [it.hold("198.18.0.1"), it.hold("198.18.0.1")];
  const others = NAMES.slice(1).map((_, i) => it.hold(`198.18.0.${i + 2}`));
  clock.time = 10 * REST;
  expect(address("late.example")).toBe("exhausted");
  first();
  first();
  expect(address("late.example")).toBe("exhausted");
  second();
  expect(address("late.example")).toBe("exhausted");
  clock.time += REST;
  expect(address("late.example")).toBe("198.18.0.1");
  for (const release of others) release();
  it.hold("192.0.2.1")();
  it.hold("198.18.0.7")();
});

test("who is asked for while it is held stays where it is", () => {
  const { it, clock, address } = pool();
  for (const name of NAMES) address(name);
  const release = it.hold("198.18.0.1");
  clock.time = REST;
  address("a.example");
  for (const name of NAMES.slice(1)) expect(address(`new-${name}`)).toMatch(/^198/);
  expect(address("late.example")).toBe("exhausted");
  release();
  expect(it.nameOf("198.18.0.1")).toBe("a.example");
});

test("nobody is told of what could not be kept", () => {
  const { state, address, it, kept } = pool();
  state.full = true;
  expect(address("a.example")).toBe("exhausted");
  expect(it.nameOf("198.18.0.1")).toBeUndefined();
  state.full = false;
  expect(address("b.example")).toBe("198.18.0.1");
  expect(kept).toEqual([[1, "b.example", false]]);
});

test("what was kept comes back; gaps, and what was dropped, rest before they are used", () => {
  const { address, clock, it, kept } = pool({
    read: [
      [4, "d.example"],
      [2, "b.example"],
      [9, "out-of-range.example"],
    ],
  });
  expect(address("b.example")).toBe("198.18.0.2");
  expect(address("new-1.example")).toBe("198.18.0.5");
  expect(address("new-2.example")).toBe("198.18.0.6");
  expect(address("new-3.example")).toBe("exhausted");
  clock.time = REST;
  address("b.example");
  expect(address("new-3.example")).toBe("198.18.0.4");
  expect(it.nameOf("198.18.0.1")).toBeUndefined();
  expect(address("new-4.example")).toBe("198.18.0.1");
  expect(address("new-5.example")).toBe("198.18.0.3");
  expect(kept.map(([number, , instead]) => [number, instead])).toEqual([
    [5, false],
    [6, false],
    [4, true],
    [1, true],
    [3, true],
  ]);
});

test("an address that the operator gave goes to nobody else, whatever was kept", () => {
  const { it, address } = pool({
    ranges: ["198.18.0.0/29", "fd00::/64"],
    fixed: [
      ["db.example", "198.18.0.1"],
      ["web.example", "127.77.0.1"],
      ["web.example", "fd00::9"],
    ],
    read: [
      [1, "a.example"],
      [2, "web.example"],
    ],
  });
  expect(address("db.example")).toBe("198.18.0.1");
  expect(address("db.example", 6)).toBe("none");
  expect([address("web.example"), address("web.example", 6)]).toEqual(["127.77.0.1", "fd00::9"]);
  expect(it.nameOf("198.18.0.1")).toBe("db.example");
  expect(it.nameOf("127.77.0.1")).toBe("web.example");
  expect(it.nameOf("FD00:0::9")).toBe("web.example");
  expect(address("a.example")).toBe("198.18.0.3");
  expect(it.nameOf("198.18.0.2")).toBeUndefined();
});

test("addresses of the ranges are known as bytes, also where they hide in IPv6", () => {
  const fixed: [string, string][] = [
    ["web.example", "127.77.0.1"],
    ["web.example", "fd01::9"],
  ];
  const { it } = pool({ ranges: ["198.18.0.0/29", "fd00::/64"], fixed });
  const holds = (text: string) => {
    const bytes = Buffer.from(text.replaceAll(" ", ""), "hex");
    return it.containsBytes(Buffer.concat([Buffer.of(7), bytes]), 1, bytes.length);
  };
  expect(holds("c6120000")).toBe(true);
  expect(holds("c6120008")).toBe(false);
  expect([holds("7f4d0001"), holds("7f4d0002")]).toEqual([true, false]);
  expect(holds("0000 0000 0000 0000 0000 ffff 7f4d 0001")).toBe(true);
  expect(holds("fd01 0000 0000 0000 0000 0000 0000 0009")).toBe(true);
  expect(["127.77.0.1", "127.77.0.2", "198.18.0.5"].map((text) => it.contains(parseIp(text)!))).toEqual([
    true,
    false,
    true,
  ]);
  expect(holds("fd00 0000 0000 0000 0123 0000 0000 0000")).toBe(true);
  expect(holds("fd00 0000 0000 0001 0000 0000 0000 0000")).toBe(false);
  expect(holds("0000 0000 0000 0000 0000 ffff c612 0005")).toBe(true);
  expect(holds("0000 0000 0000 0000 0000 ffff c612 0009")).toBe(false);
  expect(holds("0000 0000 0000 0000 0001 ffff c612 0005")).toBe(false);
});

test("whatever is done, the mapping is one to one and nothing that is held or young moves", () => {
  const step = fc.record({
    name: fc.integer({ min: 0, max: 12 }),
    wait: fc.integer({ min: 0, max: 700 }),
    act: fc.constantFrom("ask", "hold", "release"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { it, clock, address } = pool();
      const known = new Map<string, { name: string; until: number }>();
      const holds: [string, () => void][] = [];
      for (const { name: n, wait, act } of steps) {
        clock.time += wait;
        const name = `n${n}.example`;
        if (act === "ask") {
          const given = address(name);
          if (given === "exhausted") continue;
          const before = known.get(given);
          if (before !== undefined && before.name !== name) {
            expect(clock.time).toBeGreaterThanOrEqual(before.until);
            expect(holds.some(([held]) => held === given)).toBe(false);
          }
          known.set(given, { name, until: clock.time + REST });
        } else if (act === "hold") {
          const at = `198.18.0.${(n % 6) + 1}`;
          if (it.nameOf(at) !== undefined) holds.push([at, it.hold(at)]);
        } else {
          const [at, release] = holds.shift() ?? [];
          release?.();
          if (at !== undefined) known.get(at)!.until = Math.max(known.get(at)!.until, clock.time + REST);
        }
        const names = Array.from({ length: 6 }, (_, i) => it.nameOf(`198.18.0.${i + 1}`)).filter(
          (one) => one !== undefined,
        );
        expect(new Set(names).size).toBe(names.length);
      }
    }),
  );
});
