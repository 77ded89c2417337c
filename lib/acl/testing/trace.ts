/** A policy set that remembers every question that it was asked. Not a second evaluator. */
import { formatIp, parseIp } from "../../wire/ip.ts";
import type { Decision } from "../decision.ts";
import type { Facts } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { EarlyDecision, NoRoutes, Policy, Routes } from "../policy.ts";
import type { Router } from "../routed.ts";

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

export class Trace implements Router {
  readonly hops: Hop[] = [];
  readonly #policy: Policy;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  routes(facts: Facts): Routes | NoRoutes {
    const routes = this.#policy.routes(facts);
    this.#hop(facts, routes);
    return routes;
  }

  decide(facts: Facts, guard?: Guard): Decision {
    const decision = this.#policy.decide(facts, guard);
    this.#hop(facts).evaluations.push({ facts, pending: false, guard, decision });
    return decision;
  }

  decideBeforeResolution(facts: Facts): EarlyDecision {
    const decision = this.#policy.decideBeforeResolution(facts);
    this.#hop(facts).evaluations.push({ facts, pending: true, guard: undefined, decision });
    return decision;
  }

  follow(facts: Facts, decision: Decision, hop: number): { facts: Facts } | { decision: Decision } {
    this.#hop(facts).redirect = decision;
    return this.#policy.follow(facts, decision, hop);
  }

  /** The one that is under way, or else a new one. */
  #hop(facts: Facts, routes?: Routes | NoRoutes): Hop {
    const last = this.hops.at(-1);
    if (last !== undefined && last.redirect === undefined) return last;
    const hop = { facts, routes, evaluations: [] };
    this.hops.push(hop);
    return hop;
  }
}

/** `host:port`, with IPv6 in brackets; the port is left out where there is none. */
export function targetText(host: string, port: number | undefined): string {
  const ip = parseIp(host);
  const name = ip?.family === 6 ? `[${formatIp(ip)}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}
