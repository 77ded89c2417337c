/** The compiled policy, the plain evaluation and the explanation always agree. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { explain, type ExplainedCondition } from "../../../../lib/acl/explain.ts";
import type { Guard } from "../../../../lib/acl/guard.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";
import { Random } from "../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "./random.ts";

const REQUESTS = 200;
const guards: (Guard | undefined)[] = [
  undefined,
  { own: [], resolvedBy: "us" },
  { own: [{ ip: parseIp("8.8.8.8")!, port: 443 }], resolvedBy: "backend" },
];

function load(source: string) {
  const { policy, diagnostics } = loadPolicy("p.acl", (path) => (path === "p.acl" ? source : NAMES));
  if (policy === undefined) throw new Error(`${JSON.stringify(diagnostics)}\n${source}`);
  return policy;
}

test("compiled equals naive on 100,000 random policies and requests, missing facts included", () => {
  const outcomes = new Map<string, number>();
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const source = randomPolicy(random);
      const policy = load(source);
      for (let i = 0; i < REQUESTS; i++) {
        const facts = randomFacts(random);
        const guard = random.pick(guards);
        const decision = policy.decide(facts, guard);
        const explanation = explain(policy, facts, { guard });
        const note = () => `${source}\n${JSON.stringify(facts)}`;
        if (!Bun.deepEquals(decision, explanation.decision))
          expect([note(), decision]).toEqual([note(), explanation.decision as typeof decision]);
        const { "dest.ip": _, ...unresolved } = facts;
        const early = policy.decideBeforeResolution(unresolved);
        const plain = explain(policy, unresolved, { pending: true }).decision;
        if (!Bun.deepEquals(early, plain)) expect([note(), early]).toEqual([note(), plain]);
        const key = `${decision.outcome}/${decision.reason}`;
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
        outcomes.set(early.outcome, (outcomes.get(early.outcome) ?? 0) + 1);
        const routes = policy.routes(facts);
        const naive = naiveRoutes(explanation.routes);
        expect(routes.missing === undefined ? routes.matched : "trouble").toEqual(naive);
      }
    }),
    { numRuns: 500 },
  );
  // The property is empty if a kind of decision never comes up.
  for (const kind of [
    "allow/policy",
    "deny/policy",
    "deny/default",
    "deny/missing_fact",
    "deny/type_mismatch",
    "deny/guard",
    "redirect/policy",
    "challenge/policy",
    "resolve",
  ]) {
    expect(outcomes.get(kind) ?? 0).toBeGreaterThan(50);
  }
}, 120_000);

function naiveRoutes(routes: readonly { name: string; state: string }[]): readonly string[] | "trouble" {
  const matched: string[] = [];
  for (const { name, state } of routes) {
    if (state === "missing" || state === "mistyped") return "trouble";
    if (state === "true") matched.push(name);
  }
  return matched;
}

test("what is decided before resolution holds for every address", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const source = randomPolicy(random);
      const policy = load(source);
      for (let i = 0; i < 40; i++) {
        const { "dest.ip": _, ...unresolved } = randomFacts(random);
        const early = policy.decideBeforeResolution(unresolved);
        if (early.outcome === "resolve") continue;
        for (const address of ["10.0.0.1", "8.8.8.8", "::1", "2001:db8::1", "127.0.0.1", "169.254.169.254"]) {
          const late = policy.decide({ ...unresolved, "dest.ip": parseIp(address)! }, { own: [], resolvedBy: "us" });
          const denied = late.outcome === "deny" || late.outcome === "challenge";
          if (early.outcome === "redirect") expect([source, late.redirect]).toEqual([source, early.redirect]);
          else expect([source, denied]).toEqual([source, true]);
        }
      }
    }),
    { numRuns: 300 },
  );
}, 60_000);

test("an explanation says of each part what was true, false, missing or not reached", () => {
  const policy = load(
    'policy a { when port == 443 and method == "GET" or host == "x.test" require client.auth == "tls" action deny }\npolicy b { when not (host == "a.test") action allow }',
  );
  const { policies, decision } = explain(policy, { host: "a.test", port: 443, "client.auth": "none" });
  const [a, b] = policies;
  expect(decision).toMatchObject({ outcome: "deny", reason: "missing_fact", missing: "method", policy: "a" });
  expect(a).toMatchObject({ name: "a", state: "missing", reached: true, decided: true, action: "deny" });
  expect(a!.when!.items[0]!.items.map(({ text, state }) => [text, state])).toEqual([
    ["port == 443", "true"],
    ['method == "GET"', "missing"],
  ]);
  expect(a!.when!.items[1]).toMatchObject({ text: 'host == "x.test"', state: "unreached", facts: ["host"] });
  expect(a!.require).toMatchObject({ state: "unreached" });
  expect(b).toMatchObject({
    reached: false,
    decided: false,
    state: "false",
    when: { kind: "not", items: [{ state: "true" }] },
  });
});

test("a part is shown with every parenthesis that belongs to it, and with none that does not", () => {
  const when = '(not (host == "a.test")) and (port == 1 or not ((host == "(" or port == 2)))';
  const { policies } = explain(load(`policy a { when ${when} action deny }`), { host: "b.test", port: 3 });
  const texts = (part: ExplainedCondition): string[] => [part.text, ...part.items.flatMap(texts)];
  expect(texts(policies[0]!.when!)).toEqual([
    when,
    'not (host == "a.test")',
    'host == "a.test"',
    'port == 1 or not ((host == "(" or port == 2))',
    "port == 1",
    'not ((host == "(" or port == 2))',
    'host == "(" or port == 2',
    'host == "("',
    "port == 2",
  ]);
});
