/** Chooses for each clause the key by which it is found, so that few clauses are evaluated in vain. */
import type { Condition } from "../model.ts";
import { type Access, accessesOf, type Key } from "./key.ts";

/** Beyond this many clauses the counting costs more than it saves. */
const MAX_COUNTED = 20_000;
/** A key with more values than this is taken as it is. */
const MAX_VALUES = 64;

/** Knows how many clauses share a key. */
export class Choice {
  readonly #counts = new Map<string, number>();

  constructor(clauses: readonly Condition[]) {
    if (clauses.length > MAX_COUNTED) return;
    for (const clause of clauses) {
      for (const name of new Set(accessesOf(clause).flatMap(namesOf)))
        this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
  }

  /** The access that finds the fewest clauses, or undefined for a clause that must always be evaluated. */
  best(clause: Condition): Access | undefined {
    let best: Access | undefined;
    let least = Infinity;
    for (const access of accessesOf(clause)) {
      // Of keys that many clauses share, the rarest; then by rank, which knows what kind of value is rare.
      const cost = this.#shared(access) * 8 + access.rank;
      if (cost < least) [best, least] = [access, cost];
    }
    return best;
  }

  #shared(access: Access): number {
    if (this.#counts.size === 0) return 1;
    return Math.max(1, ...namesOf(access).map((name) => this.#counts.get(name) ?? 1));
  }
}

function namesOf({ keys }: Access): string[] {
  if (keys.length > MAX_VALUES) return [];
  return keys.flatMap((key) => valuesOf(key).map((value) => `${key.fact} ${value}`));
}

function valuesOf(key: Key): readonly (string | number | boolean)[] {
  if (key.kind === "holds") return [key.value];
  if (key.kind === "values") return key.values.length > MAX_VALUES ? [] : key.values;
  if (key.kind !== "names" || key.whole.length + key.below.length > MAX_VALUES) return [];
  return key.below.length === 0 ? key.whole : [...key.whole, ...key.below.map((name) => `.${name}`)];
}
