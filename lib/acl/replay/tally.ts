/** Counts of what would change, by policies and targets, in bounded memory. Prints nothing. */

/** One end of a change: what is decided, and by whom. */
export interface Side {
  readonly decision: string;
  /** Null is the denial at the end. */
  readonly policy: string | null;
  /** The code of the reason, where it is not the policy itself; for a missing fact and the guard with what it is about. */
  readonly why: string | undefined;
  /** Where a redirect leads. */
  readonly redirected: string | undefined;
}

export interface Change {
  readonly from: Side;
  readonly to: Side;
  count: number;
  /** Counts by target; those that came when the tally was full are in `other`. */
  readonly targets: Map<string, number>;
  other: number;
}

export class Tally {
  readonly #changes = new Map<string, Change>();
  readonly #lacking = new Map<string, number>();
  readonly #mostTargets: number;
  readonly #mostChanges: number;
  #targets = 0;
  changed = 0;
  /** Changes between policies that found no place any more. */
  other = 0;
  unchanged = 0;
  /** Of `unchanged`: decided alike, but by another policy. */
  elsewhere = 0;
  lacking = 0;

  constructor(mostTargets = 10_000, mostChanges = 1_000) {
    this.#mostTargets = mostTargets;
    this.#mostChanges = mostChanges;
  }

  lack(fact: string): void {
    this.lacking++;
    this.#lacking.set(fact, (this.#lacking.get(fact) ?? 0) + 1);
  }

  same(from: Side, to: Side): void {
    this.unchanged++;
    if (from.policy !== to.policy) this.elsewhere++;
  }

  change(from: Side, to: Side, target: string): void {
    this.changed++;
    const key = `${keyOf(from)}\n${keyOf(to)}`;
    let change = this.#changes.get(key);
    if (change === undefined) {
      if (this.#changes.size >= this.#mostChanges) {
        this.other++;
        return;
      }
      change = { ...copyOf({ from, to }), count: 0, targets: new Map(), other: 0 };
      this.#changes.set(copyOf(key), change);
    }
    change.count++;
    const known = change.targets.get(target);
    if (known !== undefined) change.targets.set(target, known + 1);
    else if (this.#targets < this.#mostTargets) {
      this.#targets++;
      change.targets.set(copyOf(target), 1);
    } else change.other++;
  }

  /** Most frequent first. */
  get changes(): readonly Change[] {
    return [...this.#changes.values()].toSorted((x, y) => y.count - x.count);
  }

  /** Facts that lines lack, most frequent first. */
  get facts(): readonly (readonly [fact: string, count: number])[] {
    return [...this.#lacking].toSorted(([, x], [, y]) => y - x);
  }
}

/** The targets of a change, most frequent first, at most `limit`; and how many lines the others have. */
export function topTargets({ targets, count }: Change, limit: number): { top: [string, number][]; rest: number } {
  const top = [...targets].toSorted(([, x], [, y]) => y - x).slice(0, limit);
  return { top, rest: count - top.reduce((sum, [, one]) => sum + one, 0) };
}

/** A text cut out of a line holds on to the whole of what was read with it: what is kept has to be its own. */
const copyOf = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const keyOf = ({ decision, policy, why, redirected }: Side): string =>
  `${decision}\t${policy ?? ""}\t${policy === null}\t${why ?? ""}\t${redirected ?? ""}`;
