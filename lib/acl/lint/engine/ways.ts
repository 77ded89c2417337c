/** The ways in which a condition may end when only some facts are known. Says no less than can happen, sometimes more. */
import { evaluate, FALSE, TROUBLE, TRUE, Trouble } from "../../evaluate.ts";
import { type FactName, type Facts, type FactValue, storedFact } from "../../facts.ts";
import { type Condition, factsOf } from "../../model.ts";

/** A value, `absent` for a fact that is not there, undefined for one of which nothing is known. */
export type View = (fact: FactName) => { readonly value: FactValue } | "absent" | undefined;

/** Bits of evaluate.ts. Facts that are absent and may be reached are added to `reached`. */
export function waysOf(condition: Condition, view: View, reached?: Set<FactName>): number {
  switch (condition.kind) {
    case "constant":
      return condition.value ? TRUE : FALSE;
    case "not": {
      const ways = waysOf(condition.item, view, reached);
      return (ways & TROUBLE) | ((ways & TRUE) === 0 ? 0 : FALSE) | ((ways & FALSE) === 0 ? 0 : TRUE);
    }
    case "defined": {
      const seen = view(storedFact(condition.fact));
      if (seen === undefined) return TRUE | FALSE;
      return (seen !== "absent") === !condition.negated ? TRUE : FALSE;
    }
    case "and":
    case "or": {
      const go = condition.kind === "and" ? TRUE : FALSE;
      let ways = go;
      for (const item of condition.items) {
        const one = waysOf(item, view, reached);
        ways = (ways & ~go) | one;
        if ((one & go) === 0) return ways;
      }
      return ways;
    }
    case "comparison": {
      const facts: Record<string, FactValue> = {};
      for (const fact of factsOf(condition)) {
        const seen = view(fact);
        if (seen === undefined) return TRUE | FALSE | TROUBLE;
        if (seen === "absent") {
          reached?.add(fact);
          return TROUBLE;
        }
        facts[fact] = seen.value;
      }
      return evaluate(condition, facts as Facts, false, trouble);
    }
  }
}

const trouble = new Trouble();
