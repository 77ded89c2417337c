/** A request decided to its end asks for names only where it must, and for none without a guard. The rest is tests/unit/lib/net/egress.test.ts. */
import { expect, test } from "bun:test";
import type { Facts } from "../../../../lib/acl/facts.ts";
import type { Guard } from "../../../../lib/acl/guard.ts";
import { decideRequest, type Settlement } from "../../../../lib/acl/request.ts";
import { ip, policyOf } from "./support.ts";

const GUARD: Guard = { own: [], resolvedBy: "us" };

function settle(acl: string, facts: Facts, guard: Guard | undefined, addresses: string[] = []) {
  const asked: string[] = [];
  const deciding = decideRequest(facts, policyOf(acl), guard);
  let step = deciding.next();
  while (!step.done) {
    asked.push(step.value);
    step = deciding.next(addresses.map(ip));
  }
  return { settled: step.value satisfies Settlement, asked };
}

test("a name is yielded once, its addresses are sorted by what was decided of them", () => {
  const acl = "policy no { when dest.ip == 192.0.2.1 action deny } policy out { action allow }";
  const addresses = ["10.0.0.1", "203.0.113.1", "192.0.2.1", "203.0.113.2"];
  const { settled, asked } = settle(acl, { host: "a.test", port: 1 }, GUARD, addresses);
  expect(asked).toEqual(["a.test"]);
  expect(settled.decision).toMatchObject({ outcome: "allow", policy: "out" });
  expect(settled.facts["dest.ip"]).toEqual(ip("203.0.113.1"));
  expect(settled.addresses).toEqual([ip("203.0.113.1"), ip("203.0.113.2")]);
  expect(settled.refused.map(({ ip, decision: { reason } }) => [ip.d & 255, reason])).toEqual([
    [1, "guard"],
    [1, "policy"],
  ]);
  expect(settled.hops).toBe(0);
});

test("all denied: the first denial, and every address refused", () => {
  const { settled } = settle("policy out { action allow }", { host: "a.test" }, GUARD, ["10.0.0.1", "127.0.0.1"]);
  expect(settled.decision).toMatchObject({ outcome: "deny", reason: "guard", guardClass: "private" });
  expect([settled.addresses.length, settled.refused.length]).toEqual([0, 2]);
});

test("a name without an address lacks dest.ip", () => {
  const { settled, asked } = settle("policy out { action allow }", { host: "a.test" }, GUARD);
  expect(asked).toEqual(["a.test"]);
  expect(settled.decision).toMatchObject({ outcome: "deny", reason: "missing_fact", missing: "dest.ip" });
  expect(settled.decision.policy).toBeUndefined();
});

test("without a guard, or without a host, nothing is asked for", () => {
  const acl = 'policy go { when host == "a.test" action redirect "b.test" } policy out { action allow }';
  const { settled, asked } = settle(acl, { host: "a.test" }, undefined);
  expect([settled.decision.outcome, settled.facts.host, settled.hops, asked]).toEqual(["allow", "b.test", 1, []]);
  const { settled: bare } = settle("policy out { when port == 1 action allow }", { port: 1 }, GUARD);
  expect(bare.decision.outcome).toBe("allow");
});
