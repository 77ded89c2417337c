/** A request for which conditions are true: an example, tried before it is believed. Finds none for conditions that are too involved. */
import { type Ip, parseIp } from "../../../wire/ip.ts";
import { evaluate, factOf, TRUE, Trouble } from "../../evaluate.ts";
import { type FactName, type Facts, type FactValue, lookupFact, storedFact } from "../../facts.ts";
import type { Comparison, Condition } from "../../model.ts";
import type { Interval } from "./intervals.ts";
import { accepts, valuesOf } from "./values.ts";

/** Candidates for a value that are tried. */
const MAX_TRIES = 40;

const trouble = new Trouble();

/** Of facts with few values, one that occurs. */
const USUAL: { readonly [K in FactName]?: FactValue } = {
  command: "socks",
  "client.auth": "none",
  "proxy.protocol": "socks5",
  "proxy.cmd": "tcp_connect",
  "tls.version": "TLSv1.3",
  method: "GET",
  scheme: "http",
};

/** A value that occurs, and that hardly any policy names if there is a choice; undefined where a fact has none. */
export function unlikely(fact: FactName): FactValue | undefined {
  if (USUAL[fact] !== undefined) return USUAL[fact];
  const type = lookupFact(fact)?.spec.type;
  if (type === "host") return "host.unlikely.invalid";
  if (type === "string" || type === "any") return "unlikely";
  if (type === "number") return fact.endsWith("port") ? 49_213 : 7_919;
  if (type === "boolean") return false;
  if (type === "strings") return [];
  if (type === "instant") return 0;
  return type === "address" ? UNLIKELY_ADDRESS : undefined;
}

/** Of a block for documentation (RFC 5737). */
const UNLIKELY_ADDRESS: Ip = parseIp("203.0.113.213")!;

/**
 * Facts for which all of `conditions` (free of `not`) are true. Facts that they do not read are as in `others`;
 * undefined where no example is found.
 */
export function witness(conditions: readonly Condition[], others: Facts = {}): Facts | undefined {
  const atoms: Condition[] = [];
  for (const condition of conditions) collect(condition, atoms);
  const byFact = new Map<FactName, Comparison[]>();
  for (const atom of atoms) {
    if (atom.kind !== "comparison") continue;
    const fact = storedFact(atom.fact);
    const list = byFact.get(fact);
    if (list === undefined) byFact.set(fact, [atom]);
    else list.push(atom);
  }
  const facts: Record<string, FactValue | undefined> = { ...others };
  for (const atom of atoms) {
    if (atom.kind !== "defined") continue;
    const name = storedFact(atom.fact);
    facts[name] = atom.negated ? undefined : (factOf(others, name) ?? unlikely(name));
  }
  for (const [fact, asked] of byFact) {
    const value = choose(fact, asked, facts[fact]);
    if (value === undefined) return undefined;
    facts[fact] = value;
  }
  const literal = byFact.has("dest.ip") ? undefined : parseIp(String(facts["host"]));
  if (literal !== undefined) facts["dest.ip"] = literal;
  const found = facts as Facts;
  return conditions.every((condition) => evaluate(condition, found, false, trouble) === TRUE) ? found : undefined;
}

/** Every operand of an `and`, one of an `or`. */
function collect(condition: Condition, atoms: Condition[]): void {
  if (condition.kind === "and") for (const item of condition.items) collect(item, atoms);
  else if (condition.kind === "or") collect(condition.items.find(isPositive) ?? condition.items[0]!, atoms);
  else atoms.push(condition);
}

const isPositive = (condition: Condition): boolean => condition.kind === "comparison" && !condition.negated;

function choose(fact: FactName, asked: readonly Comparison[], given: FactValue | undefined): FactValue | undefined {
  const elements = asked.filter(({ question }) => question.kind === "holds");
  if (elements.length === asked.length) {
    return elements.flatMap(({ question, negated }) => (question.kind === "holds" && !negated ? [question.value] : []));
  }
  const usual = [given, unlikely(fact)].filter((value) => value !== undefined);
  const tries = [...asked.flatMap((one) => samples(one)), ...usual];
  return tries.slice(0, MAX_TRIES).find((value) => asked.every((one) => accepts(one, value) !== one.negated));
}

function samples(comparison: Comparison): FactValue[] {
  const { question } = comparison;
  if (question.kind === "equals" && typeof question.value === "boolean") return [question.value, !question.value];
  const values = valuesOf(comparison);
  if (values?.kind === "numbers") return values.list.slice(0, MAX_TRIES).flatMap(numberIn);
  if (values?.kind === "networks" && !values.negated) return values.networks.slice(0, 8).map(({ base }) => base);
  if (values?.kind !== "texts" || values.negated) return [];
  const { whole, endings, beginnings, pieces } = values.texts;
  return [
    ...whole.slice(0, 8),
    ...endings.slice(0, 4).map((text) => `unlikely${text}`),
    ...beginnings.slice(0, 4).map((text) => `${text}unlikely`),
    ...pieces.slice(0, 4),
  ];
}

function numberIn({ low, high, lowOpen, highOpen }: Interval): number[] {
  if (low !== -Infinity) return [Number(low) + (lowOpen ? 0.5 : 0)].filter(Number.isFinite);
  return high === Infinity ? [] : [Number(high) - (highOpen ? 0.5 : 0)];
}
