/** Which fact an evaluation reaches that a record does not hold. `defined` counts too, although it never ends an evaluation. */
import { evaluate, factOf, FALSE, TROUBLE, TRUE, Trouble } from "../evaluate.ts";
import { type FactName, type Facts, storedFact } from "../facts.ts";
import type { Condition } from "../model.ts";
import type { Policy } from "../policy.ts";

type Lacks = (fact: FactName) => boolean;

/** Facts that policies ask for by `defined`. */
export function definedFacts(policy: Policy): FactName[] {
  const facts = new Set<FactName>();
  for (const { when, require } of policy.program.policies) {
    for (const condition of [when, require]) if (condition !== undefined) collect(condition, facts);
  }
  return [...facts];
}

function collect(condition: Condition, facts: Set<FactName>): void {
  if (condition.kind === "defined") facts.add(storedFact(condition.fact));
  else if (condition.kind === "not") collect(condition.item, facts);
  else if (condition.kind === "and" || condition.kind === "or")
    for (const item of condition.items) collect(item, facts);
}

/** The first fact on the way to the decision that is not there and, by `lacks`, might have been. By the tree: not fast. */
export function lackingFact(policy: Policy, facts: Facts, pending: boolean, lacks: Lacks): FactName | undefined {
  const trouble = new Trouble();
  for (const { when, require, action } of policy.program.policies) {
    let ways = when === undefined ? TRUE : reach(when, facts, pending, lacks, trouble);
    if ((ways & TRUE) !== 0 && require !== undefined)
      ways = (ways & ~TRUE) | reach(require, facts, pending, lacks, trouble);
    if ((ways & TROUBLE) !== 0 && lacks(trouble.fact)) return trouble.fact;
    if (ways === TROUBLE || (ways === TRUE && action.kind !== "log")) return undefined;
  }
  return undefined;
}

/** As `evaluate`, but a `defined` about what might have been there is trouble. */
function reach(condition: Condition, facts: Facts, pending: boolean, lacks: Lacks, trouble: Trouble): number {
  if (condition.kind === "and" || condition.kind === "or") {
    const go = condition.kind === "and" ? TRUE : FALSE;
    let ways = go;
    for (const item of condition.items) {
      const one = reach(item, facts, pending, lacks, trouble);
      ways = (ways & ~go) | one;
      if ((one & go) === 0) return ways;
    }
    return ways;
  }
  if (condition.kind === "not") {
    const ways = reach(condition.item, facts, pending, lacks, trouble);
    return (ways & TROUBLE) | ((ways & TRUE) === 0 ? 0 : FALSE) | ((ways & FALSE) === 0 ? 0 : TRUE);
  }
  if (condition.kind === "defined") {
    const name = storedFact(condition.fact);
    if (factOf(facts, name) === undefined && lacks(name)) return trouble.missing(name);
  }
  return evaluate(condition, facts, pending, trouble);
}
