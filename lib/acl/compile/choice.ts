/** Chooses for each clause the key by which it is found, so that few clauses are evaluated in vain. */
import type { Condition } from "../model.ts";
import { type Access, accessesOf, type Key } from "./key.ts";

/** Beyond this many clauses the counting costs more memory than it saves time. */
const MAX_COUNTED = 100_000;
/** A key with more values than this is taken as it is. */
const MAX_VALUES = 64;

/** One access a clause, undefined for those that must always be evaluated. */
export function chooseAccesses(clauses: readonly Condition[]): (Access | undefined)[] {
  const all = clauses.map(accessesOf);
  const counts = new Map<string, number>();
  if (clauses.length <= MAX_COUNTED) {
    for (const accesses of all) {
      for (const name of new Set(accesses.flatMap(namesOf))) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return all.map((accesses) => {
    let best: Access | undefined;
    let least = Infinity;
    for (const access of accesses) {
      // Of keys that many clauses share, the rarest; then by rank, which knows what kind of value is rare.
      const cost = Math.max(1, ...namesOf(access).map((name) => counts.get(name) ?? 1)) * 8 + access.rank;
      if (cost < least) [best, least] = [access, cost];
    }
    return best;
  });
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
