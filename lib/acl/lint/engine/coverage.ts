/** Which policy leaves nothing to a later one. By examples first, so that few pairs have to be compared. */
import type { CheckedPolicy, Condition } from "../../model.ts";
import type { Facts } from "../../facts.ts";
import { implies } from "./implies.ts";
import { keyOf } from "./same.ts";
import type { Search } from "./search.ts";
import { witness } from "./witness.ts";

/** Policies right before one for which no example is found, that are compared all the same. */
const MAX_NEIGHBOURS = 20;

/** Its action ends the search for a policy. */
export const isFinal = ({ action }: CheckedPolicy): boolean => action.kind !== "log";
/** Its action refuses. */
export const refuses = ({ action }: CheckedPolicy): boolean => action.kind === "deny" || action.kind === "challenge";

interface Policies {
  readonly policies: readonly CheckedPolicy[];
  readonly clauses: readonly Condition[];
  readonly unlikely: Facts;
  readonly search: Search;
  readonly lastReached: number;
  isNeverTrue(index: number): boolean;
}

/** O(n log n) in the number of policies: for each one an indexed search, and at most 50 comparisons. */
export class Coverage {
  readonly #of: Policies;
  readonly #known = new Map<number, number | undefined>();
  readonly #firstOfKey = new Map<string, number>();

  constructor(of: Policies) {
    this.#of = of;
    for (const [index, clause] of of.clauses.entries()) {
      const key = keyOf(clause);
      if (isFinal(of.policies[index]!) && !this.#firstOfKey.has(key)) this.#firstOfKey.set(key, index);
    }
  }

  /** An earlier policy that decides, or ends in a missing fact, wherever this one would be true; undefined if none is found. */
  of(index: number): number | undefined {
    if (this.#known.has(index)) return this.#known.get(index);
    const found = this.#of.isNeverTrue(index) ? undefined : this.#find(index);
    this.#known.set(index, found);
    return found;
  }

  #find(index: number): number | undefined {
    const { clauses, policies, lastReached, unlikely, search } = this.#of;
    const clause = clauses[index]!;
    const same = this.#firstOfKey.get(keyOf(clause));
    if (same !== undefined && same < index) return same;
    if (lastReached < index) return lastReached;
    const isCandidate = (i: number) => isFinal(policies[i]!);
    // What covers the policy is not false for any request for which the policy is true.
    const example = witness([clause], unlikely);
    const candidates =
      example === undefined
        ? Array.from({ length: Math.min(MAX_NEIGHBOURS, index) }, (_, i) => index - 1 - i).filter(isCandidate)
        : search.find(example, 0, index, isCandidate);
    return candidates.find((i) => implies(clause, clauses[i]!));
  }
}
