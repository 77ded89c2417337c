/** PrefixTable and RangeTable against plain containment. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PrefixTable } from "../../../../../lib/acl/tables/prefix-table.ts";
import { RangeTable } from "../../../../../lib/acl/tables/range-table.ts";
import {
  type Cidr,
  cidrContains,
  formatCidr,
  formatIp,
  type Ip,
  parseCidr,
  parseCidrLoosely,
  parseIp,
} from "../../../../../lib/wire/ip.ts";

// Few distinct words, so that networks nest, touch and repeat.
const byte = fc.constantFrom(0, 1, 10, 127, 128, 255);
const word = fc.constantFrom(0, 1, 0x8000, 0xffff, 0x2001);
const quad = fc.tuple(byte, byte, byte, byte).map((bytes) => bytes.join("."));
const long = fc
  .array(word, { minLength: 8, maxLength: 8 })
  .map((words) => words.map((one) => one.toString(16)).join(":"));
const address: fc.Arbitrary<Ip> = fc.oneof(quad, long).map((text) => parseIp(text)!);
const network: fc.Arbitrary<Cidr> = fc
  .oneof(fc.tuple(quad, fc.integer({ min: 0, max: 32 })), fc.tuple(long, fc.integer({ min: 0, max: 128 })))
  .map(([base, length]) => parseCidrLoosely(`${base}/${length}`))
  .filter((cidr) => cidr !== undefined)
  .map(({ base, length }) => ({ base, length }));

test("the networks that hold an address, widest first, under their numbers", () => {
  fc.assert(
    fc.property(fc.array(network, { maxLength: 60 }), fc.array(address, { maxLength: 20 }), (networks, addresses) => {
      const table = new PrefixTable();
      const numbers = new Map(networks.map((one) => [formatCidr(one), table.add(one)]));
      expect(table.size).toBe(numbers.size);
      const out = new Int32Array(130);
      for (const ip of addresses) {
        const holders = [
          ...new Set(
            networks
              .filter((one) => cidrContains(one, ip))
              .toSorted((x, y) => x.length - y.length)
              .map(formatCidr),
          ),
        ];
        const count = table.holders(ip, out);
        expect([...out.subarray(0, count)]).toEqual(holders.map((one) => numbers.get(one)!));
      }
    }),
  );
});

test("merged ranges hold what some network holds", () => {
  fc.assert(
    fc.property(
      fc.array(network, { maxLength: 60 }),
      fc.array(address, { minLength: 1, maxLength: 30 }),
      (networks, addresses) => {
        const table = new RangeTable(networks);
        const edges = networks.map(({ base }) => base);
        for (const ip of [...addresses, ...edges]) {
          expect([formatIp(ip), table.has(ip)]).toEqual([formatIp(ip), networks.some((one) => cidrContains(one, ip))]);
        }
      },
    ),
    { numRuns: 300 },
  );
}, 60_000);

test("the families are apart, and the whole of each is a range", () => {
  const all4 = new RangeTable([parseCidr("0.0.0.0/0")!]);
  expect([all4.has(parseIp("255.255.255.255")!), all4.has(parseIp("0.0.0.0")!), all4.has(parseIp("::")!)]).toEqual([
    true,
    true,
    false,
  ]);
  const all6 = new RangeTable([parseCidr("::/0")!]);
  expect([all6.has(parseIp("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")!), all6.has(parseIp("1.2.3.4")!)]).toEqual([
    true,
    false,
  ]);
});
