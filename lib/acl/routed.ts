/** A policy set as a proxy asks it: routes first, once for each target, and `route.local` by what they say. Dials nothing. */
import { type Decision, troubleDecision } from "./decision.ts";
import type { Facts } from "./facts.ts";
import type { Guard } from "./guard.ts";
import type { EarlyDecision, NoRoutes, Policy, Routes } from "./policy.ts";
import type { Decider } from "./request.ts";

/** Where requests go out. */
export interface Exits {
  /** Of requests for which no route matches: none is a direct exit. */
  readonly otherwise: readonly string[];
  /** Whether the backend of that name is no other proxy but a direct exit. */
  isDirect(name: string): boolean;
  /** Where it is settled already whether a backend is used: no route is asked. */
  readonly local?: boolean;
}

export class Routed implements Decider {
  readonly #policy: Policy;
  readonly #decider: Decider;
  readonly #exits: Exits;
  #routes: Routes | NoRoutes | undefined;

  /** `decider` evaluates in the policy's place. */
  constructor(policy: Policy, exits: Exits, decider: Decider = policy) {
    this.#policy = policy;
    this.#decider = decider;
    this.#exits = exits;
  }

  /** The ways of the last target that was decided, in the order in which to try them; none is a direct exit. */
  get ways(): readonly string[] {
    const backends = this.#routes?.backends ?? [];
    return backends.length > 0 ? backends : this.#exits.otherwise;
  }

  /** The routes of that target that matched. */
  get matched(): readonly string[] {
    return this.#routes === undefined || this.#routes.missing !== undefined ? [] : this.#routes.matched;
  }

  decide(facts: Facts, guard?: Guard): Decision {
    const routes = this.#enter(facts);
    if (routes.missing !== undefined) return troubleDecision(undefined, routes.reason, routes.missing);
    const isLocal = this.isLocal;
    const judged = guard === undefined || isLocal ? guard : ({ ...guard, resolvedBy: "backend" } as const);
    return this.#decider.decide({ ...facts, "route.local": isLocal }, judged);
  }

  /** A backend resolves names by itself: then there is nothing to wait for. */
  decideBeforeResolution(facts: Facts): EarlyDecision {
    const routes = this.#enter(facts);
    if (routes.missing !== undefined || !this.isLocal) return this.decide(facts, BACKEND);
    return this.#decider.decideBeforeResolution({ ...facts, "route.local": true });
  }

  follow(facts: Facts, decision: Decision, hop: number): { facts: Facts } | { decision: Decision } {
    this.#routes = undefined;
    return this.#decider.follow(facts, decision, hop);
  }

  /** Whether the first of them is a direct exit. */
  get isLocal(): boolean {
    if (this.#exits.local !== undefined) return this.#exits.local;
    const [first] = this.ways;
    return first === undefined || this.#exits.isDirect(first);
  }

  /** Whether a backend is used is not known while routes are asked. */
  #enter(facts: Facts): Routes | NoRoutes {
    if (this.#exits.local !== undefined) return UNASKED;
    return (this.#routes ??= this.#policy.routes({ ...facts, "route.local": undefined }));
  }
}

const UNASKED: Routes = { backends: [], matched: [] };

/** Whoever resolves the name guards its addresses. */
const BACKEND: Guard = { own: [], resolvedBy: "backend" };
