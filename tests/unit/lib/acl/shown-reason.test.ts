/** The second policy set decides what of a reason is shown; whatever is not an allow shows nothing. */
import { describe, expect, test } from "bun:test";
import type { Facts } from "../../../../lib/acl/facts.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";
import { shownReason } from "../../../../lib/acl/shown-reason.ts";

function load(source: string) {
  const { policy, diagnostics } = loadPolicy("p.acl", () => source);
  if (policy === undefined) throw new Error(JSON.stringify(diagnostics));
  return policy;
}

const POLICY = load(`
policy ops { when port == 22 require "ops" in client.ou and client.auth == "tls" action allow }
policy either { when port == 22 require client.auth == "tls" or method == "GET" action allow }
policy closed { when host == "closed.example" action deny }
policy staff { when port == 25 and client.cn == "alice" action allow }
`);
const BASE: Facts = {
  command: "socks",
  host: "a.example",
  port: 22,
  "client.ou": ["dev"],
  "client.auth": "none",
  method: "PUT",
};
const shown = (told: string | undefined, facts: Facts) =>
  shownReason(told === undefined ? undefined : load(told), POLICY, POLICY.decide(facts), facts);

const ALL = "policy all { action allow }";

describe("nothing is shown", () => {
  test.each([
    ["without a policy about it", undefined],
    ["where none allows", ""],
    ["where one denies", "policy no { action deny }"],
    ["where it asks for what is not known", 'policy p { when client.user == "x" action allow }'],
    ["where it asks for the policy of a denial by default", 'policy p { when decision.policy != "x" action allow }'],
    ["where it challenges", 'policy p { action challenge "no" }'],
    ["where it redirects", 'policy p { action redirect "b.example" }'],
    ["where it only logs", "policy p { action log }"],
    ["where it is about another command", 'policy p { when command == "socks" action allow }'],
  ])("%s", (_, told) => {
    expect(shown(told, BASE)).toBeUndefined();
  });
});

test("a denial by default: the comparisons of each require that were false, of an or the whole", () => {
  expect(shown('policy p { when command == "explain" and decision.reason == "default" action allow }', BASE)).toEqual({
    reason: "default",
    policy: undefined,
    missing: undefined,
    requirements: ['"ops" in client.ou', 'client.auth == "tls" or method == "GET"'],
  });
});

test("a denial by a policy: its name", () => {
  const told = 'policy p { when decision.policy == "closed" and decision.outcome == "deny" action allow }';
  expect(shown(told, { ...BASE, port: 80, host: "closed.example" })).toEqual({
    reason: "policy",
    policy: "closed",
    missing: undefined,
    requirements: [],
  });
});

test("a missing fact: its name, and the policy that asked", () => {
  expect(shown(ALL, { ...BASE, port: 25 })).toMatchObject({
    reason: "missing_fact",
    policy: "staff",
    missing: "client.cn",
    requirements: [],
  });
});

test("a request decides who is told", () => {
  const told = 'policy p { when "dev" in client.ou action allow }';
  expect(shown(told, BASE)).toBeDefined();
  expect(shown(told, { ...BASE, "client.ou": ["guests"] })).toBeUndefined();
});
