/** `npm test`: checks and suites, a line each, sums at the end. Arguments choose steps by name; `--long` is full size. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  countsOf,
  failuresText,
  leftOutText,
  readLeftOut,
  sumLine,
  total,
  withoutPasses,
  type Counts,
} from "./test-report.ts";

const ROOT = resolve(import.meta.dir, "..");
const LONG_TEST_MS = 60 * 60_000;
/** What a test may take on a slow machine; the runner reads none from bunfig.toml. */
const TEST_MS = 60_000;

interface Step {
  name: string;
  /** Arguments for Bun. */
  args: string[];
  /** Whether it runs tests, which are counted. */
  suite: boolean;
}

interface Outcome {
  output: string;
  status: number | null;
  seconds: number;
}

const long = process.argv.includes("--long");
const chosen = process.argv.slice(2).filter((arg) => arg !== "--long");
const steps: Step[] = [
  check("types", ["check"]),
  check("lint", ["node_modules/oxlint/bin/oxlint", "--deny-warnings"]),
  check("unused", ["node_modules/knip/bin/knip.js"]),
  check("format", ["fmt", "--check"]),
  suite("architecture", "./tests/architecture.test.ts"),
  suite("conformance", "./tests/conformance"),
  suite("unit", "./tests/unit"),
  suite("fuzz", "./tests/fuzz"),
  suite("adversarial", "./tests/adversarial"),
  ...scenarios(),
];

const unknown = chosen.find((name) => !steps.some((step) => isNamed(step, name)));
if (unknown !== undefined) {
  process.stderr.write(`unknown step "${unknown}": use some of ${steps.map(({ name }) => name).join(", ")}\n`);
  process.exit(64);
}

const scratch = mkdtempSync(join(tmpdir(), "portail-test-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const leftOutFile = join(scratch, "left-out.jsonl");
writeFileSync(leftOutFile, "");

/** Names, and what is said of them at the end. */
const failed = new Map<string, string>();
const counts: Counts[] = [];
const wanted = steps.filter((step) => chosen.length === 0 || chosen.some((name) => isNamed(step, name)));
const outcomes = begin(wanted);
for (const [i, step] of wanted.entries()) {
  process.stdout.write(step.name.padEnd(14));
  const { output, status, seconds } = await outcomes[i]!;
  const result = step.suite ? countsOf(output, status) : undefined;
  if (result) counts.push(result);
  process.stdout.write(`${result ? sumLine(result) : status === 0 ? "ok" : "FAILED"} (${seconds.toFixed(1)} s)\n`);
  if (status !== 0) {
    failed.set(step.name, failuresText(step.name, output));
    process.stdout.write(`${withoutPasses(output).trim()}\n\n`);
  }
}

const leftOut = readLeftOut(readFileSync(leftOutFile, "utf8"));
const sums = total(counts, leftOut, process.env["CI"] === "true");
if (failed.size > 0) {
  process.stdout.write(`\nFAILED: ${[...failed.keys()].join(", ")}\n${[...failed.values()].join("")}`);
}
process.stdout.write(`\n${leftOutText(leftOut)}${sumLine(sums)}\n`);
process.exit(failed.size === 0 && sums.failed === 0 ? 0 : 1);

function check(name: string, args: string[]): Step {
  return { name, args, suite: false };
}

function suite(name: string, ...paths: string[]): Step {
  const timeout = `--timeout=${long ? LONG_TEST_MS : TEST_MS}`;
  return { name, args: ["--no-orphans", "test", timeout, ...paths], suite: true };
}

/** A suite for each folder of scenarios, those with most files first, and one for what stands beside the folders. */
function scenarios(): Step[] {
  const top = "./tests/e2e";
  const entries = readdirSync(resolve(ROOT, top), { withFileTypes: true });
  const tests = (names: readonly string[]) => names.filter((name) => name.endsWith(".test.ts"));
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, size: tests(readdirSync(resolve(ROOT, top, name))).length }))
    .toSorted((a, b) => b.size - a.size);
  const beside = tests(entries.map(({ name }) => name)).map((name) => `${top}/${name}`);
  return [...folders.map(({ name }) => suite(`e2e/${name}`, `${top}/${name}`)), suite("e2e", ...beside)];
}

/** `e2e` names the scenarios of all folders. */
function isNamed({ name }: Step, chosenName: string): boolean {
  return name === chosenName || name.startsWith(`${chosenName}/`);
}

/** Outcomes in the order of `all`, of which two run at a time. */
function begin(all: readonly Step[]): Promise<Outcome>[] {
  const waiting = all.map(({ args }) => ({ args, ...Promise.withResolvers<Outcome>() }));
  const outcomes = waiting.map(({ promise }) => promise);
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next.resolve(await run(next.args));
  };
  void work();
  void work();
  return outcomes;
}

/** Runs this Bun, which is the pinned one. Its output is shown only when it fails. */
async function run(args: string[]): Promise<Outcome> {
  const started = performance.now();
  const env = { ...process.env, PORTAIL_LEFT_OUT: leftOutFile, ...(long && { PORTAIL_LONG: "1" }) };
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: ROOT,
    env,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return { output: `${out}${err}`, status: child.exitCode, seconds: (performance.now() - started) / 1000 };
}
