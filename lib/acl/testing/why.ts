/** Why a case failed: the policies that matter to it, with the comparisons that settled them. By lib/acl/explain.ts. */
import { explain, type ExplainedCondition, type ExplainedPolicy, type State } from "../explain.ts";
import type { Place } from "../model.ts";
import type { Policy } from "../policy.ts";
import type { CaseResult } from "./run-case.ts";

export interface Reason {
  /** The policy, and what became of it. */
  readonly policy: string;
  readonly fate: "decided" | "held" | "did not hold" | "was not reached";
  readonly place: Place;
  /** Each comparison that was asked, in order; none for a policy without conditions. */
  readonly asked: readonly { readonly state: State; readonly text: string }[];
}

/** Of policies that might have decided as expected, no more than these are shown. */
const MOST = 3;

/** The policy that decided, and the one that was expected to, or the first few whose action was expected. */
export function reasonsOf(policy: Policy, { test: { expect }, got }: CaseResult): Reason[] {
  const { evaluations } = got.hop;
  const judged = evaluations.find(({ decision }) => decision === got.decision) ?? evaluations.at(-1);
  if (judged === undefined) return [];
  const { facts, guard, pending } = judged;
  const { policies } = explain(policy, facts, { guard, pending });
  const decider = policies.filter(({ decided }) => decided);
  const isWanted = ({ name, action, reached }: ExplainedPolicy) =>
    expect.by === undefined ? reached && action === expect.outcome : name === expect.by;
  const wanted = policies.filter((one) => !one.decided && isWanted(one)).toSorted(byCloseness);
  return [...decider, ...wanted.slice(0, MOST)].map(reasonOf);
}

/** What was partly true is more likely to have been meant. */
function byCloseness(x: ExplainedPolicy, y: ExplainedPolicy): number {
  const truths = (one: ExplainedPolicy) => askedOf(one).filter(({ state }) => state === "true").length;
  return truths(y) - truths(x);
}

function reasonOf(one: ExplainedPolicy): Reason {
  const { name, place, decided, reached, state } = one;
  const fate = decided ? "decided" : !reached ? "was not reached" : state === "true" ? "held" : "did not hold";
  return { policy: name, fate, place, asked: askedOf(one) };
}

function askedOf({ when, require }: ExplainedPolicy): { state: State; text: string }[] {
  return [when, require].flatMap((clause) => (clause === undefined ? [] : leavesOf(clause)));
}

/** A negation is shown with its `not`, so that its own truth stands beside it. */
function leavesOf(condition: ExplainedCondition): { state: State; text: string }[] {
  const { kind, items, state } = condition;
  if (state === "unreached") return [];
  return kind === "and" || kind === "or" ? items.flatMap(leavesOf) : [{ state, text: textOf(condition) }];
}

/** Put together from the comparisons, whose text is whole: that of a group may end in front of a parenthesis. */
function textOf({ kind, items, text }: ExplainedCondition): string {
  const parts = items.map((item) => (item.kind === "and" || item.kind === "or" ? `(${textOf(item)})` : textOf(item)));
  if (kind === "not") return `not ${parts[0]}`;
  return kind === "and" || kind === "or" ? parts.join(` ${kind} `) : text.replace(/\s+/g, " ");
}
