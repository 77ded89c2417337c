/** A policy set under test: decides as a daemon would, routes first, and remembers every question. Not a second evaluator. */
import { formatIp, parseIp } from "../../wire/ip.ts";
import { type Decision, troubleDecision } from "../decision.ts";
import { FACTS, type Facts } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { EarlyDecision, NoRoutes, Policy, Routes } from "../policy.ts";
import type { Decider } from "../request.ts";
import type { Exits } from "../routed.ts";

/** One evaluation of the policies. */
export interface Evaluation {
  readonly facts: Facts;
  /** Before the name was resolved. */
  readonly pending: boolean;
  readonly guard: Guard | undefined;
  readonly decision: EarlyDecision;
}

/** The request as it was asked for, or after a redirect. */
export interface Hop {
  /** Before anything was resolved, as routes are asked. */
  readonly facts: Facts;
  /** Undefined where none are asked. */
  readonly routes: Routes | NoRoutes | undefined;
  readonly evaluations: Evaluation[];
  /** The redirect that ended it. */
  redirect?: Decision;
}

/** Proxies choose among routes, fill `route.local`, and guard addresses; the other commands connect elsewhere. */
export function isProxy({ command }: Facts): boolean {
  return command === undefined || (FACTS["dest.ip"].commands as readonly string[]).includes(command);
}

export class Trace implements Decider {
  readonly hops: Hop[] = [];
  readonly #policy: Policy;
  readonly #exits: Exits;
  #hop: Hop | undefined;

  /** `exits` are those of a proxy that runs; without them a route leads to backends, and all else out directly. */
  constructor(policy: Policy, exits: Exits = DIRECT) {
    this.#policy = policy;
    this.#exits = exits;
  }

  decide(facts: Facts, guard?: Guard): Decision {
    const { routes, evaluations } = this.#enter(facts);
    if (routes?.missing !== undefined) return troubleDecision(undefined, routes.reason, routes.missing);
    const isLocal = this.#isLocal(routes);
    const known = localFacts(facts, isLocal);
    const judged = guard === undefined || isLocal ? guard : ({ ...guard, resolvedBy: "backend" } as const);
    const decision = this.#policy.decide(known, judged);
    evaluations.push({ facts: known, pending: false, guard: judged, decision });
    return decision;
  }

  /** A backend resolves names by itself: then there is nothing to wait for. */
  decideBeforeResolution(facts: Facts): EarlyDecision {
    const { routes, evaluations } = this.#enter(facts);
    if (routes?.missing !== undefined || !this.#isLocal(routes)) return this.decide(facts, UNLISTENING);
    const known = localFacts(facts, true);
    const decision = this.#policy.decideBeforeResolution(known);
    evaluations.push({ facts: known, pending: true, guard: undefined, decision });
    return decision;
  }

  follow(facts: Facts, decision: Decision, hop: number): { facts: Facts } | { decision: Decision } {
    if (this.#hop !== undefined) this.#hop.redirect = decision;
    this.#hop = undefined;
    return this.#policy.follow(facts, decision, hop);
  }

  #isLocal(routes: Routes | undefined): boolean {
    const [first] = waysOf(routes, this.#exits);
    return first === undefined || this.#exits.isDirect(first);
  }

  /** Routes are chosen once for each target, before its name is resolved. */
  #enter(facts: Facts): Hop {
    if (this.#hop !== undefined) return this.#hop;
    const asked = unrouted(facts);
    const routes = isProxy(facts) && this.#policy.routeCount > 0 ? this.#policy.routes(asked) : undefined;
    this.#hop = { facts: asked, routes, evaluations: [] };
    this.hops.push(this.#hop);
    return this.#hop;
  }
}

const DIRECT: Exits = { otherwise: [], isDirect: () => false };

/** Backends of the routes that match, or else the default. */
export function waysOf(routes: Routes | NoRoutes | undefined, { otherwise }: Exits = DIRECT): readonly string[] {
  const backends = routes?.backends ?? [];
  return backends.length > 0 ? backends : otherwise;
}

/** A test knows of no listeners of ours. */
export const UNLISTENING: Guard = { own: [], resolvedBy: "us" };

/** Whether a backend is used is not known while routes are asked. */
function unrouted(facts: Facts): Facts {
  if (facts["route.local"] === undefined) return facts;
  const { "route.local": _, ...asked } = facts;
  return asked;
}

function localFacts(facts: Facts, isLocal: boolean): Facts {
  return isProxy(facts) && facts["route.local"] === undefined ? { ...facts, "route.local": isLocal } : facts;
}

/** `host:port`, with IPv6 in brackets; the port is left out where there is none. */
export function targetText(host: string, port: number | undefined): string {
  const ip = parseIp(host);
  const name = ip?.family === 6 ? `[${formatIp(ip)}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}
