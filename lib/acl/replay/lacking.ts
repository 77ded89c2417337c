/** Which fact an evaluation reaches that a record does not hold. `defined` counts too, although it never ends an evaluation. */
import { evaluate, factOf, FALSE, TROUBLE, TRUE, Trouble } from "../evaluate.ts";
import { type FactName, type Facts, storedFact } from "../facts.ts";
import type { Condition } from "../model.ts";
import type { Policy } from "../policy.ts";

/** Whether a fact that is not there might have been. */
export type Lacks = (fact: FactName) => boolean;

/** Whether a policy or a route asks by `defined` for anything. */
export function asksDefined({ program: { policies, routes } }: Policy): boolean {
  const conditions = [...policies.flatMap(({ when, require }) => [when, require]), ...routes.map(({ when }) => when)];
  return conditions.some((one) => one !== undefined && asks(one));
}

function asks(condition: Condition): boolean {
  if (condition.kind === "and" || condition.kind === "or") return condition.items.some(asks);
  return condition.kind === "not" ? asks(condition.item) : condition.kind === "defined";
}

/** The first fact on the way to the decision that is not there and, by `lacks`, might have been. By the tree: not fast. */
export function lackingFact(policy: Policy, facts: Facts, pending: boolean, lacks: Lacks): FactName | undefined {
  const walk = new Walk(facts, pending, lacks);
  for (const { when, require, action } of policy.program.policies) {
    let ways = when === undefined ? TRUE : walk.reach(when);
    if ((ways & TRUE) !== 0 && require !== undefined) ways = (ways & ~TRUE) | walk.reach(require);
    if (walk.lacking !== undefined) return walk.lacking;
    if (ways === TROUBLE || (ways === TRUE && action.kind !== "log")) return undefined;
  }
  return undefined;
}

/** The same on the way through the routes, all of which are asked. */
export function lackingRouteFact(policy: Policy, facts: Facts, lacks: Lacks): FactName | undefined {
  const walk = new Walk(facts, false, lacks);
  for (const { when } of policy.program.routes) if (when !== undefined) walk.reach(when);
  return walk.lacking;
}

class Walk {
  /** The first that was met. */
  lacking: FactName | undefined;
  readonly #trouble = new Trouble();

  constructor(
    readonly facts: Facts,
    readonly pending: boolean,
    readonly lacks: Lacks,
  ) {}

  /** As `evaluate`, but a `defined` about what might have been there is trouble. */
  reach(condition: Condition): number {
    if (condition.kind === "and" || condition.kind === "or") {
      const go = condition.kind === "and" ? TRUE : FALSE;
      let ways = go;
      for (const item of condition.items) {
        const one = this.reach(item);
        ways = (ways & ~go) | one;
        if ((one & go) === 0) return ways;
      }
      return ways;
    }
    if (condition.kind === "not") {
      const ways = this.reach(condition.item);
      return (ways & TROUBLE) | ((ways & TRUE) === 0 ? 0 : FALSE) | ((ways & FALSE) === 0 ? 0 : TRUE);
    }
    const ways = this.#leaf(condition);
    // With a pending address there are several ways, and each may end in a trouble of its own.
    if ((ways & TROUBLE) !== 0 && this.lacks(this.#trouble.fact)) this.lacking ??= this.#trouble.fact;
    return ways;
  }

  #leaf(condition: Condition): number {
    if (condition.kind === "defined") {
      const name = storedFact(condition.fact);
      if (factOf(this.facts, name) === undefined && this.lacks(name)) return this.#trouble.missing(name);
    }
    return evaluate(condition, this.facts, this.pending, this.#trouble);
  }
}
