/** A checked policy set: names resolved, literals typed, clauses in order. It knows no text but for explanations. */
import type { Ip } from "../wire/ip.ts";
import { type FactName, type Facts, storedFact } from "./facts.ts";
import type { Pattern } from "./pattern/pattern.ts";
import type { ClockTest } from "./clock.ts";
import type { AddressSet, NameSet, NumberSet } from "./sets.ts";
import type { Sources } from "./source.ts";

export interface Program {
  readonly policies: readonly CheckedPolicy[];
  readonly routes: readonly CheckedRoute[];
  readonly tests: readonly CheckedTest[];
  /** Facts that policies and routes mention, in the order of the file. */
  readonly mentions: readonly FactName[];
  /** The policy files, for explanations. */
  readonly sources: Sources;
}

/** Line and column are asked of `Program.sources`, since counting them for each of a million policies is too much. */
export interface Place {
  readonly file: string;
  readonly start: number;
}

export interface CheckedPolicy {
  readonly name: string;
  readonly when: Condition | undefined;
  readonly require: Condition | undefined;
  readonly action: CheckedAction;
  readonly place: Place;
}

export interface CheckedRoute {
  readonly name: string;
  readonly when: Condition | undefined;
  readonly backends: readonly string[];
  readonly place: Place;
}

export type CheckedAction =
  | { readonly kind: "allow" | "log" }
  | { readonly kind: "deny"; readonly template?: string }
  | { readonly kind: "redirect"; readonly target: RedirectTarget }
  | { readonly kind: "challenge"; readonly message: string };

/** Where a redirect leads. Without `port` the original port is kept; `path` is that of a URL form. */
export interface RedirectTarget {
  /** Canonical, without brackets. */
  readonly host: string;
  readonly ip?: Ip;
  readonly port?: number;
  readonly scheme?: string;
  readonly path?: string;
}

/** `start` and `end` are offsets in the file of the policy, for explanations. */
export type Condition = { readonly start: number; readonly end: number } & (
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "and" | "or"; readonly items: readonly Condition[] }
  | { readonly kind: "not"; readonly item: Condition }
  | { readonly kind: "defined"; readonly fact: FactName; readonly negated: boolean }
  | Comparison
);

/** A question about one fact (some name a second one), false when `negated` and the question's answer is yes. */
export interface Comparison {
  readonly kind: "comparison";
  readonly fact: FactName;
  readonly question: Question;
  readonly negated: boolean;
}

export type Question =
  | { readonly kind: "equals"; readonly value: string | number | bigint | boolean }
  | { readonly kind: "equals-address"; readonly value: Ip }
  | { readonly kind: "equals-fact"; readonly other: FactName }
  | { readonly kind: "order"; readonly sign: "<" | "<=" | ">" | ">="; readonly value: number | bigint }
  | { readonly kind: "in-names"; readonly set: NameSet }
  | { readonly kind: "in-numbers"; readonly set: NumberSet }
  | { readonly kind: "in-addresses"; readonly set: AddressSet }
  | { readonly kind: "under"; readonly set: NameSet }
  | { readonly kind: "matches"; readonly pattern: Pattern }
  | { readonly kind: "holds"; readonly value: string }
  | { readonly kind: "held-by"; readonly list: FactName }
  | { readonly kind: "clock"; readonly test: ClockTest };

/** A case of a `test` block, its block's facts included. */
export interface CheckedTest {
  readonly name: string;
  readonly place: Place;
  readonly given: Facts;
  /** Addresses that the host has, from `resolves`. */
  readonly resolves: readonly Ip[] | undefined;
  readonly expect: CheckedExpectation;
}

export interface CheckedExpectation {
  readonly outcome: "allow" | "deny" | "redirect" | "challenge";
  /** A policy's name, or `default` for the deny at the end. */
  readonly by: string | undefined;
  readonly to: RedirectTarget | undefined;
  readonly via: readonly string[] | undefined;
  readonly explain: string | undefined;
  readonly missing: FactName | undefined;
  readonly logged: readonly string[] | undefined;
}

/** The facts that a condition reads, in the order in which they may be reached; `defined` reads none. */
export function factsOf(condition: Condition): FactName[] {
  if (condition.kind === "and" || condition.kind === "or") return condition.items.flatMap(factsOf);
  if (condition.kind === "not") return factsOf(condition.item);
  if (condition.kind !== "comparison") return [];
  const { fact, question } = condition;
  const other = question.kind === "equals-fact" ? [question.other] : question.kind === "held-by" ? [question.list] : [];
  return [storedFact(fact), ...other];
}
