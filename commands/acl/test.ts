/** `portail acl test`: runs the test cases of a policy and says which fail, and how much of it they have seen. */
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT } from "../../lib/command/errors.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";

export default defineCommand({
  meta: {
    name: "test",
    description: "Run the test cases of an access policy",
    long: `Cases stand in test blocks of the policy and in TOML files beside it. Each is decided as a daemon decides: routes,
before and after the name is resolved, address by address, over redirects, behind the address guard. An expected redirect
is about the request itself, every other outcome about its end. dest.ip is an address that is known; resolves are those of
a name, and a name without an address does not resolve. Nothing is asked of the network, and the clock is the fact now.

A cases file holds [[test]] tables with the keys name, given (facts), expect ("allow", "deny", "redirect" or "challenge"),
and if wanted by, to, via, explain, missing, logged, as in a test block. [[test.case]] adds a case to the test, with the
same keys; columns = ["host", "port", "expect", "by"] and rows = [["a.test", 443, "allow", "web"], …] add one for each row.
A table given in front of the tests holds for all of them. What is nearer to a case wins. Unknown keys are refused.

A policy's clause is covered when cases have seen it come out true and false. --min-coverage counts both.`,
    examples: [
      { command: "portail acl test out.acl", description: "Run the test blocks of a policy" },
      {
        command: "portail acl test out.acl cases/*.toml --format junit > report.xml",
        description: "Run files of cases too, for a CI that reads JUnit",
      },
      {
        command: "portail acl test out.acl --format github --min-coverage 90",
        description: "Annotate a pull request, and insist on tests",
      },
      { command: "portail acl test out.acl --watch --filter git", description: "Work on a policy" },
    ],
    exits: [
      { status: EXIT.done, meaning: "every case passed" },
      { status: EXIT.no, meaning: "a case failed, or the coverage is under --min-coverage" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "the policy or a cases file is broken, or there is no case to run" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
    ],
  },
  args: {
    policy: {
      type: "positional",
      required: true,
      valueHint: "POLICY",
      values: "sample-policy",
      description: "The policy; builtin:sample is one to try things with",
    },
    cases: { type: "positional", multiple: true, valueHint: "CASES", description: "TOML files with more cases" },
    format: {
      type: "string",
      default: "text",
      valueHint: "text|tap|junit|json|github",
      description: "What standard output is to be: for people, TAP 13, JUnit XML, JSON, or GitHub annotations",
    },
    filter: {
      type: "string",
      valueHint: "TEXT",
      values: "cases",
      description: "Run only the cases that have this in their name",
    },
    "fail-fast": { type: "boolean", description: "Stop at the first case that fails" },
    coverage: { type: "boolean", description: "Show what of the policy no case has seen" },
    "min-coverage": { type: "string", valueHint: "PERCENT", description: "Fail under this coverage" },
    watch: { type: "boolean", description: "Run again whenever a file changes, until ^C" },
  },
  async run({ args: given, data }) {
    const { FORMATS, runOnce } = await import("./test/run.ts");
    const least = given["min-coverage"];
    const settings = {
      policy: given.policy,
      cases: given.cases,
      filter: given.filter,
      format: parseChoice("--format", given.format, FORMATS),
      failFast: given["fail-fast"],
      coverage: given.coverage,
      minCoverage: least === undefined ? undefined : parseInteger("--min-coverage", least, { max: 100 }),
    };
    if (!given.watch) return runOnce(data, settings);
    const { watchRuns } = await import("./test/watch.ts");
    return watchRuns(data, settings);
  },
});
