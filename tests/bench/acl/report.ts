/** Gates and growth as Markdown. Measures nothing. */
import type { Spread } from "../support/stats.ts";
import { figure, table } from "../support/table.ts";
import type { Measured } from "./lists.ts";

export interface Gate {
  what: string;
  value: string;
  /** Empty where a figure is only stated. */
  limit: string;
  verdict: "pass" | "FAIL" | "no data" | "";
}

export function gateTable(gates: readonly Gate[]): string {
  const rows = gates.map(({ what, value, limit, verdict }) => [what, value, limit, verdict]);
  return table(["acl", "median", "gate", ""], rows);
}

const MIB = 2 ** 20;

/** A row for each size. */
export function growthTable(series: readonly Measured[]): string {
  const cell = ({ median, min, max }: Spread, per: number) =>
    `${figure(median / per)} (${figure(min / per)}..${figure(max / per)})`;
  const rows = series.map(({ size, loadMs, loadBytes, p50, p99 }) => [
    size.toLocaleString("en-US"),
    cell(loadMs, 1),
    figure(loadBytes.median / MIB),
    cell(p50, 1000),
    cell(p99, 1000),
  ]);
  return table(["size", "load (ms)", "memory (MiB)", "decide p50 (µs)", "p99 (µs)"], rows);
}

/** Characters of the longest bar. */
const WIDEST = 40;

/** Load time and decision by size, each as bars of its own scale: the one grows, the other does not. */
export function bars(series: readonly Measured[]): string {
  const plot = (title: string, unit: string, valueOf: (one: Measured) => number) => {
    const most = Math.max(...series.map(valueOf));
    const lines = series.map((one) => {
      const length = Math.max(1, Math.round((valueOf(one) / most) * WIDEST));
      return `${one.size.toLocaleString("en-US").padStart(10)} ${"█".repeat(length)} ${figure(valueOf(one))} ${unit}`;
    });
    return [title, ...lines].join("\n");
  };
  const load = plot("load", "ms", ({ loadMs }) => loadMs.median);
  const decide = plot("decide, p50", "µs", ({ p50 }) => p50.median / 1000);
  return `\`\`\`\n${load}\n\n${decide}\n\`\`\``;
}
