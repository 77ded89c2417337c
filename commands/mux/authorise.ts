/** Whether a client may be led to a target: the policy of its route, and for targets that clients name the address guard. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Facts } from "../../lib/acl/facts.ts";
import type { Guard } from "../../lib/acl/guard.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { decideRequest } from "../../lib/acl/request.ts";
import { ResolveError, type Resolve } from "../../lib/net/resolve.ts";
import { formatIp, parseIp, type Ip } from "../../lib/wire/ip.ts";
import { Refusal } from "./refusal.ts";

export interface Authorised {
  /** Undefined where there is no policy to ask. */
  decision: Decision | undefined;
  facts: Facts;
  /** Of a target that the guard has looked at: where alone may be connected to. */
  addresses: readonly string[];
}

/** With a `guard`, every address of the name is decided by itself. A redirect is a refusal: a route has its targets. */
export async function authorise(
  policy: Policy,
  facts: Facts,
  guard: Guard | undefined,
  resolve: Resolve,
): Promise<Authorised | Refusal> {
  const deciding = decideRequest(facts, policy, guard);
  let step = deciding.next();
  while (!step.done) {
    const ips = await lookUp(step.value, resolve);
    if (ips instanceof Refusal) return ips;
    step = deciding.next(ips);
  }
  const { decision, addresses, hops } = step.value;
  if (decision.outcome === "allow" && hops === 0)
    return { decision, facts: step.value.facts, addresses: addresses.map(formatIp) };
  return refusedBy(decision);
}

async function lookUp(host: string, resolve: Resolve): Promise<readonly Ip[] | Refusal> {
  try {
    return (await resolve(host)).flatMap((text) => parseIp(text) ?? []);
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    return new Refusal("dial", `resolve_${error.kind}`, "the name of the target does not resolve");
  }
}

function refusedBy(decision: Decision): Refusal {
  const by = decision.policy === undefined ? "no policy allows it" : `by policy ${JSON.stringify(decision.policy)}`;
  const why =
    decision.guardClass !== undefined
      ? `the address is ${decision.guardClass}`
      : decision.missing === undefined
        ? by
        : `the fact ${decision.missing} is missing`;
  return new Refusal("dial", REASONS[decision.reason] ?? decision.reason, `refused: ${why}`, { decision });
}

const REASONS: Partial<Record<Decision["reason"], string>> = {
  default: "policy_default",
  type_mismatch: "missing_fact",
};
