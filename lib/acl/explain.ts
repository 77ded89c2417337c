/** Why a decision fell: every policy's clauses with what was true, false or missing. By the tree alone; slow and plain on purpose. */
import { type Decision, DEFAULT_DENY, decisionOf, guardDecision, troubleDecision, withLogged } from "./decision.ts";
import { evaluate, FALSE, TROUBLE, TRUE, Trouble } from "./evaluate.ts";
import type { FactName, Facts } from "./facts.ts";
import { type Guard, guardRefusal, udpRefusal } from "./guard.ts";
import { type Condition, factsOf, type Place } from "./model.ts";
import type { EarlyDecision, Policy } from "./policy.ts";

/** `unreached`: an earlier operand settled it. `unknown`: hangs on the pending address. */
export type State = "true" | "false" | "missing" | "mistyped" | "unknown" | "unreached";

export interface ExplainedCondition {
  readonly kind: Condition["kind"];
  /** As written in the file. */
  readonly text: string;
  readonly state: State;
  /** Facts that a comparison reads; empty for groups. */
  readonly facts: readonly FactName[];
  readonly items: readonly ExplainedCondition[];
}

export interface ExplainedClauses {
  readonly name: string;
  readonly place: Place;
  readonly when: ExplainedCondition | undefined;
  readonly require: ExplainedCondition | undefined;
  /** Both clauses together. */
  readonly state: State;
  /** Whether the evaluation came this far; the states are given all the same. */
  readonly reached: boolean;
}

export interface ExplainedPolicy extends ExplainedClauses {
  readonly action: string;
  /** This policy made the decision, or the evaluation ended in it. */
  readonly decided: boolean;
}

export interface Explanation {
  readonly decision: EarlyDecision;
  readonly policies: readonly ExplainedPolicy[];
  readonly routes: readonly ExplainedClauses[];
}

interface ExplainOptions {
  readonly guard?: Guard | undefined;
  /** Explain the decision before resolution. */
  readonly pending?: boolean;
}

/** Always agrees with `policy.decide(facts, guard)`, or with `decideBeforeResolution` where `pending` is set. */
export function explain(policy: Policy, facts: Facts, { guard, pending = false }: ExplainOptions = {}): Explanation {
  const { policies, routes, sources } = policy.program;
  const explainer = new Explainer(
    facts,
    pending,
    (place, { start, end }) => sources.get(place.file)?.text.slice(start, end) ?? "",
  );
  const ends: { decision?: EarlyDecision } = {};
  let logged: string[] = [];
  let uncertain = false;
  const explained = policies.map((one): ExplainedPolicy => {
    const reached = ends.decision === undefined;
    const { ways, ...clauses } = explainer.clauses(one, reached);
    const { name, action } = one;
    if (reached && ways !== FALSE) {
      if (ways === TROUBLE) ends.decision = withLogged(explainer.troubled(name), logged);
      else if ((ways & TRUE) !== 0 && action.kind === "log") logged = ways === TRUE ? [...logged, name] : logged;
      else if ((ways & TRUE) !== 0) {
        const certain = !uncertain && ways === TRUE;
        const datagrams = pending && certain && action.kind === "allow" ? udpRefusal(one, facts) : undefined;
        const open = action.kind === "allow" ? datagrams === undefined : action.kind === "redirect" && !certain;
        if (pending && open) ends.decision = { outcome: "resolve" };
        else if ((ways & FALSE) === 0) {
          const decision = withLogged(decisionOf(name, action), logged);
          const refused =
            datagrams ?? (guard && !pending && action.kind === "allow" ? guardRefusal(one, facts, guard) : undefined);
          ends.decision = refused === undefined ? decision : guardDecision(decision, refused);
        } else uncertain = true;
      }
      if ((ways & TROUBLE) !== 0) uncertain = true;
    }
    return { ...clauses, action: action.kind, decided: reached && ends.decision !== undefined };
  });
  const ofRoutes = routes.map((route) => {
    const { ways: _, ...clauses } = explainer.clauses({ ...route, require: undefined }, true);
    return clauses;
  });
  return { decision: ends.decision ?? withLogged(DEFAULT_DENY, logged), policies: explained, routes: ofRoutes };
}

class Explainer {
  readonly #trouble = new Trouble();

  constructor(
    readonly facts: Facts,
    readonly pending: boolean,
    readonly textOf: (place: Place, span: Condition) => string,
  ) {}

  clauses(
    {
      name,
      place,
      when,
      require,
    }: { name: string; place: Place; when: Condition | undefined; require: Condition | undefined },
    reached: boolean,
  ): ExplainedClauses & { ways: number } {
    const first = when && this.#condition(when, place);
    const goesOn = first === undefined || (first.ways & TRUE) !== 0;
    const second =
      require && (goesOn ? this.#condition(require, place) : { ways: 0, node: this.#unreached(require, place) });
    const start = first?.ways ?? TRUE;
    const ways = goesOn ? (start & (FALSE | TROUBLE)) | (second?.ways ?? TRUE) : start;
    return { name, place, when: first?.node, require: second?.node, state: this.#state(ways), reached, ways };
  }

  /** The decision for the trouble that the last evaluation met. */
  troubled(name: string): Decision {
    return troubleDecision(name, this.#trouble.reason, this.#trouble.fact);
  }

  #condition(condition: Condition, place: Place): { ways: number; node: ExplainedCondition } {
    if (condition.kind === "not") {
      const { ways: inner, node } = this.#condition(condition.item, place);
      const ways = (inner & TROUBLE) | ((inner & TRUE) === 0 ? 0 : FALSE) | ((inner & FALSE) === 0 ? 0 : TRUE);
      return { ways, node: this.#node(condition, place, ways, [node]) };
    }
    if (condition.kind !== "and" && condition.kind !== "or") {
      const ways = evaluate(condition, this.facts, this.pending, this.#trouble, true);
      return { ways, node: this.#node(condition, place, ways, []) };
    }
    const go = condition.kind === "and" ? TRUE : FALSE;
    let ways = go;
    const items = condition.items.map((item) => {
      if ((ways & go) === 0) return this.#unreached(item, place);
      const one = this.#condition(item, place);
      ways = (ways & ~go) | one.ways;
      return one.node;
    });
    return { ways, node: this.#node(condition, place, ways, items) };
  }

  #unreached(condition: Condition, place: Place): ExplainedCondition {
    const items =
      condition.kind === "and" || condition.kind === "or"
        ? condition.items
        : condition.kind === "not"
          ? [condition.item]
          : [];
    return {
      ...this.#node(
        condition,
        place,
        0,
        items.map((item) => this.#unreached(item, place)),
      ),
    };
  }

  #node(condition: Condition, place: Place, ways: number, items: readonly ExplainedCondition[]): ExplainedCondition {
    const facts = items.length > 0 ? [] : factsOf(condition);
    return { kind: condition.kind, text: this.textOf(place, condition), state: this.#state(ways), facts, items };
  }

  #state(ways: number): State {
    if (ways === 0) return "unreached";
    if (ways === TRUE) return "true";
    if (ways === FALSE) return "false";
    if (ways !== TROUBLE) return "unknown";
    return this.#trouble.reason === "missing_fact" ? "missing" : "mistyped";
  }
}
