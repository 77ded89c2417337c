/** What counts as seen: a clause that came out true and false for certain, a block without clauses that was reached. */
import { expect, test } from "bun:test";
import { CoverageMeter } from "../../../../../lib/acl/testing/coverage.ts";
import { runCase } from "../../../../../lib/acl/testing/run-case.ts";
import { policyOf } from "../support.ts";

/** `name kind: truefalse` of each clause, and covered/total. */
function seen(acl: string, ...cases: string[]) {
  const policy = policyOf(
    `${acl}\ntest "t" { expect deny ${cases.map((one) => `case { ${one} } expect deny`).join(" ")} }`,
  );
  const meter = new CoverageMeter(policy);
  for (const test of policy.program.tests.slice(1)) meter.note(runCase(policy, test).hops);
  const { blocks, covered, total, percent } = meter.report();
  const clauses = blocks.flatMap(({ name, reached, clauses }) =>
    clauses.length === 0
      ? [`${name}: ${reached}`]
      : clauses.map(({ kind, sawTrue, sawFalse }) => `${name} ${kind}: ${sawTrue ? "T" : "-"}${sawFalse ? "F" : "-"}`),
  );
  return { clauses, sum: `${covered}/${total}`, percent };
}

const ACL = `policy a { when port == 1 require host == "a.test" action deny }
policy b { when port == 2 action log }
policy c { action deny }`;

test("nothing is seen without cases, and of nothing all is", () => {
  expect(seen(ACL)).toEqual({
    clauses: ["a when: --", "a require: --", "b when: --", "c: false"],
    sum: "0/7",
    percent: 0,
  });
  expect(seen("")).toEqual({ clauses: [], sum: "0/0", percent: 100 });
});

test("a policy behind the one that decided is not reached, and a require behind a false when is not asked", () => {
  expect(seen(ACL, 'port = 1 host = "a.test"').clauses).toEqual([
    "a when: T-",
    "a require: T-",
    "b when: --",
    "c: false",
  ]);
  expect(seen(ACL, 'port = 3 host = "a.test"').clauses).toEqual([
    "a when: -F",
    "a require: --",
    "b when: -F",
    "c: true",
  ]);
});

test("a log is passed by, and several cases add up", () => {
  const all = seen(ACL, 'port = 1 host = "a.test"', 'port = 1 host = "b.test"', 'port = 2 host = "b.test"');
  expect(all).toEqual({ clauses: ["a when: TF", "a require: TF", "b when: TF", "c: true"], sum: "7/7", percent: 100 });
});

test("a missing fact is neither, and ends it", () => {
  expect(seen(ACL, 'host = "a.test"').clauses).toEqual(["a when: --", "a require: --", "b when: --", "c: false"]);
  expect(seen(ACL, "port = 1").clauses).toEqual(["a when: T-", "a require: --", "b when: --", "c: false"]);
});

test("what hangs on an address counts when the address is there", () => {
  const acl = "policy a { when dest.ip == 192.0.2.1 action deny } policy b { when port == 1 action allow }";
  expect(seen(acl, 'host = "x.test" port = 2').clauses).toEqual(["a when: --", "b when: -F"]);
  expect(seen(acl, 'host = "x.test" port = 1').clauses).toEqual(["a when: --", "b when: --"]);
  expect(seen(acl, 'host = "x.test" port = 1 resolves = [192.0.2.1, 192.0.2.2]').clauses).toEqual([
    "a when: TF",
    "b when: T-",
  ]);
});

test("a clause with one answer needs no other", () => {
  expect(seen("policy a { when true == true action deny }", "port = 1")).toMatchObject({ sum: "1/1", percent: 100 });
});

test("routes are asked of every target, redirects too, up to one that lacks a fact", () => {
  const acl = `route r { when host == "b.test" use ["x"] } route s { when method == "GET" use ["y"] } route t { use ["z"] }
policy a { when host == "a.test" action redirect "b.test" }`;
  expect(seen(acl, 'host = "a.test" method = "PUT"').clauses).toEqual([
    "a when: TF",
    "r when: TF",
    "s when: -F",
    "t: true",
  ]);
  expect(seen(acl, 'host = "a.test"').clauses).toEqual(["a when: --", "r when: -F", "s when: --", "t: false"]);
});
