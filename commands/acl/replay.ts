/** `portail acl replay`: decides recorded requests anew by another policy, and says what would change. */
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { LineSplitter } from "../../lib/acl/replay/lines.ts";
import { Replay } from "../../lib/acl/replay/replay.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { Stop } from "../../lib/command/stop.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { readPolicy } from "../../lib/service/policy-file.ts";
import { listenFlag, parseListen } from "../../lib/explain/network.ts";
import { reportJson, reportText } from "./replay/report.ts";

/** Bytes that are read from a file at a time. */
const CHUNK = 1024 * 1024;

export default defineCommand({
  meta: {
    name: "replay",
    description: "Say what a policy would change of recorded decisions",
    long: `Reads the lines that portail socks --audit writes, decides each recorded request by the policy, and counts what would
end otherwise: by policy and target. Lines of other events are passed over. It runs behind a daemon too, as in
portail socks --audit - --acl old.acl | portail acl replay new.acl, and reports at the end of its input, or at SIGINT.

An audit line holds the facts that the policies of then mentioned, and the addresses that were decided. Where the new
policy needs another fact, what it would decide cannot be told: such lines are counted apart, by the fact. The old
policy, given with --old, helps: what it mentions and a line lacks was not there.

A route is taken to lead to backends, which take no datagrams: what a policy allows of them is denied there (backend), as
the proxy does. That datagrams were sent by a route says that it led out directly; that they were denied (backend) without
a route, that the default is a backend. A connection whose backends all failed was allowed, and is compared as that.`,
    examples: [
      { command: "portail acl replay new.acl socks.jsonl", description: "Before new.acl goes into force" },
      {
        command: "portail acl replay new.acl --old out.acl --fail-on-change socks.jsonl",
        description: "In CI: the change must change nothing that people do",
      },
      { command: "zcat socks.jsonl.gz | portail acl replay new.acl --format json", description: "For programs" },
    ],
    exits: [
      { status: EXIT.done, meaning: "reported" },
      { status: EXIT.no, meaning: "with --fail-on-change, a decision would change" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "the policy is broken" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
    ],
  },
  args: {
    policy: { type: "positional", required: true, valueHint: "POLICY", description: "The new policy file" },
    files: {
      type: "positional",
      multiple: true,
      valueHint: "FILE",
      description: "Audit lines; standard input if there is none, or for -",
    },
    old: { type: "string", valueHint: "POLICY", description: "The policy that was in force" },
    limit: { type: "string", default: "10", valueHint: "N", description: "Targets to show of each change" },
    "fail-on-change": { type: "boolean", description: "Exit with 1 if a decision would change" },
    ...listenFlag,
    format: { type: "string", default: "text", valueHint: "text|json", description: "Format of the report" },
  },
  async run({ args, data }): Promise<ExitStatus> {
    const format = parseChoice("--format", args.format, ["text", "json"]);
    const limit = parseInteger("--limit", args.limit);
    const own = parseListen(args.listen);
    const { policy, warnings } = readPolicy(args.policy, { backends: "any" });
    if (warnings !== "") data.log.warn(warnings);
    const old = args.old === undefined ? undefined : readPolicy(args.old, { backends: "any" }).policy;
    const replay = new Replay(policy, { own, old });
    const splitter = new LineSplitter((line) => replay.take(line));
    await readAll(data, args.files.length === 0 ? ["-"] : args.files, splitter);
    const { tooLong } = splitter;
    const report = { replay, tooLong, digest: policy.digest, limit };
    data.stdout.write(format === "json" ? reportJson(report) : reportText(report));
    return args["fail-on-change"] && replay.tally.changed > 0 ? EXIT.no : EXIT.done;
  },
});

/** Up to the end of the last file, or to a signal: what was read by then is reported. */
async function readAll(runtime: Runtime, files: readonly string[], splitter: LineSplitter): Promise<void> {
  const stop = new Stop();
  const off = [runtime.onSignal("SIGINT", stop.now), runtime.onSignal("SIGTERM", stop.now)];
  try {
    for (const file of files) {
      const chunks = (file === "-" ? runtime.stdin.bytes() : openFile(runtime, file))[Symbol.asyncIterator]();
      for (;;) {
        const next = await stop.or(nextOf(chunks, file));
        if (next === undefined) return;
        if (next.done) break;
        splitter.push(next.value);
      }
      splitter.end();
    }
  } finally {
    for (const release of off) release();
  }
}

function openFile({ cwd }: Runtime, file: string): AsyncIterable<Uint8Array> {
  return createReadStream(resolve(cwd, file), { highWaterMark: CHUNK });
}

async function nextOf(chunks: AsyncIterator<Uint8Array>, file: string): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next();
  } catch (error) {
    throw new PortailError(
      `cannot read ${JSON.stringify(file)}: ${(error as { code?: string }).code ?? String(error)}`,
      {
        code: "acl.unreadable",
        exit: EXIT.noInput,
        cause: error,
      },
    );
  }
}
