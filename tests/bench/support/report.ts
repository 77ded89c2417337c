/** From the samples of all rounds to tables: medians, spreads, ratios, and the verdict of the gate. Measures nothing. */
import type { Contender, Family } from "./contender.ts";
import type { Attempts, Measurement } from "./modes.ts";
import type { NamedRow, RowName } from "./rows.ts";
import { bestOf, ratiosByRound, spread, type Spread } from "./stats.ts";
import { figure, table } from "./table.ts";

/** One contender's measurements, one per round. */
export interface Series {
  contender: Contender;
  rounds: Measurement[];
}

type Verdict = "pass" | "FAIL" | "no data" | "";

export interface Judged {
  row: NamedRow;
  best: string | undefined;
  ratio: Spread | undefined;
  verdict: Verdict;
}

/** Above this share of failed connections, a peer's figure is shown but is not the one to beat. */
const TOLERATED_FAILURES = 0.01;

/** Portail against the best of its family's peers by median, in one row. Portail fails by a ratio below 1 or by any failed connection. */
export function judge(row: NamedRow, family: readonly Series[]): Judged {
  const ours = family.find(({ contender }) => contender.name === "portail");
  const peers = family.filter((series) => counts(series.contender, row) && !isUnreliable(series, row.name));
  const medians = new Map<string, number>();
  for (const series of peers) {
    const values = spread(present(series, row.name));
    if (values !== undefined) medians.set(series.contender.name, values.median);
  }
  const best = bestOf(row.better, medians);
  const theirs = peers.find(({ contender }) => contender.name === best);
  if (ours === undefined || theirs === undefined)
    return { row, best, ratio: undefined, verdict: row.gate ? "no data" : "" };
  const ratio = spread(ratiosByRound(row.better, samples(ours, row.name), samples(theirs, row.name)));
  return { row, best, ratio, verdict: row.gate ? verdictOf(ratio, attemptsOf(ours, row.name).failed) : "" };
}

function verdictOf(ratio: Spread | undefined, failures: number): Verdict {
  if (failures > 0) return "FAIL";
  if (ratio === undefined) return "no data";
  return ratio.median >= 1 ? "pass" : "FAIL";
}

/** The table of a family that has a gate; with a column for the goals when a row has one. */
export function gateTable(
  family: Family,
  series: readonly Series[],
  rows: readonly NamedRow[],
): { text: string; judged: Judged[] } {
  const names = series.map(({ contender }) => contender.name);
  const judged = rows.map((row) => judge(row, series));
  const goals = rows.some(({ goal }) => goal !== undefined);
  const body = judged.map(({ row, best, ratio, verdict }) => [
    `${row.title} (${row.unit})`,
    ...series.map((one) => cell(one, row.name)),
    best ?? "-",
    ratio === undefined ? "-" : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`,
    verdict,
    ...(goals ? [goalText(row.goal, ratio)] : []),
  ]);
  return { text: table([family, ...names, "best peer", "ratio", "gate", ...(goals ? ["goal"] : [])], body), judged };
}

/** The goal and whether the median reaches it; empty where there is none. */
export function goalText(goal: number | undefined, ratio: Spread | undefined): string {
  if (goal === undefined) return "";
  const outcome = ratio === undefined ? "no data" : ratio.median >= goal ? "reached" : "short";
  return `${goal.toFixed(2)} ${outcome}`;
}

/** The table of those who only give orientation. */
export function plainTable(series: readonly Series[], rows: readonly NamedRow[]): string {
  const body = rows.map((row) => [`${row.title} (${row.unit})`, ...series.map((one) => cell(one, row.name))]);
  return table(["for orientation", ...series.map(({ contender }) => contender.name)], body);
}

/** `median (min..max)`, and the failed connections if there were any. */
export function cell(series: Series, name: RowName): string {
  const values = spread(present(series, name));
  const { failed: failures } = attemptsOf(series, name);
  const failed = failures > 0 ? `${failures} failed` : "";
  if (values === undefined) return failed || "-";
  const text = `${figure(values.median)} (${figure(values.min)}..${figure(values.max)})`;
  return failed === "" ? text : `${text}, ${failed}`;
}

function counts({ peer, name }: Contender, { against }: NamedRow): boolean {
  return peer && (against === undefined || against.includes(name));
}

function isUnreliable(series: Series, name: RowName): boolean {
  const { failed, attempted } = attemptsOf(series, name);
  return failed > attempted * TOLERATED_FAILURES;
}

function samples(series: Series, name: RowName): (number | undefined)[] {
  return series.rounds.map((round) => round.values[name]);
}

function present(series: Series, name: RowName): number[] {
  return samples(series, name).filter((value) => value !== undefined);
}

function attemptsOf(series: Series, name: RowName): Attempts {
  const sum: Attempts = { failed: 0, attempted: 0 };
  for (const { attempts } of series.rounds) {
    sum.failed += attempts[name]?.failed ?? 0;
    sum.attempted += attempts[name]?.attempted ?? 0;
  }
  return sum;
}
