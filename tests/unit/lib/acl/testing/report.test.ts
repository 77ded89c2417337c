/** A run as data: what was given, expected and got, why, and where. */
import { describe, expect, test } from "bun:test";
import { givenTexts } from "../../../../../lib/acl/testing/describe.ts";
import { runSuite } from "../../../../../lib/acl/testing/report.ts";
import { policyOf } from "../support.ts";

function run(acl: string, options: { failFast?: boolean; coverage?: boolean } = {}) {
  const policy = policyOf(acl);
  const { tests: cases, sources } = policy.program;
  return runSuite("p.acl", { policy, cases, sources }, { failFast: false, coverage: false, ...options });
}

const ACL = `policy a { when port == 1 and
  host == "a.test" require "ops" in client.ou action allow }
policy b { when port == 2 action allow }
policy c { when not (port == 1 and (host == "a.test" or  port == 2)) action deny }
test "t" {
  given { command = "tunnel" host = "a.test" port = 1 client.ou = ["dev"] }
  case "one" {} expect allow by a
  case "two" { port = 3 } expect allow
  case "three" { port = 3 } expect deny by c
  case "four" { port = 2 } expect deny by c
}`;

test("passes and failures are counted, with their lines", () => {
  const { cases, passed, failed, notRun, coverage } = run(ACL);
  expect({ passed, failed, notRun, coverage }).toEqual({ passed: 1, failed: 3, notRun: 0, coverage: undefined });
  expect(cases.map(({ name, line, failure }) => [name, line, failure?.parts])).toEqual([
    ["t: one", 7, ["outcome", "by"]],
    ["t: two", 8, ["outcome"]],
    ["t: three", 9, undefined],
    ["t: four", 10, ["outcome", "by"]],
  ]);
});

test("the first failure may end it", () => {
  const { cases, failed, notRun } = run(ACL, { failFast: true });
  expect([cases.length, failed, notRun]).toEqual([1, 1, 3]);
});

describe("a failure is explained", () => {
  const why = (i: number) => run(ACL).cases[i]!.failure!.why;

  test("by the policy that was expected, with its comparisons as far as they were asked", () => {
    expect(why(0)).toEqual([
      {
        policy: "a",
        fate: "did not hold",
        file: "p.acl",
        line: 1,
        asked: [
          { state: "true", text: "port == 1" },
          { state: "true", text: 'host == "a.test"' },
          { state: "false", text: '"ops" in client.ou' },
        ],
      },
    ]);
  });

  test("by the one that decided, then those whose action was expected", () => {
    expect(why(1).map(({ policy, fate }) => [policy, fate])).toEqual([
      ["c", "decided"],
      ["a", "did not hold"],
      ["b", "did not hold"],
    ]);
    expect(why(1)[0]!.asked).toEqual([{ state: "true", text: 'not (port == 1 and (host == "a.test" or port == 2))' }]);
  });

  test("by one that the evaluation never came to", () => {
    expect(why(3).map(({ policy, fate }) => [policy, fate])).toEqual([
      ["b", "decided"],
      ["c", "was not reached"],
    ]);
  });
});

test("facts are shown as they are written", () => {
  const { tests } = policyOf(`test "t" {
  given { host = "A.test" port = 1 client.ou = ["a", "b"] client.ip = ::1 device.managed = true now = "2026-01-31T18:00+01:00" resolves = [10.0.0.1, ::1] }
  expect deny
}`).program;
  expect(givenTexts(tests[0]!)).toEqual([
    'host = "a.test"',
    "port = 1",
    'client.ou = ["a", "b"]',
    "client.ip = ::1",
    "device.managed = true",
    'now = "2026-01-31T17:00:00Z"',
    "resolves = [10.0.0.1, ::1]",
  ]);
});
