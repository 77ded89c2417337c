/** The compiled program's `acl test` and `acl replay`, timed from outside. Judges nothing. */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { refuseWhenClosing, track } from "../support/process.ts";
import { Random } from "../../support/random.ts";
import { auditLine, randomPolicies } from "./data.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const PORTAIL = join(ROOT, "dist/portail");
const POLICY = join(ROOT, "examples/acl/company.acl");
const CASES = join(ROOT, "examples/acl/company-cases.toml");

interface Run {
  seconds: number;
  /** Most resident bytes. */
  rss: number;
  status: number | null;
}

/** Milliseconds of each run of the example's 100 cases; empty where something is missing or a case fails. */
export async function measureTest(runs: number): Promise<number[]> {
  if (![PORTAIL, POLICY, CASES].every(existsSync)) return [];
  const times: number[] = [];
  // The first run reads the program from the disk.
  for (let run = -1; run < runs; run++) {
    const { seconds, status } = await time(["acl", "test", POLICY, CASES]);
    if (status !== 0) return [];
    if (run >= 0) times.push(seconds * 1000);
  }
  return times;
}

/** Replays `lines` audit lines from standard input against another 30 policies, by which some decisions change. */
export async function measureReplay(dir: string, lines: number, runs: number): Promise<Run[]> {
  if (!existsSync(PORTAIL)) return [];
  process.stderr.write(`replay, ${lines.toLocaleString("en-US")} lines\n`);
  const path = join(dir, "audit.jsonl");
  const policy = join(dir, "new.acl");
  writeLines(path, lines);
  await Bun.write(policy, `${randomPolicies(30, 0)}policy rest { when port != 25 action allow }\n`);
  const results: Run[] = [];
  for (let run = 0; run < runs; run++) results.push(await time(["acl", "replay", policy], path));
  return results.filter(({ status }) => status === 0);
}

async function time(args: string[], input?: string): Promise<Run> {
  refuseWhenClosing();
  const stdin = input === undefined ? "ignore" : openSync(input, "r");
  const started = performance.now();
  const child = Bun.spawn([PORTAIL, ...args], { stdin, stdout: "ignore", stderr: "inherit" });
  const running = track(child.pid);
  let rss = 0;
  const watch = setInterval(() => (rss = Math.max(rss, highWater(child.pid))), 20);
  await child.exited;
  const seconds = (performance.now() - started) / 1000;
  clearInterval(watch);
  if (typeof stdin === "number") closeSync(stdin);
  await running.stop();
  return { seconds, rss, status: child.exitCode };
}

/** VmHWM of proc(5), in bytes. What wait4(2) says counts the process that forked too. */
function highWater(pid: number): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib ?? 0) * 1024;
  } catch {
    return 0;
  }
}

function writeLines(path: string, lines: number): void {
  const random = new Random(11);
  const file = openSync(path, "w");
  for (let from = 0; from < lines; from += 1000) {
    const count = Math.min(1000, lines - from);
    writeSync(file, Array.from({ length: count }, (_, i) => `${auditLine(random, from + i)}\n`).join(""));
  }
  closeSync(file);
}
