/** A policy set as a proxy asks it: routes first, once for each target, and `route.local` by what they say. Dials nothing. */
import { backendDecision, type Decision, troubleDecision } from "./decision.ts";
import { FACTS, type Facts } from "./facts.ts";
import { type Guard, isUdp } from "./guard.ts";
import type { EarlyDecision, NoRoutes, Policy, Routes } from "./policy.ts";
import { type Decider, decideRequest, type Deciding } from "./request.ts";

/** Where requests go out. */
export interface Exits {
  /** Of requests for which no route matches: none is a direct exit. */
  readonly otherwise: readonly string[];
  /** Whether the backend of that name is no other proxy but a direct exit. */
  isDirect(name: string): boolean;
  /** Where it is settled already whether a backend is used: no route is asked. */
  readonly local?: boolean;
}

/** As far as a policy tells them, without a proxy that runs: a route leads to backends, and all else out directly. */
const UNTOLD: Exits = { otherwise: [], isDirect: () => false };

/** A policy set, or what stands in its place to see each question. */
export type Router = Decider & Pick<Policy, "routes">;

/** Proxies choose among routes, fill `route.local`, and guard addresses; the other commands connect elsewhere, or where a program was going. */
export function decideAsCommand(facts: Facts, policy: Router, guard: Guard, exits?: Exits): Deciding {
  const { command } = facts;
  const chooses = (name: string) =>
    name !== "tproxy" && (FACTS["dest.ip"].commands as readonly string[]).includes(name);
  const isProxy = command === undefined || chooses(command);
  return isProxy ? decideRequest(facts, new Routed(policy, exits), guard) : decideRequest(facts, policy, undefined);
}

/** Backends of the routes that match, in the order in which to try them, or else the default; none is a direct exit. */
export function waysOf(routes: Routes | NoRoutes | undefined, { otherwise }: Exits = UNTOLD): readonly string[] {
  const backends = routes?.backends ?? [];
  return backends.length > 0 ? backends : otherwise;
}

export class Routed implements Decider {
  readonly #policy: Router;
  readonly #exits: Exits;
  #routes: Routes | NoRoutes | undefined;

  constructor(policy: Router, exits: Exits = UNTOLD) {
    this.#policy = policy;
    this.#exits = exits;
  }

  /** The ways of the last target that was decided. */
  get ways(): readonly string[] {
    return waysOf(this.#routes, this.#exits);
  }

  /** The routes of that target that matched. */
  get matched(): readonly string[] {
    return this.#routes === undefined || this.#routes.missing !== undefined ? [] : this.#routes.matched;
  }

  /** A backend takes no datagrams, and to send them past it would be what its route is there to prevent. */
  decide(facts: Facts, guard?: Guard): Decision {
    const routes = this.#enter(facts);
    if (routes.missing !== undefined) return troubleDecision(undefined, routes.reason, routes.missing);
    const isLocal = this.isLocal;
    const judged = guard === undefined || isLocal ? guard : ({ ...guard, resolvedBy: "backend" } as const);
    const known = withLocal(facts, isLocal);
    const decision = this.#policy.decide(known, judged);
    const isRefused = decision.outcome === "allow" && !isLocal && !known["route.local"] && isUdp(known);
    return isRefused ? backendDecision(decision) : decision;
  }

  /** A backend resolves names by itself: then there is nothing to wait for. */
  decideBeforeResolution(facts: Facts): EarlyDecision {
    const routes = this.#enter(facts);
    if (routes.missing !== undefined || !this.isLocal) return this.decide(facts, BACKEND);
    return this.#policy.decideBeforeResolution(withLocal(facts, true));
  }

  follow(facts: Facts, decision: Decision, hop: number): { facts: Facts } | { decision: Decision } {
    this.#routes = undefined;
    return this.#policy.follow(facts, decision, hop);
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
    return (this.#routes ??= this.#policy.routes(withoutLocal(facts)));
  }
}

const UNASKED: Routes = { backends: [], matched: [] };

/** Whoever resolves the name guards its addresses. */
const BACKEND: Guard = { own: [], resolvedBy: "backend" };

/** What a test case says of it stands. */
const withLocal = (facts: Facts, isLocal: boolean): Facts =>
  facts["route.local"] === undefined ? { ...facts, "route.local": isLocal } : facts;

function withoutLocal(facts: Facts): Facts {
  if (facts["route.local"] === undefined) return facts;
  const { "route.local": _, ...asked } = facts;
  return asked;
}
