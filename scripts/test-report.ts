/** What the test runner's output says, and how the whole is summed up. Runs nothing. */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A scenario that did not run because a program is missing; one JSON line in the file named by `PORTAIL_LEFT_OUT`. */
export interface LeftOut {
  scenario: string;
  /** Names of the missing programs. */
  needs: string[];
}

/**
 * The sums at the end of `bun test` output. A run that did not succeed counts at least one failure, whatever it printed:
 * a file that cannot be imported, a crash, no tests at all.
 */
export function countsOf(output: string, exitStatus: number | null): Counts {
  const sums = { pass: 0, fail: 0, skip: 0, todo: 0 };
  for (const [, count, word] of output.matchAll(/^ *(\d+) (pass|fail|skip|todo)$/gm)) {
    sums[word as keyof typeof sums] = Number(count);
  }
  return {
    passed: sums.pass,
    failed: exitStatus === 0 ? sums.fail : Math.max(1, sums.fail),
    skipped: sums.skip + sums.todo,
  };
}

/** Adds up. In CI every peer is to be there, so that a scenario left out is a failure. */
export function total(parts: readonly Counts[], leftOut: readonly LeftOut[], inCI: boolean): Counts {
  const sum = (key: keyof Counts) => parts.reduce((value, part) => value + part[key], 0);
  return { passed: sum("passed"), failed: sum("failed") + (inCI ? leftOut.length : 0), skipped: sum("skipped") };
}

/** `12 passed, 0 failed`, and `, 3 skipped` if any. */
export function sumLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** The left-out scenarios of a file of JSON lines. Throws when a line is not one: a scenario must not vanish. */
export function readLeftOut(text: string): LeftOut[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const { scenario, needs } = JSON.parse(line) as Partial<LeftOut>;
      if (typeof scenario !== "string" || !Array.isArray(needs)) throw new Error(`not a left-out scenario: ${line}`);
      return { scenario, needs };
    });
}

/** The list for people: each scenario and what it lacks. Empty when nothing was left out. */
export function leftOutText(list: readonly LeftOut[]): string {
  if (list.length === 0) return "";
  const lines = list.map(({ scenario, needs }) => `  ${scenario}: needs ${needs.join(", ")}\n`);
  return `Left out, for want of a program ("npm run peers" installs them):\n${[...new Set(lines)].join("")}`;
}

/** What of a failed run is worth reading: all but the tests that passed. */
export function withoutPasses(output: string): string {
  return output
    .split("\n")
    .filter((line) => !/^\s*(?:\(pass\)|✓)/.test(line))
    .join("\n");
}

/** Lines shown of what was wrong with a test. */
const MOST_LINES = 8;

/** Each test that failed and the first lines of why, once: what stands at the end of a long log. */
export function failuresText(step: string, output: string): string {
  const seen = new Map<string, string[]>();
  let why: string[] = [];
  for (const line of output.split("\n")) {
    const name = /^\(fail\) (.*?)(?: \[[0-9.]+m?s\])?$/.exec(line)?.[1];
    if (name !== undefined && name !== "(unnamed)") {
      if (!seen.has(name)) seen.set(name, why);
      why = [];
    } else if (/^(?:error|\w*Error):/.test(line)) why = [line];
    else if (why.length > 0 && why.length < MOST_LINES && line.trim() !== "") why.push(line);
  }
  if (seen.size === 0) seen.set("no test", why.length > 0 ? why : output.trim().split("\n").slice(-MOST_LINES));
  return [...seen].map(([name, lines]) => [`${step}: ${name}`, ...lines, ""].join("\n  ").trimEnd() + "\n").join("");
}
