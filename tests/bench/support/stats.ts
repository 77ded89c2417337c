/** The arithmetic of a benchmark: medians, spreads, and ratios in which more than 1 always means that we are better. It measures nothing. */

export type Direction = "higher" | "lower";

export interface Spread {
  median: number;
  min: number;
  max: number;
}

/** The value below which a share `q` (0..1) of the sorted values lies, by the nearest-rank method; NaN of none. */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.ceil(q * sorted.length);
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank - 1))]!;
}

/** Median with the extremes, or undefined of no values. An even count takes the mean of the two in the middle. */
export function spread(values: readonly number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { median, min: sorted[0]!, max: sorted.at(-1)! };
}

/**
 * How many times better `ours` is than `theirs`: the quotient where higher is better, its inverse where lower is.
 * Undefined when either is not a positive number, since such a quotient says nothing.
 */
export function ratio(better: Direction, ours: number, theirs: number): number | undefined {
  if (!(ours > 0) || !(theirs > 0)) return undefined;
  return better === "higher" ? ours / theirs : theirs / ours;
}

/** The ratios of the rounds in which both have a value. `undefined` marks a round that failed. */
export function ratiosByRound(
  better: Direction,
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): number[] {
  const ratios: number[] = [];
  for (const [round, value] of ours.entries()) {
    const other = theirs[round];
    if (value === undefined || other === undefined) continue;
    const quotient = ratio(better, value, other);
    if (quotient !== undefined) ratios.push(quotient);
  }
  return ratios;
}

/** The name whose median is best in the row's direction; the first of equals, undefined of none. */
export function bestOf(better: Direction, medians: ReadonlyMap<string, number>): string | undefined {
  let best: [name: string, value: number] | undefined;
  for (const [name, value] of medians) {
    if (Number.isNaN(value)) continue;
    if (best === undefined || (better === "higher" ? value > best[1] : value < best[1])) best = [name, value];
  }
  return best?.[0];
}

/** The list started `by` places later, so that no contender is always first, nor always warm. */
export function rotate<T>(list: readonly T[], by: number): T[] {
  const start = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(start), ...list.slice(0, start)];
}
