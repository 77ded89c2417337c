/** `portail acl explain`: why a request is decided as it is, clause by clause, for given facts or audit lines. */
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { LineSplitter } from "../../lib/acl/replay/lines.ts";
import { decisionLine, RecordedRequest } from "../../lib/acl/replay/record.ts";
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import { nearest } from "../../lib/command/nearest.ts";
import type { InputStream } from "../../lib/command/runtime.ts";
import { parseChoice } from "../../lib/command/values.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { type Account, accountOf } from "../../lib/explain/account.ts";
import { parseFacts } from "../../lib/explain/given.ts";
import { accountJson } from "../../lib/explain/json.ts";
import { listenFlag, parseListen, parseResolves } from "../../lib/explain/network.ts";
import { accountText } from "../../lib/explain/text.ts";

export default defineCommand({
  meta: {
    name: "explain",
    description: "Say why a policy decides a request as it does",
    long: `The request is given as facts, or is read from audit lines on standard input with -. It is decided as the daemon
decides it: the host made canonical, before and after its resolution, redirects followed, and with the address guard.

Marks: ✓ true, ✗ false, ? a fact is missing, ! a fact is of another type, ~ hangs on the address, · not reached. Shown are
the policy that decides and those of which a part was true; --all shows all. The time is now, unless now=… is given.`,
    examples: [
      {
        command: "portail acl explain out.acl command=socks host=git.corp.test port=22 --resolves 10.1.2.3",
        description: "Ask before anybody runs into it",
      },
      {
        command: "tail -1 socks.jsonl | portail acl explain out.acl -",
        description: "Explain what was recorded",
      },
      {
        command: "portail acl explain out.acl host=10.0.0.1 port=80 command=socks --exit-status",
        description: "Let a script ask",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "explained; with --exit-status, allowed" },
      { status: EXIT.no, meaning: "with --exit-status, a request is not allowed" },
      { status: EXIT.usage, meaning: "a flag or a fact is wrong" },
      { status: EXIT.badData, meaning: "the policy is broken, or the input holds no audit lines" },
      { status: EXIT.noInput, meaning: "the policy cannot be read" },
    ],
  },
  args: {
    policy: {
      type: "positional",
      required: true,
      valueHint: "POLICY",
      values: "sample-policy",
      description: "The policy file",
    },
    facts: {
      type: "positional",
      multiple: true,
      valueHint: "FACT=VALUE",
      values: "facts",
      description: "What is known of the request; or - for audit lines on standard input",
    },
    resolves: {
      type: "string",
      valueHint: "IP,...",
      description: "The addresses that the host resolves to, or none",
    },
    ...listenFlag,
    all: { type: "boolean", description: "Show every policy and every step" },
    only: {
      type: "string",
      multiple: true,
      valueHint: "NAME",
      values: "policies",
      description: "Show this policy, whatever came of it, and no other",
    },
    "exit-status": { type: "boolean", description: "Exit with 1 unless every request is allowed" },
    format: { type: "string", default: "text", valueHint: "text|json", description: "JSON is one line per request" },
  },
  async run({ args, data }): Promise<ExitStatus> {
    const { stdout, stdin, log } = data;
    const format = parseChoice("--format", args.format, ["text", "json"]);
    const resolves = parseResolves(args.resolves);
    const own = parseListen(args.listen);
    const fromInput = args.facts.includes("-");
    if (fromInput && args.facts.length > 1) throw usage("usage.conflict", "facts and - exclude each other");
    const facts = fromInput ? {} : { now: Date.now(), ...parseFacts(args.facts) };
    const { policy, warnings } = readPolicy(args.policy, { backends: "any" });
    if (warnings !== "") log.warn(warnings);
    const style = { color: stdout.color, all: args.all, only: args.only.map((name) => knownPolicy(policy, name)) };
    let allowed = true;
    let told = 0;
    const tell = (account: Account) => {
      allowed &&= account.verdict.decision.outcome === "allow";
      if (format === "json") stdout.write(accountJson(account));
      else stdout.write(`${told > 0 ? "\n" : ""}${accountText(account, style)}`);
      told++;
    };
    if (fromInput) {
      await eachRecorded(stdin, policy.mentions, async (recorded) => {
        const addresses = (host: string) => recorded.addresses(host) ?? resolves;
        const guard = guardOf(recorded.ownListener === undefined ? own : [...own, recorded.ownListener]);
        tell(accountOf(policy, { facts: recorded.facts, addresses }, guard, { recorded, exits: recorded.exits }));
        await stdout.flush();
      });
      if (told === 0) throw badInput("standard input holds no decision");
    } else tell(accountOf(policy, { facts, addresses: () => resolves }, guardOf(own)));
    return args["exit-status"] && !allowed ? EXIT.no : EXIT.done;
  },
});

function knownPolicy({ policyNames }: Policy, name: string): string {
  if (policyNames.includes(name)) return name;
  const guess = nearest(name, policyNames);
  const hint = guess === undefined ? undefined : `did you mean ${guess}?`;
  throw usage("usage.value", `--only: the policy file has no policy ${JSON.stringify(name)}`, hint);
}

const guardOf = (own: Guard["own"]): Guard => ({ own, resolvedBy: "us" });

/** Each decision of the input; lines of other events are passed over, anything else is the operator's mistake (65). */
async function eachRecorded(
  stdin: InputStream,
  mentions: ConstructorParameters<typeof RecordedRequest>[1],
  take: (recorded: RecordedRequest) => Promise<void>,
): Promise<void> {
  let number = 0;
  let waiting: RecordedRequest[] = [];
  const splitter = new LineSplitter((text) => {
    number++;
    if (text.trim() === "") return;
    const line = decisionLine(parse(text));
    if (line === "bad") throw badInput(`line ${number} of standard input is no audit line`);
    if (line !== "other") waiting.push(new RecordedRequest(line, mentions));
  });
  const takeAll = async () => {
    const ready = waiting;
    waiting = [];
    for (const recorded of ready) await take(recorded);
  };
  for await (const chunk of stdin.bytes()) {
    splitter.push(chunk);
    await takeAll();
  }
  splitter.end();
  await takeAll();
  if (splitter.tooLong > 0) throw badInput("standard input holds a line that is too long for an audit line");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const badInput = (message: string): PortailError =>
  new PortailError(message, {
    code: "acl.no_audit_line",
    exit: EXIT.badData,
    hint: "give lines as portail socks --audit writes them",
  });
