/** Which values of a fact make a comparison true, in a form that can be compared with another's. Not evaluation. */
import type { Cidr } from "../../../wire/ip.ts";
import { evaluate, TRUE, Trouble } from "../../evaluate.ts";
import { type FactName, type Facts, type FactValue, lookupFact, storedFact } from "../../facts.ts";
import type { Comparison, Question } from "../../model.ts";
import type { NumberSet } from "../../sets.ts";
import { ALL_NUMBERS, complement, type Domain, type Interval, normalise } from "./intervals.ts";

/** Comparisons with one `key` are about the same thing. */
export type Values =
  /** Negation is worked in. */
  | { readonly kind: "numbers"; readonly key: string; readonly list: readonly Interval[]; readonly domain: Domain }
  | { readonly kind: "texts"; readonly key: string; readonly texts: Texts; readonly negated: boolean }
  | { readonly kind: "networks"; readonly key: string; readonly networks: readonly Cidr[]; readonly negated: boolean }
  | { readonly kind: "element"; readonly key: string; readonly value: string; readonly negated: boolean };

/** Texts that are one of `whole`, or end, begin with or hold one of the others; `more` where that is not all. */
export interface Texts {
  readonly whole: readonly string[];
  readonly endings: readonly string[];
  readonly beginnings: readonly string[];
  readonly pieces: readonly string[];
  readonly more: boolean;
  /** Every text that is meant ends and begins so, where `more` is set. */
  readonly within?: { readonly ending: string; readonly beginning: string };
  /** Whether one text is meant. */
  has(text: string): boolean;
  /** Whether every text with this ending is meant, as far as a large set can say. */
  hasEnding?(ending: string): boolean;
}

/** Sets larger than this are asked, and not taken apart. */
const MAX_TAKEN_APART = 10_000;

const PORT: Domain = { low: 0, high: 65_535, whole: true };
const WHOLE: Domain = { low: -Infinity, high: Infinity, whole: true };
const DOMAINS: { readonly [K in FactName]?: Domain } = {
  port: PORT,
  "client.port": PORT,
  "listen.port": PORT,
  "client.uid": WHOLE,
  "client.gid": WHOLE,
  "client.pid": WHOLE,
  "geo.asn": WHOLE,
};
const BOOLEAN: Domain = { low: 0, high: 1, whole: true };
const MINUTES: Domain = { low: 0, high: 1439, whole: true };
const DAYS: Domain = { low: 0, high: 6, whole: true };

const known = new WeakMap<Comparison, Values | "none">();

/** Undefined where the comparison is of a kind that is not understood. */
export function valuesOf(comparison: Comparison): Values | undefined {
  let values = known.get(comparison);
  if (values === undefined) known.set(comparison, (values = read(comparison) ?? "none"));
  return values === "none" ? undefined : values;
}

/** Whether the question of the comparison, its negation left out, is answered with yes for the value. */
export function accepts({ fact, question }: Pick<Comparison, "fact" | "question">, value: FactValue): boolean {
  const facts = { [storedFact(fact)]: value } as Facts;
  return (
    evaluate({ kind: "comparison", fact, question, negated: false, start: 0, end: 0 }, facts, false, trouble) === TRUE
  );
}

const trouble = new Trouble();

function read({ fact, question, negated }: Comparison): Values | undefined {
  const texts = textsOf(fact, question);
  if (texts !== undefined) return { kind: "texts", key: `${fact} text`, texts, negated };
  if (question.kind === "holds") return { kind: "element", key: `${fact} list`, value: question.value, negated };
  if (question.kind === "equals-address")
    return {
      kind: "networks",
      key: `${fact} address`,
      networks: [{ base: question.value, length: 128 }],
      negated,
    };
  if (question.kind === "in-addresses") {
    const { networks } = question.set;
    return networks && { kind: "networks", key: `${fact} address`, networks, negated };
  }
  const numbers = numbersOf(fact, question);
  if (numbers === undefined) return undefined;
  const { key, domain } = numbers;
  const list = normalise(numbers.list, domain);
  return { kind: "numbers", key, domain, list: negated ? complement(list, domain) : list };
}

interface Numbers {
  readonly key: string;
  readonly domain: Domain;
  readonly list: readonly Interval[];
}

function numbersOf(fact: FactName, question: Question): Numbers | undefined {
  const key = `${fact} number`;
  const domain = DOMAINS[fact] ?? ALL_NUMBERS;
  switch (question.kind) {
    case "equals": {
      const { value } = question;
      if (typeof value === "string") return undefined;
      if (typeof value === "boolean") return { key: `${fact} boolean`, domain: BOOLEAN, list: [point(Number(value))] };
      return { key, domain, list: [point(value)] };
    }
    case "order":
      return { key, domain, list: [side(question.sign, question.value)] };
    case "in-numbers":
      return isLarge(question.set) ? undefined : { key, domain, list: intervalsOf(question.set) };
    case "clock": {
      const { test } = question;
      if (test.kind === "instant") return { key: "now", domain: ALL_NUMBERS, list: [side(test.sign, test.at)] };
      if (test.kind === "weekday")
        return {
          key: `weekday ${test.zone}`,
          domain: DAYS,
          list: test.days.flatMap((on, day) => (on ? [point(day)] : [])),
        };
      const list = test.windows.flatMap(({ from, to }): Interval[] =>
        from < to
          ? [{ low: from, high: to - 1 }]
          : [
              { low: from, high: 1439 },
              { low: 0, high: to - 1 },
            ],
      );
      return { key: `time ${test.zone}`, domain: MINUTES, list };
    }
    default:
      return undefined;
  }
}

const isLarge = ({ values, ranges }: NumberSet): boolean => values.size + ranges.length > MAX_TAKEN_APART;
const intervalsOf = ({ values, ranges }: NumberSet): Interval[] => [...Array.from(values, point), ...ranges];
const point = (value: number | bigint): Interval => ({ low: value, high: value });

function side(sign: "<" | "<=" | ">" | ">=" | "==", value: number | bigint): Interval {
  if (sign === "<") return { low: -Infinity, high: value, highOpen: true };
  if (sign === "<=") return { low: -Infinity, high: value };
  if (sign === ">") return { low: value, lowOpen: true, high: Infinity };
  return sign === ">=" ? { low: value, high: Infinity } : point(value);
}

const NONE = { whole: [], endings: [], beginnings: [], pieces: [], more: false } as const;

function textsOf(fact: FactName, question: Question): Texts | undefined {
  const has = (text: string): boolean => accepts({ fact, question }, text);
  switch (question.kind) {
    case "equals":
      return typeof question.value === "string" ? { ...NONE, whole: [question.value], has } : undefined;
    case "in-names": {
      const { names } = question.set;
      return names === undefined ? { ...NONE, more: true, has } : { ...NONE, whole: names, has };
    }
    case "under": {
      const { names, table } = question.set;
      if (names !== undefined) return { ...NONE, whole: names, endings: names.map((name) => `.${name}`), has };
      return {
        ...NONE,
        more: true,
        has,
        hasEnding: (ending) => ending.startsWith(".") && table.hasDomainOf(ending.slice(1)),
      };
    }
    case "matches": {
      const { texts, ending, beginning } = question.pattern;
      // What holds for one line only is not looked into, but for hosts, which are one.
      const hidden = texts === undefined || (texts.oneLine && lookupFact(fact)?.spec.type !== "host");
      if (hidden) return { ...NONE, more: true, within: { ending, beginning }, has };
      const { wholeNames, domainNames, endings, beginnings, pieces } = texts;
      return {
        whole: wholeNames,
        endings: [...domainNames.map((name) => `.${name}`), ...endings],
        beginnings,
        pieces,
        more: false,
        has,
      };
    }
    default:
      return undefined;
  }
}
