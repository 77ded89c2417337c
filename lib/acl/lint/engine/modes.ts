/** What evaluation meets under a command, or a protocol of it, that never gives certain facts; and which commands a policy is for. Not what is said about it. */
import { TRUE } from "../../evaluate.ts";
import { type Command, type FactName, type FactValue, lookupFact, storedFact } from "../../facts.ts";
import { type Condition, factsOf } from "../../model.ts";
import { isFinal } from "./coverage.ts";
import type { Subject } from "./subject.ts";
import { comparisonsOf } from "./walk.ts";
import { type View, waysOf } from "./ways.ts";

export const COMMANDS: readonly Command[] = ["socks", "tproxy", "tunnel", "mux", "s3crypt"];

/** A kind of request: what is known of all of them, and which facts none of them has. */
export interface Mode {
  readonly known: Readonly<Record<string, FactValue>>;
  lacks(fact: FactName): boolean;
}

/** Where an evaluation may end for want of a fact. */
interface End {
  /** The policy's index. */
  readonly policy: number;
  /** The comparison that reads the fact. */
  readonly part: Condition;
  readonly fact: FactName;
  /** A later policy that could have let the request in. */
  readonly later: number | undefined;
}

export const commandMode = (command: Command): Mode => ({
  known: { command },
  lacks: (fact) => !providersOf(fact).includes(command),
});

/** The commands that can fill the fact. */
export const providersOf = (fact: FactName): readonly Command[] => lookupFact(fact)?.spec.commands ?? [];

/** Every policy in which an evaluation under the mode may reach a fact that is never there. Linear. */
export function endsUnder(subject: Subject, mode: Mode): End[] {
  const { policies, clauses } = subject;
  const view = viewOf(mode);
  const ends: Omit<End, "later">[] = [];
  const openings: number[] = [];
  for (const [i, policy] of policies.entries()) {
    const reached = new Set<FactName>();
    const ways = waysOf(clauses[i]!, view, reached);
    const [fact] = reached;
    if (fact !== undefined) ends.push({ policy: i, fact, part: partReading(clauses[i]!, fact) });
    const opens = policy.action.kind === "allow" || policy.action.kind === "redirect";
    if (opens && (ways & TRUE) !== 0) openings.push(i);
    // Nothing of this mode comes further.
    if (ways === TRUE && isFinal(policy)) break;
  }
  return ends.map((end) => ({ ...end, later: openings.find((i) => i > end.policy) }));
}

/** Whether an evaluation of the condition may reach a fact that the mode lacks. */
export function mayMiss(condition: Condition, mode: Mode): FactName | undefined {
  const reached = new Set<FactName>();
  waysOf(condition, viewOf(mode), reached);
  return [...reached][0];
}

function viewOf({ known, lacks }: Mode): View {
  return (fact) => {
    if (Object.hasOwn(known, fact)) return { value: known[fact]! };
    return lacks(fact) ? "absent" : undefined;
  };
}

/** The first comparison that reads the fact. */
export function partReading(condition: Condition, fact: FactName): Condition {
  if (condition.kind === "and" || condition.kind === "or")
    return partReading(
      condition.items.find((item) => factsOf(item).includes(storedFact(fact))) ?? condition.items[0]!,
      fact,
    );
  return condition.kind === "not" ? partReading(condition.item, fact) : condition;
}

/**
 * The commands that are meant: those given by the caller; or those that the policy names, and as many more as are
 * needed for every policy to have one that gives its facts.
 */
export function commandsOf({ options, clauses }: Subject): readonly Command[] {
  if (options.commands !== undefined) return options.commands;
  const named = COMMANDS.filter((command) => clauses.some((clause) => names(clause, command)));
  const fits = clauses.map((clause) => COMMANDS.filter((one) => mayMiss(clause, commandMode(one)) === undefined));
  const meant = [...named];
  let left = fits.filter((some) => some.length > 0 && !some.some((one) => meant.includes(one)));
  while (left.length > 0) {
    const best = COMMANDS.map((command) => ({ command, count: left.filter((some) => some.includes(command)).length }));
    best.sort((x, y) => y.count - x.count);
    const { command } = best[0]!;
    meant.push(command);
    left = left.filter((some) => !some.includes(command));
  }
  return meant;
}

function names(clause: Condition, command: Command): boolean {
  for (const { fact, question, negated } of comparisonsOf(clause)) {
    if (fact !== "command" || negated) continue;
    if (question.kind === "equals" && question.value === command) return true;
    if (question.kind === "in-names" && question.set.table.has(command)) return true;
  }
  return false;
}
