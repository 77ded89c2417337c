/** Which clauses are evaluated for a request: those that its facts find, in order, and no others. */
import { describe, expect, test } from "bun:test";
import { Candidates } from "../../../../../lib/acl/compile/candidates.ts";
import { compileClause } from "../../../../../lib/acl/compile/normalise.ts";
import { Request } from "../../../../../lib/acl/compile/request.ts";
import type { Facts } from "../../../../../lib/acl/facts.ts";
import { ip, policyOf } from "../support.ts";

function evaluated(conditions: readonly string[]): (facts: Facts) => number[] {
  const text = conditions.map((condition, i) => `policy p${i} { when ${condition} action deny }`).join("\n");
  const clauses = policyOf(text).program.policies.map(({ when, require }) => compileClause(when, require));
  const request = new Request();
  const candidates = new Candidates(clauses, request);
  return (facts) => {
    request.begin(facts, false);
    candidates.begin();
    const found: number[] = [];
    for (let one = candidates.next(); one >= 0; one = candidates.next()) found.push(one);
    return found;
  };
}

describe("weakness 6.3.3: of 10,000 policies a few are evaluated", () => {
  const many = (condition: (i: number) => string) => evaluated(Array.from({ length: 10_000 }, (_, i) => condition(i)));

  test.each([
    ["hosts", (i: number) => `host == "h${i}.test"`],
    ["domains", (i: number) => `host under "h${i}.test"`],
    ["patterns that are texts", (i: number) => `host =~ "^h${i}\\.test$"`],
    ["patterns with an end", (i: number) => `host =~ "(^|\\.)h${i}\\.test$"`],
    ["sets", (i: number) => `host in ["h${i}.test", "other${i}.test"]`],
  ])("%s", (_, condition) => {
    const find = many(condition);
    expect(find({ host: "h7777.test" })).toEqual([7777]);
    expect(find({ host: "free.test" })).toEqual([]);
  });

  test("networks", () => {
    const find = many((i) => `dest.ip in [10.${i >> 8}.${i & 255}.0/24]`);
    expect(find({ "dest.ip": ip("10.30.97.5") })).toEqual([(30 << 8) | 97]);
    expect(find({ "dest.ip": ip("11.0.0.1") })).toEqual([]);
  });

  test("numbers, and members of lists", () => {
    const find = many((i) => (i < 5000 ? `port == ${i}` : `"g${i}" in client.ou`));
    expect(find({ port: 443, "client.ou": ["g443", "g6000", "x"] })).toEqual([443, 6000]);
  });

  test("those that nothing finds are evaluated each time, between the others in their order", () => {
    const find = many((i) => (i % 1000 === 0 ? `host != "h${i}.test"` : `host == "h${i}.test"`));
    expect(find({ host: "h1500.test" })).toEqual([
      0,
      1000,
      1500,
      ...Array.from({ length: 8 }, (_, i) => 2000 + i * 1000),
    ]);
  });

  test("where the fact is missing, each that asks for it is", () => {
    const find = many((i) => (i < 9990 ? `port == ${i}` : `host == "h${i}.test"`));
    expect(find({ port: 1 })).toEqual([1, ...Array.from({ length: 10 }, (_, i) => 9990 + i)]);
  });
});
