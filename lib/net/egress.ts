/** From a request's facts to addresses that may be connected: lib/acl/request.ts with a resolver. Connects nothing. */
import type { Decision } from "../acl/decision.ts";
import type { Facts } from "../acl/facts.ts";
import type { Guard } from "../acl/guard.ts";
import type { Policy } from "../acl/policy.ts";
import { Routed, type Exits, type Router } from "../acl/routed.ts";
import { decideAtOnce, decideRequest, type Deciding, type Settlement } from "../acl/request.ts";
import { formatIp, parseIp, type Ip } from "../wire/ip.ts";
import { interleave, type Candidate } from "./dial.ts";
import { ResolveError, type Resolve } from "./resolve.ts";

export interface EgressContext {
  policy: Policy;
  /** Asked in its place, where it is set. */
  decider?: Router | undefined;
  resolve: Resolve;
  guard: Guard;
  /** Other ways out than a direct one. */
  exits?: Exits | undefined;
}

/** An address of the target that was refused though another may be allowed. */
interface Dropped {
  ip: string;
  reason: string;
  policy: string | null;
}

export interface Verdict {
  /** What was decided; `allow` only together with at least one candidate. */
  decision: Decision;
  /** Where the request leads, after redirects. */
  host: string;
  port: number;
  redirected: boolean;
  /** Decided addresses, in the order in which to try them (RFC 8305). */
  candidates: Candidate[];
  dropped: Dropped[];
  /** The policy might have allowed it, but the name did not resolve. */
  failure?: ResolveError;
  /** The facts of the last decision. */
  facts: Facts;
  /** Where there are several exits: those to try, in that order. None is a direct one. */
  ways: readonly string[];
  /** The routes that led there. */
  routes: readonly string[];
}

/**
 * Decides the request that `facts` describe (`host` canonical, `port`). A name is resolved only if the policy may allow
 * it, once; every address is decided; what is left is exactly what may be connected. At once where nothing is resolved.
 */
export function decideEgress(facts: Facts, context: EgressContext): Verdict | Promise<Verdict> {
  const { guard, resolve, exits, decider: policy = context.policy } = context;
  if (exits !== undefined) return decideRouted(facts, context, new Routed(policy, exits));
  // The common case of an address needs no dialogue.
  const settled = facts["dest.ip"] === undefined ? undefined : decideAtOnce(facts, policy, guard);
  if (settled !== undefined && settled.decision.outcome !== "redirect") return verdictOf(settled);
  const deciding = decideRequest(facts, policy, guard);
  const step = deciding.next();
  return step.done ? verdictOf(step.value) : resolveFor(deciding, step.value, resolve);
}

/** Decides the same target again, as one that goes out directly (`local`) or through a backend; no route is asked. */
export function decideAgain(verdict: Verdict, local: boolean, context: EgressContext): Verdict | Promise<Verdict> {
  const { "dest.ip": _, ...facts } = verdict.facts;
  const { policy, guard, resolve } = context;
  return decideEgress(facts, { policy, guard, resolve, exits: { otherwise: NONE, isDirect: () => local, local } });
}

/** The same with `route.local` and the ways out as the routes have it; behind a backend no name is resolved. */
function decideRouted(facts: Facts, { guard, resolve }: EgressContext, routed: Routed): Verdict | Promise<Verdict> {
  const { "route.local": _, ...asked } = facts;
  const deciding = decideRequest(asked, routed, guard);
  const withWays = (verdict: Verdict): Verdict => {
    const facts = { ...verdict.facts, "route.local": routed.isLocal };
    return { ...verdict, facts, ways: routed.ways, routes: routed.matched };
  };
  const step = deciding.next();
  if (step.done) return withWays(verdictOf(step.value));
  return resolveFor(deciding, step.value, resolve).then(withWays);
}

async function resolveFor(deciding: Deciding, name: string, resolve: Resolve): Promise<Verdict> {
  for (let host = name; ;) {
    const found = await resolveQuietly(resolve, host);
    const failed = found instanceof ResolveError;
    const step = deciding.next(failed ? [] : found);
    if (step.done) return failed ? { ...verdictOf(step.value), failure: found } : verdictOf(step.value);
    host = step.value;
  }
}

async function resolveQuietly(resolve: Resolve, host: string): Promise<Ip[] | ResolveError> {
  try {
    const found = (await resolve(host)).flatMap((text) => parseIp(text) ?? []);
    return found.length > 0 ? found : new ResolveError("not_found", "no usable address");
  } catch (error) {
    if (error instanceof ResolveError) return error;
    throw error;
  }
}

function verdictOf({ decision, facts, addresses, refused, hops }: Settlement): Verdict {
  const port = facts.port!;
  const candidates = decision.outcome === "allow" ? addresses.map((ip) => ({ ip: formatIp(ip), port })) : [];
  return {
    decision,
    host: facts.host!,
    port,
    redirected: hops > 0,
    candidates: candidates.length > 1 ? interleave(candidates) : candidates,
    dropped: refused.map(({ ip, decision: { reason, policy } }) => ({
      ip: formatIp(ip),
      reason,
      policy: policy ?? null,
    })),
    facts,
    ways: NONE,
    routes: NONE,
  };
}

const NONE: readonly never[] = [];
