/** From a request's facts to addresses that may be connected: decide, resolve once, decide each address. Connects nothing. */
import type { Facts } from "../acl/facts.ts";
import { troubleDecision, type Decision } from "../acl/decision.ts";
import type { Guard } from "../acl/guard.ts";
import type { Policy } from "../acl/policy.ts";
import { formatIp, parseIp, type Ip } from "../wire/ip.ts";
import { interleave, type Candidate } from "./dial.ts";
import { ResolveError, type Resolve } from "./resolve.ts";

export interface EgressContext {
  policy: Policy;
  resolve: Resolve;
  guard: Guard;
}

/** An address of the target that was refused though another may be allowed. */
export interface Dropped {
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
}

/**
 * Decides the request that `facts` describe (`host` canonical, `port`). A name is resolved only if the policy may allow
 * it, once; every address is decided; what is left is exactly what may be connected.
 */
export function decideEgress(facts: Facts, context: EgressContext): Verdict | Promise<Verdict> {
  const verdict = decideTarget(facts, context);
  if (verdict instanceof Promise) return verdict.then((first) => followRedirects(first, context));
  return verdict.decision.outcome === "redirect" ? followRedirects(verdict, context) : verdict;
}

async function followRedirects(first: Verdict, context: EgressContext): Promise<Verdict> {
  let verdict = first;
  for (let hop = 1; verdict.decision.outcome === "redirect"; hop++) {
    const next = context.policy.follow(verdict.facts, verdict.decision, hop);
    if ("decision" in next) return { ...verdict, decision: next.decision };
    verdict = { ...(await decideTarget(next.facts, context)), redirected: true };
  }
  return verdict;
}

/** At once where no name has to be resolved. */
function decideTarget(facts: Facts, context: EgressContext): Verdict | Promise<Verdict> {
  const { policy, guard } = context;
  const literal = facts["dest.ip"] ?? parseIp(facts.host!);
  if (literal !== undefined) {
    const known = facts["dest.ip"] === undefined ? { ...facts, "dest.ip": literal } : facts;
    return conclude(known, policy.decide(known, guard), [formatIp(literal)]);
  }
  const early = policy.decideBeforeResolution(facts);
  return early.outcome === "resolve" ? decideName(facts, context) : conclude(facts, early, []);
}

async function decideName(facts: Facts, context: EgressContext): Promise<Verdict> {
  const found = await resolveQuietly(context.resolve, facts.host!);
  if (found instanceof ResolveError) return { ...conclude(facts, UNRESOLVED, []), failure: found };
  return decideAddresses(facts, found, context);
}

/** A name without an address lacks the fact that its decision needs. */
const UNRESOLVED = troubleDecision(undefined, "missing_fact", "dest.ip");

async function resolveQuietly(resolve: Resolve, host: string): Promise<Ip[] | ResolveError> {
  try {
    const found = (await resolve(host)).flatMap((text) => parseIp(text) ?? []);
    return found.length > 0 ? found : new ResolveError("not_found", "no usable address");
  } catch (error) {
    if (error instanceof ResolveError) return error;
    throw error;
  }
}

/**
 * Every address is decided by itself. The verdict is the first that is not a denial, together with all addresses that
 * the same policy decided alike; if all are denied, the first denial.
 */
function decideAddresses(facts: Facts, addresses: readonly Ip[], { policy, guard }: EgressContext): Verdict {
  const decided = addresses.map((ip) => {
    const known: Facts = { ...facts, "dest.ip": ip };
    return { ip, known, decision: policy.decide(known, guard) };
  });
  const leading = decided.find(({ decision }) => decision.outcome !== "deny") ?? decided[0]!;
  const { outcome } = leading.decision;
  const taken = decided.filter(({ decision }) => decision.outcome === outcome);
  const verdict = conclude(
    leading.known,
    leading.decision,
    taken.map(({ ip }) => formatIp(ip)),
  );
  for (const { ip, decision } of decided) {
    if (decision.outcome === outcome && outcome !== "deny") continue;
    verdict.dropped.push({ ip: formatIp(ip), reason: decision.reason, policy: decision.policy ?? null });
  }
  return verdict;
}

const NONE: readonly string[] = [];

function conclude(facts: Facts, decision: Decision, addresses: readonly string[]): Verdict {
  const port = facts.port!;
  const allowed = decision.outcome === "allow" ? addresses : NONE;
  const candidates =
    allowed.length === 1 ? [{ ip: allowed[0]!, port }] : interleave(allowed.map((ip) => ({ ip, port })));
  return {
    decision,
    host: facts.host!,
    port,
    redirected: false,
    candidates,
    dropped: [],
    facts,
  };
}
