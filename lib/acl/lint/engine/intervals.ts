/** Sets of numbers as sorted, disjoint intervals. Not facts. */

type Bound = number | bigint;

/** Ends belong to it unless `lowOpen`, `highOpen`. */
export interface Interval {
  readonly low: Bound;
  readonly high: Bound;
  readonly lowOpen?: boolean;
  readonly highOpen?: boolean;
}

export interface Domain {
  readonly low: Bound;
  readonly high: Bound;
  /** Only whole numbers occur. */
  readonly whole: boolean;
}

export const ALL_NUMBERS: Domain = { low: -Infinity, high: Infinity, whole: false };

/** Cut to the domain, sorted and merged; among whole numbers every end is closed. O(n log n). */
export function normalise(list: readonly Interval[], domain: Domain): Interval[] {
  const parts = list.flatMap((one) => {
    const cut = clip(domain.whole ? closed(one) : one, domain);
    return isEmpty(cut) ? [] : [cut];
  });
  parts.sort((x, y) => order(x.low, y.low) || Number(x.lowOpen ?? false) - Number(y.lowOpen ?? false));
  const merged: Interval[] = [];
  for (const part of parts) {
    const last = merged.at(-1);
    if (last === undefined || !touches(last, part, domain.whole)) merged.push(part);
    else if (reachesFurther(part, last))
      merged[merged.length - 1] = { ...last, high: part.high, highOpen: part.highOpen ?? false };
  }
  return merged;
}

/** What of the domain is in none of the normalised intervals. */
export function complement(list: readonly Interval[], domain: Domain): Interval[] {
  const gaps: Interval[] = [];
  let low: { at: Bound; open: boolean } = { at: domain.low, open: false };
  for (const one of list) {
    gaps.push({ low: low.at, lowOpen: low.open, high: one.low, highOpen: !(one.lowOpen ?? false) });
    low = { at: one.high, open: !(one.highOpen ?? false) };
  }
  gaps.push({ low: low.at, lowOpen: low.open, high: domain.high, highOpen: false });
  return normalise(gaps, domain);
}

/** Both normalised. */
export function intersect(some: readonly Interval[], more: readonly Interval[]): Interval[] {
  const common: Interval[] = [];
  for (let i = 0, j = 0; i < some.length && j < more.length;) {
    const one = clip(some[i]!, more[j]!);
    if (!isEmpty(one)) common.push(one);
    if (reachesFurther(some[i]!, more[j]!)) j++;
    else i++;
  }
  return common;
}

/** Whether each of `some` lies in `all`; both normalised. */
export function isSubset(some: readonly Interval[], all: readonly Interval[]): boolean {
  let j = 0;
  return some.every((one) => {
    while (j < all.length && order(all[j]!.high, one.low) < 0) j++;
    return all.slice(j, j + 2).some((wide) => contains(wide, one));
  });
}

function contains(wide: Interval, one: Interval): boolean {
  const low = order(wide.low, one.low);
  const high = order(wide.high, one.high);
  return (
    (low < 0 || (low === 0 && (!wide.lowOpen || Boolean(one.lowOpen)))) &&
    (high > 0 || (high === 0 && (!wide.highOpen || Boolean(one.highOpen))))
  );
}

function clip(one: Interval, by: Interval): Interval {
  const low = order(one.low, by.low);
  const high = order(one.high, by.high);
  return {
    low: low >= 0 ? one.low : by.low,
    lowOpen: Boolean((low >= 0 && one.lowOpen) || (low <= 0 && by.lowOpen)),
    high: high <= 0 ? one.high : by.high,
    highOpen: Boolean((high <= 0 && one.highOpen) || (high >= 0 && by.highOpen)),
  };
}

function isEmpty({ low, high, lowOpen, highOpen }: Interval): boolean {
  const sign = order(low, high);
  return sign > 0 || (sign === 0 && Boolean(lowOpen || highOpen));
}

function touches(left: Interval, right: Interval, whole: boolean): boolean {
  const sign = order(right.low, whole ? next(left.high, 1) : left.high);
  return sign < 0 || (sign === 0 && (whole || !(left.highOpen && right.lowOpen)));
}

function reachesFurther(one: Interval, than: Interval): boolean {
  const sign = order(one.high, than.high);
  return sign > 0 || (sign === 0 && Boolean(than.highOpen) && !one.highOpen);
}

function closed({ low, high, lowOpen, highOpen }: Interval): Interval {
  return { low: lowOpen ? next(low, 1) : low, high: highOpen ? next(high, -1) : high };
}

function next(bound: Bound, by: 1 | -1): Bound {
  return typeof bound === "bigint" ? bound + BigInt(by) : bound + by;
}

const order = (x: Bound, y: Bound): number => (x < y ? -1 : x > y ? 1 : 0);
