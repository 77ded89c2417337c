/** `npm test`: checks and suites one after the other, a line each, sums at the end. Arguments choose steps by name; `--long` is full size. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { countsOf, leftOutText, readLeftOut, sumLine, total, withoutPasses, type Counts } from "./test-report.ts";

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

const long = process.argv.includes("--long");
const chosen = process.argv.slice(2).filter((arg) => arg !== "--long");
const steps: Step[] = [
  check("types", ["check"]),
  check("lint", ["node_modules/oxlint/bin/oxlint", "--deny-warnings"]),
  check("format", ["fmt", "--check"]),
  suite("architecture", "./tests/architecture.test.ts"),
  suite("unit", "./tests/unit"),
  suite("conformance", "./tests/conformance"),
  suite("fuzz", "./tests/fuzz"),
  suite("adversarial", "./tests/adversarial"),
  suite("e2e", "./tests/e2e"),
];

const unknown = chosen.find((name) => !steps.some((step) => step.name === name));
if (unknown !== undefined) {
  process.stderr.write(`unknown step "${unknown}": use some of ${steps.map(({ name }) => name).join(", ")}\n`);
  process.exit(64);
}

const scratch = mkdtempSync(join(tmpdir(), "portail-test-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const leftOutFile = join(scratch, "left-out.jsonl");
writeFileSync(leftOutFile, "");

const failed: string[] = [];
const counts: Counts[] = [];
for (const step of steps.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
  process.stdout.write(step.name.padEnd(14));
  const started = performance.now();
  const { output, status } = await run(step.args);
  const result = step.suite ? countsOf(output, status) : undefined;
  if (result) counts.push(result);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${result ? sumLine(result) : status === 0 ? "ok" : "FAILED"} (${seconds} s)\n`);
  if (status !== 0) {
    failed.push(step.name);
    process.stdout.write(`${withoutPasses(output).trim()}\n\n`);
  }
}

const leftOut = readLeftOut(readFileSync(leftOutFile, "utf8"));
const sums = total(counts, leftOut, process.env["CI"] === "true");
if (failed.length > 0) process.stdout.write(`\nFAILED: ${failed.join(", ")}\n`);
process.stdout.write(`\n${leftOutText(leftOut)}${sumLine(sums)}\n`);
process.exit(failed.length === 0 && sums.failed === 0 ? 0 : 1);

function check(name: string, args: string[]): Step {
  return { name, args, suite: false };
}

function suite(name: string, path: string): Step {
  const timeout = `--timeout=${long ? LONG_TEST_MS : TEST_MS}`;
  return { name, args: ["--no-orphans", "test", timeout, path], suite: true };
}

/** Runs this Bun, which is the pinned one. Its output is shown only when it fails. */
async function run(args: string[]): Promise<{ output: string; status: number | null }> {
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
  return { output: `${out}${err}`, status: child.exitCode };
}
