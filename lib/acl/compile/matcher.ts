/** The less common conditions as closures over the values of one request: what evaluate.ts means, said faster. */
import { type Ip, sameIp } from "../../wire/ip.ts";
import { evaluate, FALSE, TRUE } from "../evaluate.ts";
import { storedFact } from "../facts.ts";
import type { Comparison, Condition } from "../model.ts";
import { hasNumber } from "../sets.ts";
import { ADDRESS, HASH, NUMBER, type Request, TEXT, VALUE } from "./request.ts";

/** Answers with the ways in which the condition can end, as `evaluate` does. */
export type Matcher = (request: Request) => number;

/** What has no instruction of its own (code.ts). */
export function compileMatcher(condition: Condition, request: Request): Matcher {
  const fast = condition.kind === "comparison" ? compileComparison(condition, request) : undefined;
  return fast ?? ((request) => evaluate(condition, request.facts, request.pending, request.trouble));
}

/** The common questions; the others are left to `evaluate`. */
function compileComparison({ fact, question, negated }: Comparison, request: Request): Matcher | undefined {
  const yes = negated ? FALSE : TRUE;
  const no = negated ? TRUE : FALSE;
  const isNamed = question.kind === "in-names" || question.kind === "under";
  const slot = request.slot(storedFact(fact), isNamed ? HASH : VALUE);
  switch (question.kind) {
    case "in-names": {
      const { table } = question.set;
      return (request) => {
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        return table.hasText(request.texts[slot]!) ? yes : no;
      };
    }
    case "under": {
      const { table } = question.set;
      return (request) => {
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        return table.hasDomainOfText(request.texts[slot]!) ? yes : no;
      };
    }
    case "matches": {
      const { pattern } = question;
      return (request) => {
        if (request.kinds[slot] !== TEXT) return request.exception(slot);
        return pattern.test(request.values[slot] as string) ? yes : no;
      };
    }
    case "order": {
      const { sign, value: limit } = question;
      const orEqual = sign === "<=" || sign === ">=";
      const below = sign === "<" || sign === "<=";
      return (request) => {
        if (request.kinds[slot] !== NUMBER) return request.exception(slot);
        const value = request.values[slot] as number;
        const less = value < limit;
        const more = value > limit;
        return (below ? less : more) || (orEqual && !less && !more) ? yes : no;
      };
    }
    case "in-numbers": {
      const { set } = question;
      return (request) => {
        if (request.kinds[slot] !== NUMBER) return request.exception(slot);
        return hasNumber(set, request.values[slot] as number) ? yes : no;
      };
    }
    case "in-addresses": {
      const { table } = question.set;
      return (request) => {
        if (request.kinds[slot] !== ADDRESS) return request.exception(slot);
        return table.has(request.values[slot] as Ip) ? yes : no;
      };
    }
    case "equals-address": {
      const wanted = question.value;
      return (request) => {
        if (request.kinds[slot] !== ADDRESS) return request.exception(slot);
        return sameIp(request.values[slot] as Ip, wanted) ? yes : no;
      };
    }
    default:
      return undefined;
  }
}
