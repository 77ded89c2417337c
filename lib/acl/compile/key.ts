/** What must be true of one fact for a clause to hold, so that an index can find the clause by it. Not the index. */
import type { Cidr } from "../../wire/ip.ts";
import { type FactName, lookupFact, storedFact } from "../facts.ts";
import { type Comparison, type Condition, factsOf } from "../model.ts";
import type { Pattern } from "../pattern/pattern.ts";
import type { AddressSet, NameSet } from "../sets.ts";

/** One way to be found. A clause with several keys holds only if one of them fits. */
export type Key =
  /** The text is one of `whole`, or a domain below one of `below`. */
  | {
      readonly kind: "names";
      readonly fact: FactName;
      readonly whole: readonly string[];
      readonly below: readonly string[];
    }
  /** A set that is asked as it is, since copying its names would cost too much. */
  | { readonly kind: "set"; readonly fact: FactName; readonly set: NameSet; readonly under: boolean }
  | { readonly kind: "address-set"; readonly fact: FactName; readonly set: AddressSet }
  | { readonly kind: "networks"; readonly fact: FactName; readonly networks: readonly Cidr[] }
  | { readonly kind: "values"; readonly fact: FactName; readonly values: readonly (number | boolean)[] }
  | { readonly kind: "holds"; readonly fact: FactName; readonly value: string };

/**
 * The clause holds only if a key fits. `reads` are the facts that an evaluation may ask until that is settled: when one
 * of them is missing, the clause has to be evaluated whatever the keys say, since it may end in trouble.
 */
export interface Access {
  readonly keys: readonly Key[];
  readonly reads: readonly FactName[];
  /** Lower finds fewer clauses that do not hold. */
  readonly rank: number;
}

/** The ways to find the clause; none if it must always be evaluated. `condition` is free of `not`. */
export function accessesOf(condition: Condition): readonly Access[] {
  if (condition.kind === "constant") return condition.value ? [] : [{ keys: [], reads: [], rank: 0 }];
  if (condition.kind === "comparison") {
    const access = accessOfComparison(condition);
    return access === undefined ? [] : [access];
  }
  if (condition.kind === "or") return accessesOfOr(condition.items);
  if (condition.kind !== "and") return [];
  const accesses: Access[] = [];
  const before: FactName[] = [];
  for (const item of condition.items) {
    for (const { keys, reads, rank } of accessesOf(item)) accesses.push({ keys, reads: union(before, reads), rank });
    for (const fact of factsOf(item)) if (!before.includes(fact)) before.push(fact);
    // A fact of any type may be present and still be trouble: reading one, a clause is a candidate for every request.
    if (before.some(isLoose)) break;
  }
  return accesses;
}

function union(some: readonly FactName[], more: readonly FactName[]): readonly FactName[] {
  const added = more.filter((fact) => !some.includes(fact));
  return some.length === 0 ? more : [...some, ...added];
}

/** All operands must be found, each by its best way. */
function accessesOfOr(items: readonly Condition[]): readonly Access[] {
  const keys: Key[] = [];
  const reads = new Set<FactName>();
  let rank = 0;
  for (const item of items) {
    const best = accessesOf(item).toSorted((x, y) => x.rank - y.rank)[0];
    if (best === undefined) return [];
    for (const key of best.keys) keys.push(key);
    for (const fact of best.reads) reads.add(fact);
    rank = Math.max(rank, best.rank);
  }
  return [{ keys, reads: [...reads], rank }];
}

function accessOfComparison(comparison: Comparison): Access | undefined {
  const fact = storedFact(comparison.fact);
  if (comparison.negated || isLoose(fact)) return undefined;
  const { question } = comparison;
  const one = (key: Key, rank: number): Access => ({ keys: [key], reads: [fact], rank });
  switch (question.kind) {
    case "equals":
      if (typeof question.value === "string")
        return one({ kind: "names", fact, whole: [question.value], below: [] }, rankOfNames(fact));
      if (typeof question.value === "bigint") return { keys: [], reads: [fact], rank: 0 }; // beyond any fact
      return one({ kind: "values", fact, values: [question.value] }, typeof question.value === "number" ? 4 : 6);
    case "in-names":
    case "under": {
      const under = question.kind === "under";
      const { names } = question.set;
      if (names === undefined) return one({ kind: "set", fact, set: question.set, under }, 1);
      return one({ kind: "names", fact, whole: names, below: under ? names : [] }, rankOfNames(fact) + (under ? 1 : 0));
    }
    case "in-numbers": {
      const values = [...question.set.values].filter((value) => typeof value === "number");
      return question.set.ranges.length > 0 ? undefined : one({ kind: "values", fact, values }, 5);
    }
    case "equals-address":
      return one({ kind: "networks", fact, networks: [{ base: question.value, length: 128 }] }, 2);
    case "in-addresses": {
      const { set } = question;
      if (set.networks === undefined) return one({ kind: "address-set", fact, set }, 1);
      return one({ kind: "networks", fact, networks: set.networks }, 3);
    }
    case "holds":
      return one({ kind: "holds", fact, value: question.value }, 4);
    case "matches":
      return accessOfPattern(fact, question.pattern);
    default:
      return undefined;
  }
}

/** Hosts hold no line break and consist of labels; of other texts only whole ones are a key. */
function accessOfPattern(fact: FactName, { texts, ending }: Pattern): Access | undefined {
  const isHost = lookupFact(fact)?.spec.type === "host";
  const reads = [fact];
  if (texts === undefined) {
    const domain = domainWithin(ending);
    return isHost && domain !== undefined
      ? { keys: [{ kind: "names", fact, whole: [], below: [domain] }], reads, rank: 3 }
      : undefined;
  }
  if (texts.beginnings.length > 0 || texts.pieces.length > 0) return undefined;
  const below = [...texts.domainNames, ...texts.endings.map(domainWithin)];
  if (below.includes(undefined) || (!isHost && (below.length > 0 || texts.oneLine))) return undefined;
  return {
    keys: [{ kind: "names", fact, whole: texts.wholeNames, below: below as string[] }],
    reads,
    rank: below.length > 0 ? 2 : 0,
  };
}

/** A text that ends in `x.corp.test` ends in a domain below `corp.test`. */
function domainWithin(ending: string): string | undefined {
  const dot = ending.indexOf(".");
  const domain = dot === -1 ? "" : ending.slice(dot + 1);
  return /^[\x21-\x7e]+$/.test(domain) ? domain : undefined;
}

const rankOfNames = (fact: FactName): number => (fact === "host" || fact === "tls.server_name" ? 0 : 4);

/** A fact of any type may be present and still be trouble. */
const isLoose = (fact: FactName): boolean => lookupFact(fact)?.spec.type === "any";
