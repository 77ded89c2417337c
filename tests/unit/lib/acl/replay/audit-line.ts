/** Audit lines of decisions that the proxies' own code made, for the tests of replay. Not a test. */
import type { Facts } from "../../../../../lib/acl/facts.ts";
import type { Guard } from "../../../../../lib/acl/guard.ts";
import type { Policy } from "../../../../../lib/acl/policy.ts";
import { auditFacts } from "../../../../../lib/audit/event.ts";
import { decideEgress, type Verdict } from "../../../../../lib/net/egress.ts";
import { formatHostPort } from "../../../../../lib/net/endpoint.ts";
import { ResolveError } from "../../../../../lib/net/resolve.ts";
import { formatIp, type Ip } from "../../../../../lib/wire/ip.ts";

/** Without a backend there are no routes, and `portail socks` refuses a policy that has some. */
export const withoutRoutes = (source: string): string => source.replace(/^route .*$/gm, "");

export const US: Guard = { own: [], resolvedBy: "us" };

/** What a daemon decides whose resolver knows `addresses` for every name; none means that names do not resolve. */
export async function daemonVerdict(
  policy: Policy,
  facts: Facts,
  addresses: readonly Ip[],
  guard: Guard = US,
): Promise<Verdict> {
  const resolve = (host: string) =>
    addresses.length === 0
      ? Promise.reject(new ResolveError("not_found", `no ${host}`))
      : Promise.resolve(addresses.map(formatIp));
  return decideEgress(facts, { policy, resolve, guard });
}

/** The line that `portail socks` writes for it: lib/audit/event.ts, "DecisionEvent". */
export function auditLine(policy: Policy, asked: Facts, verdict: Verdict): Record<string, unknown> {
  const { decision, candidates, dropped } = verdict;
  const first = candidates[0];
  return JSON.parse(
    JSON.stringify({
      v: 1,
      time: "2026-02-03T04:05:06.789Z",
      event: "decision",
      command: "socks",
      session: "s-1",
      client: "192.0.2.1:40000",
      user: asked["client.user"],
      protocol: "socks5",
      target: formatHostPort(asked.host!, asked.port!),
      dest: first && formatHostPort(first.ip, first.port),
      decision: decision.outcome,
      policy: decision.policy ?? null,
      reason: verdict.failure === undefined ? decision.reason : "unresolved",
      guard: decision.guardClass,
      missing: decision.missing,
      redirected: verdict.redirected ? formatHostPort(verdict.host, verdict.port) : undefined,
      dropped: dropped.length === 0 ? undefined : dropped,
      policies: policy.digest,
      facts: auditFacts(verdict.facts, policy.mentions, () => "0123456789abcdef"),
    }),
  ) as Record<string, unknown>;
}
