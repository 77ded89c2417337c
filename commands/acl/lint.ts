/** `portail acl lint`: says what in a policy is probably not meant, and repairs what can be repaired without changing a decision. */
import { FACTS, type Command } from "../../lib/acl/facts.ts";
import { SEVERITIES } from "../../lib/acl/lint/engine/finding.ts";
import { RULE_IDS } from "../../lib/acl/lint/engine/rules.ts";
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import { nearest } from "../../lib/command/nearest.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { FORMATS } from "./lint/formats.ts";
import { brokenJson } from "./lint/json.ts";
import { listRules } from "./lint/rules.ts";
import { lintPolicies } from "./lint/run.ts";

const COMMANDS: readonly Command[] = FACTS.command.commands;

export default defineCommand({
  meta: {
    name: "lint",
    description: "Find what in an access policy is probably not meant",
    long: `Every finding has a place, the id of its rule, and a page under docs/acl/lint that says what is wrong and what to
write instead. --rules lists the rules. What cannot be shown to be so is not reported.

A comment "# lint-allow RULE: reason" in a block, behind it or above it suppresses the findings of that rule there. Without
a reason it is refused, and without a finding it is itself one.

A policy that is broken is refused; with --format json its mistakes are "diagnostics", with their places.

--fix repairs the files in place, included ones too, as far as no decision changes and no comment is lost, and reports
what is left.`,
    examples: [
      { command: "portail acl lint out.acl", description: "Look at a policy" },
      { command: "portail acl lint --fix out.acl", description: "Repair what can be repaired safely" },
      {
        command: "portail acl lint --format sarif --fail-on error *.acl > lint.sarif",
        description: "In CI, for a viewer of SARIF logs",
      },
      {
        command: "portail acl lint --command socks --command s3crypt shared.acl",
        description: "Look at a policy that two commands share",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "nothing was found that --fail-on asks for" },
      { status: EXIT.no, meaning: "something was found" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "a policy is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
      { status: EXIT.cannotCreate, meaning: "a file cannot be written" },
    ],
  },
  args: {
    policies: {
      type: "positional",
      multiple: true,
      valueHint: "POLICY",
      description: "Policy files; what they include is looked at too",
    },
    format: {
      type: "string",
      default: "text",
      valueHint: "text|json|sarif|github",
      description: "What standard output is to be: for people, JSON, SARIF 2.1.0, or GitHub annotations",
    },
    "fail-on": {
      type: "string",
      default: "warning",
      valueHint: "note|warning|error|never",
      description: "Exit with 1 for findings of this severity or above",
    },
    fix: { type: "boolean", description: "Repair the files as far as no decision changes" },
    rule: {
      type: "string",
      multiple: true,
      valueHint: "RULE",
      values: "lint-rules",
      description: "Apply only this rule",
    },
    disable: {
      type: "string",
      multiple: true,
      valueHint: "RULE",
      values: "lint-rules",
      description: "Do not apply this rule",
    },
    command: {
      type: "string",
      multiple: true,
      valueHint: "COMMAND",
      values: "policy-commands",
      description: "A command that uses the policy; without it, as the policy says",
    },
    backend: {
      type: "string",
      multiple: true,
      valueHint: "NAME",
      values: "used-backends",
      description: "A backend of the configuration; with it, all must be given",
    },
    rules: { type: "boolean", description: "List the rules, and look at no policy" },
  },
  async run({ args: given, data }): Promise<ExitStatus> {
    if (given.rules) {
      data.stdout.write(listRules());
      return EXIT.done;
    }
    if (given.policies.length === 0) throw usage("usage.missing", "POLICY is required", "name a policy file");
    const format = parseChoice("--format", given.format, ["text", "json", "sarif", "github"]);
    return lintPolicies(data, {
      policies: given.policies,
      format: FORMATS[format],
      broken: format === "json" ? brokenJson : undefined,
      failOn: parseChoice("--fail-on", given["fail-on"], [...SEVERITIES, "never"]),
      fix: given.fix,
      backends: given.backend.length === 0 ? undefined : given.backend,
      run: {
        only: given.rule.length === 0 ? undefined : given.rule.map((id) => knownRule("--rule", id)),
        disabled: given.disable.map((id) => knownRule("--disable", id)),
        commands:
          given.command.length === 0 ? undefined : given.command.map((one) => parseChoice("--command", one, COMMANDS)),
      },
    });
  },
});

function knownRule(flag: string, id: string): string {
  if (RULE_IDS.includes(id)) return id;
  const guess = nearest(id, RULE_IDS);
  throw usage(
    "usage.value",
    `${flag}: there is no rule ${JSON.stringify(id)}`,
    guess === undefined ? "--rules lists them" : `did you mean "${guess}"?`,
  );
}
