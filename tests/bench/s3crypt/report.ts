/** From the samples to tables, ratios and the verdicts of the gates. Measures nothing. */
import { ratiosByRound, spread, type Spread } from "../support/stats.ts";
import { figure, table } from "../support/table.ts";
import { goalText } from "../support/report.ts";
import type { Direction, Samples, Series } from "./contest.ts";
import type { Timed } from "./run-once.ts";

const GIB = 2 ** 30;
/** GB/s that v3 is hoped to reach. */
const V3_GOAL = 2;

/** The peer that each format is held against, and the ratio that is hoped for. */
const MATCHES = [
  { ours: "ds2", peer: "libsodium", goal: 1.5 },
  { ours: "v3", peer: "age", goal: undefined },
] as const;

export interface Measured {
  /** Of the plaintext. */
  bytes: number;
  series: readonly Series[];
}

/** A row for everyone: how fast, and for how much of the processor. */
export function speedTable(title: string, { bytes, series }: Measured): string {
  const rows = series.map(({ cipher, samples: { encrypt, decrypt } }) => [
    cipher.family === "unauthenticated" ? `${cipher.name} (not authenticated)` : cipher.name,
    cell(encrypt, (one) => speedOf(one, bytes)),
    cell(decrypt, (one) => speedOf(one, bytes)),
    cell(encrypt, (one) => costOf(one, bytes)),
    cell(decrypt, (one) => costOf(one, bytes)),
  ]);
  return table([title, "encrypt, GB/s", "decrypt, GB/s", "encrypt, CPU s/GiB", "decrypt, CPU s/GiB"], rows);
}

export interface Judged {
  text: string;
  passed: boolean;
}

/** The gates between those who took part, if there are any, and beside each ratio of speed that of processor time, which other work on the machine disturbs less. */
export function gateTable(title: string, measured: Measured): Judged {
  const rows: string[][] = [];
  let passed = true;
  const took = new Set(measured.series.map(({ cipher }) => cipher.name));
  for (const { ours, peer, goal } of MATCHES) {
    if (!took.has(ours) || !took.has(peer)) continue;
    for (const direction of ["encrypt", "decrypt"] as const) {
      const ratio = ratioOf(measured.series, ours, peer, direction, ({ seconds }) => seconds);
      const cpu = ratioOf(measured.series, ours, peer, direction, ({ cpuSeconds }) => cpuSeconds);
      const verdict = ratio === undefined ? "no data" : ratio.median >= 1 ? "pass" : "FAIL";
      passed &&= verdict === "pass";
      const goalCell = goal === undefined ? speedGoal(measured, ours, direction) : goalText(goal, ratio);
      rows.push([`${ours} to ${peer}, ${direction}`, ratioText(ratio), ratioText(cpu), verdict, goalCell]);
    }
  }
  const header = [title, "ratio of speed", "ratio of CPU time", "gate (1.00)", "goal"];
  return { text: rows.length === 0 ? "" : table(header, rows), passed };
}

function ratioOf(
  series: readonly Series[],
  ours: string,
  peer: string,
  direction: Direction,
  valueOf: (one: Timed) => number,
): Spread | undefined {
  const values = (name: string) =>
    (series.find(({ cipher }) => cipher.name === name)?.samples[direction] ?? []).map((one) => one && valueOf(one));
  return spread(ratiosByRound("lower", values(ours), values(peer)));
}

function speedGoal({ bytes, series }: Measured, name: string, direction: Direction): string {
  const samples = series.find(({ cipher }) => cipher.name === name)?.samples[direction];
  const speed = spreadOf(samples, (one) => speedOf(one, bytes))?.median;
  const outcome = speed === undefined ? "no data" : speed >= V3_GOAL ? "reached" : `short: ${figure(speed)}`;
  return `${V3_GOAL} GB/s ${outcome}`;
}

const speedOf = ({ seconds }: Timed, bytes: number): number => bytes / seconds / 1e9;

const costOf = ({ cpuSeconds }: Timed, bytes: number): number => (cpuSeconds / bytes) * GIB;

function spreadOf(samples: Samples | undefined, valueOf: (one: Timed) => number): Spread | undefined {
  return spread((samples ?? []).filter((one) => one !== undefined).map(valueOf));
}

function cell(samples: Samples | undefined, valueOf: (one: Timed) => number): string {
  const value = spreadOf(samples, valueOf);
  return value === undefined ? "-" : `${figure(value.median)} (${figure(value.min)}..${figure(value.max)})`;
}

function ratioText(ratio: Spread | undefined): string {
  return ratio === undefined ? "-" : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`;
}
