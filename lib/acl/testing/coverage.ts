/** Which policies, routes and clauses a set of cases has seen come out true and false. Decides nothing. */
import { evaluate, FALSE, TRUE, Trouble } from "../evaluate.ts";
import type { Facts } from "../facts.ts";
import type { Condition, Place } from "../model.ts";
import type { Policy } from "../policy.ts";
import type { Evaluation, Hop } from "./trace.ts";

interface ClauseCoverage {
  readonly kind: "when" | "require";
  readonly place: Place;
  readonly sawTrue: boolean;
  readonly sawFalse: boolean;
  /** What can come out of it: a clause without a question has one answer only. */
  readonly possible: number;
}

export interface BlockCoverage {
  readonly kind: "policy" | "route";
  readonly name: string;
  readonly place: Place;
  readonly reached: boolean;
  readonly clauses: readonly ClauseCoverage[];
  readonly covered: number;
  readonly total: number;
}

export interface Coverage {
  readonly blocks: readonly BlockCoverage[];
  readonly covered: number;
  readonly total: number;
  /** 0 to 100; of nothing, 100. */
  readonly percent: number;
}

interface Seen {
  reached: boolean;
  /** TRUE and FALSE as bits. */
  when: number;
  require: number;
}

/** Adds up what cases have asked. A clause counts twice, for true and for false; a block without clauses once. */
export class CoverageMeter {
  readonly #policy: Policy;
  readonly #policies: Seen[];
  readonly #routes: Seen[];
  readonly #trouble = new Trouble();
  readonly #indices: ReadonlyMap<string, number>;

  constructor(policy: Policy) {
    this.#policy = policy;
    const blank = () => ({ reached: false, when: 0, require: 0 });
    this.#policies = policy.policyNames.map(blank);
    this.#routes = policy.routeNames.map(blank);
    this.#indices = new Map(policy.policyNames.map((name, i) => [name, i]));
  }

  /** The hops of one case. */
  note(hops: readonly Hop[]): void {
    for (const hop of hops) {
      this.#noteRoutes(hop);
      for (const evaluation of hop.evaluations) this.#notePolicies(evaluation);
    }
  }

  report(): Coverage {
    const { policies, routes } = this.#policy.program;
    const blocks = [
      ...policies.map((one, i) => blockOf("policy", one, this.#policies[i]!)),
      ...routes.map((one, i) => blockOf("route", { ...one, require: undefined }, this.#routes[i]!)),
    ];
    const sum = (of: (block: BlockCoverage) => number) => blocks.reduce((all, block) => all + of(block), 0);
    const [covered, total] = [sum((block) => block.covered), sum((block) => block.total)];
    return { blocks, covered, total, percent: total === 0 ? 100 : (covered / total) * 100 };
  }

  /** What was put off until the name is resolved is no evaluation yet. */
  #notePolicies({ facts, pending, decision }: Evaluation): void {
    if (decision.outcome === "resolve") return;
    const { policies } = this.#policy.program;
    const last = decision.policy === undefined ? policies.length - 1 : this.#indices.get(decision.policy)!;
    for (let i = 0; i <= last; i++) this.#ask(policies[i]!, this.#policies[i]!, facts, pending);
  }

  /** All routes are asked, up to one that lacks a fact. */
  #noteRoutes({ facts, routes }: Hop): void {
    if (routes === undefined) return;
    for (const [i, { name, when }] of this.#policy.program.routes.entries()) {
      this.#ask({ when, require: undefined }, this.#routes[i]!, facts, false);
      if (routes.missing !== undefined && routes.route === name) return;
    }
  }

  #ask(
    { when, require }: { when: Condition | undefined; require: Condition | undefined },
    seen: Seen,
    facts: Facts,
    pending: boolean,
  ): void {
    seen.reached = true;
    const ways = when === undefined ? TRUE : evaluate(when, facts, pending, this.#trouble);
    seen.when |= certain(ways);
    if (ways === TRUE && require !== undefined)
      seen.require |= certain(evaluate(require, facts, pending, this.#trouble));
  }
}

/** An answer that hangs on an address or lacks a fact is none. */
const certain = (ways: number): number => (ways === TRUE || ways === FALSE ? ways : 0);

function blockOf(
  kind: BlockCoverage["kind"],
  block: { name: string; place: Place; when: Condition | undefined; require: Condition | undefined },
  seen: Seen,
): BlockCoverage {
  const { name, place, when, require } = block;
  const clause = (kind: "when" | "require", condition: Condition | undefined, bits: number): ClauseCoverage[] =>
    condition === undefined
      ? []
      : [
          {
            kind,
            place: { file: place.file, start: condition.start },
            sawTrue: (bits & TRUE) !== 0,
            sawFalse: (bits & FALSE) !== 0,
            possible: condition.kind === "constant" ? 1 : 2,
          },
        ];
  const clauses = [...clause("when", when, seen.when), ...clause("require", require, seen.require)];
  const counted = clauses.reduce((sum, { sawTrue, sawFalse }) => sum + Number(sawTrue) + Number(sawFalse), 0);
  const total = clauses.reduce((sum, { possible }) => sum + possible, 0);
  const { reached } = seen;
  return clauses.length === 0
    ? { kind, name, place, reached, clauses, covered: Number(reached), total: 1 }
    : { kind, name, place, reached, clauses, covered: counted, total };
}
