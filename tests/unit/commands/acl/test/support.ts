/** A run with everything in it that a format must take care of. Not a test. */
import { type RunReport, runSuite } from "../../../../../lib/acl/testing/report.ts";
import type { Sources } from "../../../../../lib/acl/source.ts";
import { policyOf } from "../../../lib/acl/support.ts";

const ACL = `policy a { when host == "a.test" require "x" in client.ou action allow }
policy b { when host == "b.test" action deny explain-template="b.html" }
test "odd, 100%: <&> # skip
::two" {
  given { command = "tunnel" host = "a.test" }
  case "ring \u0007 \u001b[31m" { client.ou = ["\u0001", "y"] } expect allow by a
  case "good" { client.ou = ["x"] } expect allow by a
  case "other" { host = "b.test" } expect deny by b explain "c.html"
}
policy c { when host == "c.test" action deny }
`;

/** Three cases, the second passes; with coverage, `c` was never true. */
export function oddRun(options: { coverage?: boolean; failFast?: boolean } = {}): { run: RunReport; sources: Sources } {
  const policy = policyOf(ACL);
  const { tests: cases, sources } = policy.program;
  const suite = { policy, cases, sources };
  return { run: runSuite("p.acl", suite, { coverage: false, failFast: false, ...options }), sources };
}

/** A run that passes. */
export function goodRun(): { run: RunReport; sources: Sources } {
  const policy = policyOf('policy a { action allow } test "t" { given { command = "tunnel" } expect allow by a }');
  const { tests: cases, sources } = policy.program;
  return { run: runSuite("p.acl", { policy, cases, sources }, { coverage: false, failFast: false }), sources };
}
