/** `portail audit`: filters, follows and sums up the lines that daemons write with --audit. */
import { LineSplitter } from "../../lib/acl/replay/lines.ts";
import { usage } from "../../lib/command/argv.ts";
import { defineCommand } from "../../lib/command/define.ts";
import { EXIT, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { parseFilter, type Filter } from "./filter.ts";
import { parseAuditLine, type AuditLine } from "./line.ts";
import { Stop } from "../../lib/command/stop.ts";
import { chunksOf, follow } from "./read.ts";
import { lineText, summaryJson, summaryText } from "./report.ts";
import { Summary } from "./summary.ts";

const FILTER = "Which lines";

export default defineCommand({
  meta: {
    name: "audit",
    description: "Filter, follow and sum up what daemons recorded",
    long: `Reads the JSON Lines that --audit of any daemon writes, from files or standard input, also as journalctl -o cat prints
them or as a syslog daemon keeps them. Lines are printed as they are, as text for people, or summed up: who was denied what,
who moved most, and what happened in each hour. Memory is bounded, however long the input is.

Lines that are none, or that broke off, are passed over, counted, and said on standard error at the end.

With --follow, files are read on as they grow, also when they are rotated, until SIGINT or SIGTERM.`,
    examples: [
      { command: "portail audit --decision deny --since 24h socks.jsonl", description: "What was denied of late" },
      { command: "portail audit --summary socks.jsonl socks.jsonl.1", description: "Who was denied what, and when" },
      { command: "portail audit -f --client 10.0.0.0/8 socks.jsonl", description: "As it happens" },
      {
        command: `portail audit --where 'host under "example.com" and port == 22' --format json socks.jsonl`,
        description: "By an expression of the access language, for programs",
      },
      {
        command: "journalctl -o cat SYSLOG_IDENTIFIER=portail | portail audit --summary",
        description: "What --audit journald: recorded",
      },
    ],
    exits: [
      { status: EXIT.done, meaning: "lines were found" },
      { status: EXIT.no, meaning: "no line is such" },
      { status: EXIT.usage, meaning: "a flag or its value is wrong" },
      { status: EXIT.badData, meaning: "the input holds lines, but no audit lines" },
      { status: EXIT.noInput, meaning: "a file cannot be read" },
    ],
  },
  args: {
    files: {
      type: "positional",
      multiple: true,
      valueHint: "FILE",
      description: "Audit lines; standard input if there is none, or for -",
    },
    follow: { type: "boolean", alias: "f", description: "Go on with what is added to the files" },
    summary: { type: "boolean", alias: "s", description: "Print sums instead of lines, at the end" },
    limit: { type: "string", default: "10", valueHint: "N", description: "Rows of each table of a summary" },
    format: { type: "string", default: "text", valueHint: "text|json", description: "How to print" },
    event: { ...many("EVENT"), description: "Of this event, e.g. decision, session, object, close" },
    decision: { ...many("DECISION"), description: "Decided so: allow, deny, redirect or challenge" },
    policy: { ...many("NAME"), description: "Decided by this policy; default is the denial at the end" },
    client: { ...many("CLIENT"), description: "From this address, network or user" },
    since: { type: "string", group: FILTER, valueHint: "TIME", description: "From then on: a time, or how long ago" },
    until: { type: "string", group: FILTER, valueHint: "TIME", description: "Before then" },
    where: {
      type: "string",
      group: FILTER,
      valueHint: "EXPRESSION",
      description: "For which this holds, as behind when in a policy; what a line does not record does not hold",
    },
  },
  async run({ args, data }): Promise<ExitStatus> {
    const format = parseChoice("--format", args.format, ["text", "json"]);
    const limit = parseInteger("--limit", args.limit);
    const filter = parseFilter(args, Date.now());
    const files = args.files.length === 0 ? ["-"] : args.files;
    if (args.follow && files.includes("-"))
      throw usage("usage.conflict", "--follow goes with files", "standard input is read up to its end anyway");
    const summary = args.summary ? new Summary() : undefined;
    const print = (line: AuditLine) =>
      void data.stdout.write(format === "json" ? `${JSON.stringify(line)}\n` : lineText(line));
    const reader = new Reader(data, filter, summary === undefined ? print : (line) => summary.take(line));
    await reader.all(files, args.follow);
    const { broken, good, found } = reader;
    if (summary !== undefined) {
      const report = { summary, broken, limit };
      data.stdout.write(format === "json" ? summaryJson(report) : summaryText(report));
    }
    if (broken > 0) data.log.warn(`${broken} lines are broken, or no audit lines`);
    const lacking = filter.where?.lacking ?? 0;
    if (lacking > 0) data.log.warn(`${lacking} lines do not record a fact that --where asks for`);
    if (found > 0) return EXIT.done;
    return good === 0 && broken > 0 ? EXIT.badData : EXIT.no;
  },
});

function many(valueHint: string) {
  return { type: "string", multiple: true, group: FILTER, valueHint } as const;
}

/** Hands out the lines of all inputs that match, and counts. */
class Reader {
  good = 0;
  found = 0;
  #bad = 0;
  readonly #runtime: Runtime;
  readonly #filter: Filter;
  readonly #take: (line: AuditLine) => void;
  readonly #splitters: LineSplitter[] = [];

  constructor(runtime: Runtime, filter: Filter, take: (line: AuditLine) => void) {
    this.#runtime = runtime;
    this.#filter = filter;
    this.#take = take;
  }

  get broken(): number {
    return this.#splitters.reduce((sum, { tooLong }) => sum + tooLong, this.#bad);
  }

  /** One after the other; those that are followed at the same time. A signal ends it: what was read by then counts. */
  async all(files: readonly string[], followed: boolean): Promise<void> {
    const stops = files.map(() => new Stop());
    const end = () => stops.forEach((stop) => stop.now());
    const off = [this.#runtime.onSignal("SIGINT", end), this.#runtime.onSignal("SIGTERM", end)];
    try {
      if (followed)
        await Promise.all(files.map((file, i) => this.#read(follow(this.#runtime, file, stops[i]!), stops[i]!)));
      else for (const [i, file] of files.entries()) await this.#read(chunksOf(this.#runtime, file), stops[i]!);
    } finally {
      for (const release of off) release();
    }
  }

  async #read(chunks: AsyncGenerator<Uint8Array | "rotated">, stop: Stop): Promise<void> {
    const splitter = new LineSplitter((text) => this.#line(text));
    this.#splitters.push(splitter);
    for (;;) {
      const next = await stop.or(chunks.next());
      if (next === undefined) return;
      if (next.done) break;
      // The line that the old file broke off with does not go on in the new one.
      if (next.value === "rotated") splitter.push(NEWLINE);
      else splitter.push(next.value);
      await this.#runtime.stdout.flush();
    }
    splitter.end();
  }

  #line(text: string): void {
    if (text === "") return;
    const line = parseAuditLine(text);
    if (line === undefined) {
      this.#bad++;
      return;
    }
    this.good++;
    if (!this.#filter.matches(line)) return;
    this.found++;
    this.#take(line);
  }
}

const NEWLINE = Uint8Array.of(10);
