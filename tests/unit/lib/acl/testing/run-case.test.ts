/** Cases are decided as the daemon decides, and every part of an expectation is held against it. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Decision } from "../../../../../lib/acl/decision.ts";
import type { Facts } from "../../../../../lib/acl/facts.ts";
import type { CheckedExpectation, CheckedTest } from "../../../../../lib/acl/model.ts";
import type { Policy } from "../../../../../lib/acl/policy.ts";
import { gotText } from "../../../../../lib/acl/testing/describe.ts";
import { type Part, runCase } from "../../../../../lib/acl/testing/run-case.ts";
import { decideEgress } from "../../../../../lib/net/egress.ts";
import { formatIp, type Ip } from "../../../../../lib/wire/ip.ts";
import { Random } from "../../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "../random.ts";
import { ip, policyOf } from "../support.ts";

const ACL = `
route hub { when host under "far.test" use ["h1", "h2"] }
policy seen { when port == 443 action log }
policy moved { when host == "old.test" action redirect "new.test:8443" }
policy home { when host == "home.test" action redirect "far.test" }
policy step { when host == "step.test" action challenge "prove it" }
policy ops { when host == "ops.test" require "ops" in client.ou action allow }
policy no { when host == "no.test" action deny explain-template="no.html" }
policy far { when host under "far.test" and route.local == false action allow }
policy new { when host == "new.test" and port == 8443 action allow }
policy web { when port == 443 action allow }
policy round { when host == "round.test" action redirect "round.test" }
`;

/** The parts that one case fails, and what it got. */
function failed(given: string, expectation: string, acl = ACL): { parts: readonly Part[]; got: string } {
  const policy = policyOf(`${acl}\ntest "t" { given { ${given} } expect ${expectation} }`);
  const result = runCase(policy, policy.program.tests[0]!);
  return { parts: result.failed, got: gotText(result) };
}

const PLAIN = 'command = "socks" resolves = [203.0.113.1]';
const SOCKS = `${PLAIN} port = 443`;

describe("what is met", () => {
  test.each([
    [`${SOCKS} host = "a.test"`, "allow by web logged [seen] via []"],
    [`${SOCKS} host = "no.test"`, 'deny by no explain "no.html"'],
    [`${SOCKS} host = "step.test"`, 'challenge by step explain "prove it"'],
    [`${SOCKS} host = "ops.test"`, "deny by ops missing client.ou"],
    [`${SOCKS} host = "ops.test" client.ou = ["ops"]`, "allow by ops"],
    [`${PLAIN} host = "a.test" port = 1`, "deny by default logged []"],
    ['command = "socks" port = 443 host = "127.0.0.1"', "deny by web"],
    ['command = "socks" port = 443 host = "a.test" resolves = [10.0.0.1, 203.0.113.1]', "allow by web"],
    ['command = "socks" port = 443 host = "a.test" resolves = [10.0.0.1]', "deny by web"],
    ['command = "socks" port = 443 host = "a.test" dest.ip = 203.0.113.1', "allow by web"],
    ['command = "socks" port = 443 host = "a.test"', "deny missing dest.ip"],
    // A redirect is about the request itself; all else is about the end of it.
    [`${SOCKS} host = "old.test"`, 'redirect by moved to "new.test:8443" logged [seen]'],
    [`${SOCKS} host = "old.test"`, 'allow by new to "new.test:8443" logged [seen]'],
    [`${SOCKS} host = "old.test"`, 'allow by new to "https://new.test:8443/x"'],
    ['command = "socks" port = 443 host = "old.test" dest.ip = 203.0.113.1', "allow by new"],
    ['command = "socks" port = 443 host = "old.test" resolves = [127.0.0.1]', "deny by new"],
    [`${PLAIN} host = "round.test" port = 1`, 'deny to "round.test"'],
    // A backend resolves names: none is needed, and only literals are judged.
    ['command = "socks" port = 1 host = "x.far.test"', 'allow by far via ["h1", "h2"]'],
    [`${SOCKS} host = "home.test"`, 'allow by far via ["h1", "h2"] to "far.test:443" logged [seen, seen]'],
    // Other commands connect elsewhere.
    ['command = "tunnel" port = 443 host = "a.test"', "allow by web"],
    ['command = "tunnel" port = 1 host = "far.test" route.local = false', "allow by far via []"],
  ])("%s: %s", (given, expectation) => expect(failed(given, expectation).parts).toEqual([]));
});

describe("what is not met is named", () => {
  test.each<[string, string, Part[], string]>([
    [`${SOCKS} host = "a.test"`, "deny by web", ["outcome"], "allow by web"],
    [`${SOCKS} host = "a.test"`, "allow by ops", ["by"], "allow by web"],
    [`${SOCKS} host = "a.test"`, "allow by default", ["by"], "allow by web"],
    [`${PLAIN} host = "a.test" port = 1`, "deny by web", ["by"], "deny by default"],
    [`${SOCKS} host = "no.test"`, 'deny by no explain "x"', ["explain"], 'deny by no explain "no.html"'],
    [`${SOCKS} host = "a.test"`, 'allow explain "x"', ["explain"], "allow by web"],
    [`${SOCKS} host = "old.test"`, 'redirect to "new.test"', ["to"], 'redirect by moved to "new.test:8443"'],
    [`${SOCKS} host = "a.test"`, 'allow to "new.test"', ["to"], "allow by web"],
    [`${SOCKS} host = "a.test"`, 'redirect by moved to "new.test:8443"', ["outcome", "by", "to"], "allow by web"],
    [`${SOCKS} host = "a.test"`, 'allow via ["h1"]', ["via"], "allow by web via []"],
    [`${SOCKS} host = "far.test"`, 'allow via ["h2", "h1"]', ["via"], 'allow by far via ["h1", "h2"]'],
    [`${SOCKS} host = "far.test"`, 'allow via ["h1"]', ["via"], 'allow by far via ["h1", "h2"]'],
    [`${SOCKS} host = "a.test"`, "allow logged []", ["logged"], "allow by web logged [seen]"],
    [`${SOCKS} host = "ops.test"`, "deny missing host", ["missing"], "deny by ops missing client.ou"],
    [`${SOCKS} host = "no.test"`, "deny missing host", ["missing"], "deny by no"],
    [
      'command = "socks" port = 443 host = "a.test"',
      "allow",
      ["outcome"],
      'deny missing dest.ip (the case gives a.test no address: add "dest.ip" or "resolves")',
    ],
    [
      'command = "socks" port = 443 host = "127.0.0.1"',
      "allow",
      ["outcome"],
      "deny by web (the address guard refuses 127.0.0.1, which is loopback)",
    ],
    [`${PLAIN} host = "round.test" port = 1`, "allow", ["outcome"], "deny by round (too many redirects)"],
    [
      'command = "socks" port = 443 resolves = [203.0.113.1]',
      "allow",
      ["outcome"],
      "deny missing host (the route hub asks for it)",
    ],
  ])("%s: %s", (given, expectation, parts, got) =>
    expect(failed(given, expectation)).toEqual({ parts, got: expect.stringContaining(got) as unknown as string }),
  );
});

describe("a backend takes no datagrams", () => {
  const acl = `route far { when host under "far.test" use ["h1"] }
policy udp { when proxy.cmd == "udp_associate" action allow }`;
  const given = `${PLAIN} port = 53 proxy.cmd = "udp_associate"`;

  test.each([
    ['host = "a.test"', "allow by udp via []"],
    ['host = "far.test"', 'deny by udp via ["h1"]'],
    ['host = "far.test" route.local = true', 'allow by udp via ["h1"]'],
  ])("%s: %s", (more, expectation) => expect(failed(`${given} ${more}`, expectation, acl).parts).toEqual([]));

  test("a failed case says so", () => {
    const { got } = failed(`${given} host = "far.test"`, "allow", acl);
    expect(got).toBe("deny by udp (a backend takes no datagrams)");
  });
});

/** A random request with what the proxy makes of it, and its addresses. */
async function randomCase(random: Random): Promise<{ policy: Policy; test: CheckedTest; decision: Decision }> {
  const source = randomPolicy(random).replace(/^route .*$/gm, "");
  const policy = policyOf(source, { "names.txt": NAMES });
  const facts: Facts = { host: "a.test", port: 443, ...randomFacts(random), command: "socks" };
  const known = facts["dest.ip"];
  const given: Facts = random.chance(2) ? facts : { ...facts, "dest.ip": undefined };
  const addresses: Ip[] = random.some(["10.0.0.1", "8.8.8.8", "::1", "2001:db8::1"], 3).map(ip);
  const resolves = given["dest.ip"] === undefined ? addresses : undefined;
  const answer = resolves ?? (known === undefined ? [] : [known]);
  const { decision } = await decideEgress(
    { ...given, "route.local": given["route.local"] ?? true },
    {
      policy,
      guard: { own: [], resolvedBy: "us" },
      resolve: () => Promise.resolve(answer.map(formatIp)),
    },
  );
  const expectation: CheckedExpectation = {
    outcome: decision.outcome,
    by: decision.policy ?? (decision.reason === "default" ? "default" : undefined),
    to: undefined,
    via: [],
    explain: decision.template ?? decision.challenge,
    missing: decision.missing,
    logged: undefined,
  };
  const place = { file: "p.acl", start: 0 };
  return { policy, decision, test: { name: "t", place, given, resolves, expect: expectation } };
}

/** The expectation with one part made wrong. */
function flips({ expect: right }: CheckedTest, { missing }: Decision): [Part, CheckedExpectation][] {
  const outcome = right.outcome === "deny" ? "allow" : "deny";
  return [
    ["outcome", { ...right, outcome }],
    ["by", { ...right, by: right.by === "p0" ? "p1" : "p0" }],
    ["via", { ...right, via: ["b"] }],
    ["explain", { ...right, explain: `${right.explain ?? ""}!` }],
    ["missing", { ...right, missing: missing === "host" ? "port" : "host" }],
    ["to", { ...right, to: { host: "nowhere.test", port: 1 } }],
    ["logged", { ...right, logged: ["nobody"] }],
  ];
}

test("a case made of a random request and what the proxy decides passes; with any part made wrong it fails by that part", async () => {
  const outcomes = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = new Random(seed);
      for (let i = 0; i < 5; i++) {
        const { policy, test: made, decision } = await randomCase(random);
        const result = runCase(policy, made);
        expect([seed, gotText(result), result.failed]).toEqual([seed, gotText(result), []]);
        for (const [part, wrong] of flips(made, decision))
          expect([seed, part, runCase(policy, { ...made, expect: wrong }).failed]).toEqual([seed, part, [part]]);
        const key = `${decision.outcome}/${decision.reason}`;
        outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
      }
    }),
    { numRuns: 400 },
  );
  // The property is empty if a kind of decision never comes up.
  for (const kind of [
    "allow/policy",
    "deny/policy",
    "deny/default",
    "deny/guard",
    "deny/missing_fact",
    "challenge/policy",
  ])
    expect([kind, (outcomes.get(kind) ?? 0) > 20]).toEqual([kind, true]);
}, 60_000);
