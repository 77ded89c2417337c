/** Whether a peer may: its certificate, then the rules of the flags, then the policy. All must agree; the first refusal counts. */
import type { Facts } from "../../lib/acl/facts.ts";
import type { Decision } from "../../lib/acl/decision.ts";
import type { Policy } from "../../lib/acl/policy.ts";
import { permits, type AccessRules } from "../../lib/identity/access.ts";
import { identify as identifyPeer } from "../../lib/identity/identify.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import type { Trust } from "../../lib/identity/trust.ts";
import type { TlsInfo } from "../../lib/net/conn.ts";
import { Refusal, type Phase } from "./refusal.ts";

interface Known {
  /** Absent where the peer gave no certificate. */
  peer: Peer | undefined;
}

/** Who the peer is, as `lib/identity/identify.ts` says. */
export function identify(
  tls: TlsInfo | undefined,
  phase: Phase,
  now: number | undefined,
  trust?: Pick<Trust, "listedUntil">,
): Known | Refusal {
  const known = identifyPeer(tls, now, trust);
  return known.ok ? { peer: known.peer } : new Refusal(phase, known.reason, known.message, { peer: known.peer });
}

/** Undefined when the rules let the peer through. */
export function refusedByRules(rules: AccessRules, peer: Peer | undefined, phase: Phase): Refusal | undefined {
  const verdict = permits(rules, peer);
  return verdict.ok ? undefined : new Refusal(phase, verdict.reason, verdict.message, { peer });
}

/** The policy's decision; a `Refusal` unless it allows. */
export function decideByPolicy(policy: Policy, facts: Facts, phase: Phase): Decision | Refusal {
  const decision = policy.decide(facts);
  if (decision.outcome === "allow") return decision;
  const by = decision.policy === undefined ? "no policy allows it" : `by policy ${JSON.stringify(decision.policy)}`;
  const why = decision.missing === undefined ? by : `the fact ${decision.missing} is missing`;
  return new Refusal(phase, REASONS[decision.reason] ?? "policy", `refused: ${why}`, { decision });
}

const REASONS: Partial<Record<Decision["reason"], string>> = {
  policy: "policy",
  default: "policy_default",
  missing_fact: "missing_fact",
  type_mismatch: "missing_fact",
};
