/** A loaded policy set: decides, before and after resolution, and routes. It knows no file and no socket. */
import { Candidates } from "./compile/candidates.ts";
import {
  type Decision,
  DEFAULT_DENY,
  decisionOf,
  depthDecision,
  guardDecision,
  troubleDecision,
  withLogged,
} from "./decision.ts";
import { FALSE, TROUBLE, TRUE } from "./evaluate.ts";
import type { FactName, Facts } from "./facts.ts";
import { type Guard, guardRefusal, udpRefusal } from "./guard.ts";
import { Code } from "./compile/code.ts";
import { compileClause } from "./compile/normalise.ts";
import { Request } from "./compile/request.ts";
import type { Condition, Program } from "./model.ts";
import { MAX_REDIRECTS, redirectedFacts } from "./redirect.ts";

/** What can be said before the name is resolved; "resolve" where the answer hangs on the address. */
export type EarlyDecision = Decision | { readonly outcome: "resolve" };

export interface Routes {
  /** Of all matching routes, in the order of the file, duplicates kept. */
  readonly backends: readonly string[];
  readonly matched: readonly string[];
  readonly missing?: undefined;
}

export interface NoRoutes {
  readonly backends?: undefined;
  readonly reason: "missing_fact" | "type_mismatch";
  readonly missing: FactName;
  /** The route whose evaluation met it. */
  readonly route: string;
}

const RESOLVE = { outcome: "resolve" } as const;
const NO_NAMES: readonly string[] = [];

export class Policy {
  /** Of the bytes of every file, in the order of reading. */
  readonly digest: string;
  readonly mentions: readonly FactName[];
  readonly policyCount: number;
  readonly routeCount: number;
  readonly policyNames: readonly string[];
  readonly routeNames: readonly string[];
  /** Every backend that a route uses, once. */
  readonly backends: readonly string[];
  readonly program: Program;
  readonly #request = new Request();
  readonly #clauses: readonly Condition[];
  readonly #candidates: Candidates;
  readonly #code = new Code(this.#request);
  /** Where a clause's code begins. Compiled and made when first needed: of a long list of policies most never are. */
  readonly #starts: Int32Array;
  readonly #decisions: (Decision | undefined)[];
  readonly #routeStarts: Int32Array;
  readonly #routeCandidates: Candidates;

  constructor(program: Program, digest: string) {
    this.program = program;
    this.digest = digest;
    this.mentions = program.mentions;
    this.policyCount = program.policies.length;
    this.routeCount = program.routes.length;
    this.policyNames = program.policies.map(({ name }) => name);
    this.routeNames = program.routes.map(({ name }) => name);
    this.backends = [...new Set(program.routes.flatMap(({ backends }) => backends))];
    this.#clauses = program.policies.map(({ when, require }) => compileClause(when, require));
    this.#candidates = new Candidates(this.#clauses, this.#request);
    this.#starts = new Int32Array(this.#clauses.length);
    this.#decisions = Array.from(this.#clauses, () => undefined);
    const routeClauses = program.routes.map(({ when }) => compileClause(when, undefined));
    this.#routeStarts = Int32Array.from(routeClauses, (clause) => this.#code.compile(clause));
    this.#routeCandidates = new Candidates(routeClauses, this.#request);
  }

  /**
   * The first policy whose clauses hold decides; none is a denial. With a `guard`, an allow is checked against the
   * address (`dest.ip`, or `host` where it is a literal). A missing fact that evaluation reaches is a denial.
   */
  decide(facts: Facts, guard?: Guard): Decision {
    const candidates = this.#candidates;
    let logged = NO_NAMES;
    this.#request.begin(facts, false);
    candidates.begin();
    for (let i = candidates.next(); i >= 0; i = candidates.next()) {
      const ways = this.#evaluate(i);
      if (ways === FALSE) continue;
      const { name, action } = this.program.policies[i]!;
      if (ways === TROUBLE)
        return withLogged(troubleDecision(name, this.#request.trouble.reason, this.#request.trouble.fact), logged);
      if (action.kind === "log") {
        logged = [...logged, name];
        continue;
      }
      const decision = withLogged(this.#decision(i), logged);
      if (action.kind !== "allow" || guard === undefined) return decision;
      const refused = guardRefusal(this.program.policies[i]!, facts, guard);
      return refused === undefined ? decision : guardDecision(decision, refused);
    }
    return withLogged(DEFAULT_DENY, logged);
  }

  /**
   * For a host that is a name, before it is resolved: what is decided whatever its address will be. A denial (or a
   * challenge) in every case, a certain redirect, or else "resolve"; an allow hangs on the address guard.
   */
  decideBeforeResolution(facts: Facts): EarlyDecision {
    const candidates = this.#candidates;
    const policies = this.program.policies;
    let logged = NO_NAMES;
    let uncertain = false;
    this.#request.begin(facts, true);
    candidates.begin();
    for (let i = candidates.next(); i >= 0; i = candidates.next()) {
      const ways = this.#evaluate(i);
      if (ways === FALSE) continue;
      const { name, action } = policies[i]!;
      if (ways === TROUBLE)
        return withLogged(troubleDecision(name, this.#request.trouble.reason, this.#request.trouble.fact), logged);
      // A fact that may turn out to be missing adds a way to be denied.
      if ((ways & TROUBLE) !== 0) uncertain = true;
      if ((ways & TRUE) === 0) continue;
      if (action.kind === "log") {
        if (ways === TRUE) logged = [...logged, name];
        continue;
      }
      const certain = !uncertain && ways === TRUE;
      if (action.kind === "allow") {
        const refused = certain ? udpRefusal(policies[i]!, facts) : undefined;
        return refused === undefined ? RESOLVE : withLogged(guardDecision(this.#decision(i), refused), logged);
      }
      if (action.kind === "redirect" && !certain) return RESOLVE;
      uncertain = true;
      if ((ways & FALSE) === 0) return withLogged(this.#decision(i), logged);
    }
    return withLogged(DEFAULT_DENY, logged);
  }

  /** The backends of every route that matches; none means the default backend or a direct exit, which is the caller's. */
  routes(facts: Facts): Routes | NoRoutes {
    const candidates = this.#routeCandidates;
    let backends = NO_NAMES;
    let matched = NO_NAMES;
    this.#request.begin(facts, false);
    candidates.begin();
    for (let i = candidates.next(); i >= 0; i = candidates.next()) {
      const ways = this.#code.run(this.#routeStarts[i]!);
      if (ways === FALSE) continue;
      const route = this.program.routes[i]!;
      if (ways === TROUBLE)
        return { reason: this.#request.trouble.reason, missing: this.#request.trouble.fact, route: route.name };
      backends = backends.length === 0 ? route.backends : [...backends, ...route.backends];
      matched = [...matched, route.name];
    }
    return { backends, matched };
  }

  /**
   * The facts to decide next after the `hop`-th redirect (from 1): the target in place of the host, without the old
   * address. Past the limit, or for a decision that is no redirect, a denial to be used instead.
   */
  follow(facts: Facts, decision: Decision, hop: number): { facts: Facts } | { decision: Decision } {
    if (decision.redirect === undefined || hop > MAX_REDIRECTS) return { decision: depthDecision(decision.policy) };
    return { facts: redirectedFacts(facts, decision.redirect) };
  }

  #evaluate(i: number): number {
    return this.#code.run(this.#starts[i]! || (this.#starts[i] = this.#code.compile(this.#clauses[i]!)));
  }

  #decision(i: number): Decision {
    const { name, action } = this.program.policies[i]!;
    return (this.#decisions[i] ??= decisionOf(name, action));
  }
}
