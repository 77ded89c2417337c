/** Counts by policy are bounded whatever the size of the set, and no count is lost. */
import { expect, test } from "bun:test";
import { Counts } from "../../../../commands/socks/counts.ts";
import { DEFAULT_DENY, decisionOf } from "../../../../lib/acl/decision.ts";

const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);

test("a hundred policies by name, the rest as other", () => {
  const counts = new Counts(true);
  for (let i = 0; i < 1000; i++) counts.decided(decisionOf(`p${i}`, { kind: "allow" }), "policy");
  counts.decided(DEFAULT_DENY, "default");
  expect(counts.policies.size).toBe(101);
  expect(counts.policies.get("other")).toBe(901);
  expect(counts.decisions).toMatchObject({ allow: 1000, deny: 1 });
  expect([...counts.reasons]).toEqual([
    ["policy", 1000],
    ["default", 1],
  ]);
  counts.keepPolicies(["p1"]);
  expect([...counts.policies.keys()].toSorted()).toEqual(["other", "p1"]);
  expect(sum(counts.policies)).toBe(1001);
});

test("without anybody to look only outcomes are counted", () => {
  const counts = new Counts(false);
  counts.decided(DEFAULT_DENY, "default");
  expect([counts.decisions.deny, counts.policies.size, counts.reasons.size]).toEqual([1, 0, 0]);
});
