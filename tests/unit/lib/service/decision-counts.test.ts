/** Decisions that are counted: by outcome, by policy, and never by more names than a page bears. */
import { expect, test } from "bun:test";
import { DecisionCounts } from "../../../../lib/service/decision-counts.ts";
import { Registry } from "../../../../lib/service/metrics.ts";

test("what no policy allowed is the default's; of a million policies a hundred have a name", () => {
  const counts = new DecisionCounts();
  const registry = new Registry("portail");
  counts.register(registry);
  counts.decided(undefined);
  counts.decided({ outcome: "deny", policy: undefined } as never);
  for (let i = 0; i < 1000; i++) counts.decided({ outcome: "allow", policy: `p${i}` } as never);
  expect(registry.values("decisions_total")).toEqual([
    { labels: { outcome: "deny" }, value: 1 },
    { labels: { outcome: "allow" }, value: 1000 },
  ]);
  const policies = registry.values("policy_decisions_total");
  expect(policies.length).toBeLessThan(110);
  expect(policies[0]).toEqual({ labels: { policy: "default" }, value: 1 });
  expect(policies.find(({ labels }) => labels["policy"] === "other")!.value).toBeGreaterThan(890);
});
