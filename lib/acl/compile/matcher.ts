/** Clauses as closures over the values of one request: what evaluate.ts means, said faster. */
import { type Ip, sameIp } from "../../wire/ip.ts";
import { evaluate, factOf, FALSE, PENDING, TRUE, Trouble } from "../evaluate.ts";
import { type FactName, type Facts, type FactValue, storedFact } from "../facts.ts";
import type { Comparison, Condition } from "../model.ts";
import { hasNumber } from "../sets.ts";
import { HashedText } from "../tables/hashed-text.ts";

/** Answers with the ways in which the clause can end, as `evaluate` does. */
export type Matcher = (request: Request) => number;

/** The facts of the request under decision, each read once into a numbered place. One per policy set, reused. */
export class Request {
  readonly values: (FactValue | undefined)[] = [];
  readonly trouble = new Trouble();
  facts: Facts = {};
  pending = false;
  readonly #names: FactName[] = [];
  readonly #texts: HashedText[] = [];

  /** The place of a fact, for compiling; a new one is filled for the request at hand too. */
  slot(fact: FactName): number {
    const known = this.#names.indexOf(fact);
    if (known !== -1) return known;
    this.values.push(factOf(this.facts, fact));
    this.#texts.push(new HashedText());
    return this.#names.push(fact) - 1;
  }

  /** The hashes of the text in a place: made once for a request, however many clauses look it up. */
  text(slot: number, value: string): HashedText {
    return this.#texts[slot]!.read(value);
  }

  begin(facts: Facts, pending: boolean): void {
    this.facts = facts;
    this.pending = pending;
    for (let i = 0; i < this.#names.length; i++) this.values[i] = factOf(facts, this.#names[i]!);
  }
}

export function compileMatcher(condition: Condition, request: Request): Matcher {
  if (condition.kind === "and" || condition.kind === "or") {
    const items = condition.items.map((item) => compileMatcher(item, request));
    return condition.kind === "and" ? chain(items, TRUE) : chain(items, FALSE);
  }
  const fast = condition.kind === "comparison" ? compileComparison(condition, request) : undefined;
  return fast ?? ((request) => evaluate(condition, request.facts, request.pending, request.trouble));
}

/** `and` goes on while TRUE is possible, `or` while FALSE is. */
function chain(items: readonly Matcher[], go: number): Matcher {
  return (request) => {
    let ways = go;
    for (let i = 0; i < items.length; i++) {
      const one = items[i]!(request);
      ways = (ways & ~go) | one;
      if ((one & go) === 0) return ways;
    }
    return ways;
  };
}

/** The common questions; the others are left to `evaluate`. */
function compileComparison({ fact, question, negated }: Comparison, request: Request): Matcher | undefined {
  const name = storedFact(fact);
  const yes = negated ? FALSE : TRUE;
  const no = negated ? TRUE : FALSE;
  const slot = request.slot(name);
  const other = (request: Request, value: FactValue | undefined) => exception(request, name, value);
  switch (question.kind) {
    case "equals": {
      const wanted = question.value;
      const type = typeof wanted === "bigint" ? "number" : typeof wanted;
      return (request) => {
        const value = request.values[slot];
        return typeof value === type ? (value === wanted ? yes : no) : other(request, value);
      };
    }
    case "in-names": {
      const { table } = question.set;
      return (request) => {
        const value = request.values[slot];
        return typeof value === "string"
          ? table.hasText(request.text(slot, value))
            ? yes
            : no
          : other(request, value);
      };
    }
    case "under": {
      const { table } = question.set;
      return (request) => {
        const value = request.values[slot];
        if (typeof value !== "string") return other(request, value);
        return table.hasDomainOfText(request.text(slot, value)) ? yes : no;
      };
    }
    case "matches": {
      const { pattern } = question;
      return (request) => {
        const value = request.values[slot];
        return typeof value === "string" ? (pattern.test(value) ? yes : no) : other(request, value);
      };
    }
    case "holds": {
      const wanted = question.value;
      return (request) => {
        const value = request.values[slot];
        return Array.isArray(value) ? (isOneOf(value, wanted) ? yes : no) : other(request, value);
      };
    }
    case "order": {
      const { sign, value: limit } = question;
      const orEqual = sign === "<=" || sign === ">=";
      const below = sign === "<" || sign === "<=";
      return (request) => {
        const value = request.values[slot];
        if (typeof value !== "number") return other(request, value);
        const less = value < limit;
        const more = value > limit;
        return (below ? less : more) || (orEqual && !less && !more) ? yes : no;
      };
    }
    case "in-numbers": {
      const { set } = question;
      return (request) => {
        const value = request.values[slot];
        return typeof value === "number" ? (hasNumber(set, value) ? yes : no) : other(request, value);
      };
    }
    case "in-addresses": {
      const { table } = question.set;
      return (request) => {
        const value = request.values[slot];
        return isIp(value) ? (table.has(value) ? yes : no) : other(request, value);
      };
    }
    case "equals-address": {
      const wanted = question.value;
      return (request) => {
        const value = request.values[slot];
        return isIp(value) ? (sameIp(value, wanted) ? yes : no) : other(request, value);
      };
    }
    default:
      return undefined;
  }
}

function isOneOf(values: readonly string[], wanted: string): boolean {
  for (let i = 0; i < values.length; i++) if (values[i] === wanted) return true;
  return false;
}

/** The fact has no value of the right type. */
function exception({ pending, trouble }: Request, name: FactName, value: FactValue | undefined): number {
  if (value !== undefined) return trouble.mistyped(name);
  return pending && name === PENDING ? TRUE | FALSE : trouble.missing(name);
}

const isIp = (value: FactValue | undefined): value is Ip => typeof value === "object" && "family" in value;
