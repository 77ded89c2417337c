/** One request decided as the daemons decide it, with the reasons of every step. Prints nothing. */
import { explain, type Explanation } from "../acl/explain.ts";
import type { EarlyDecision, Policy } from "../acl/policy.ts";
import type { FactName, Facts, FactValue } from "../acl/facts.ts";
import { lookupFact } from "../acl/facts.ts";
import type { Guard } from "../acl/guard.ts";
import { recordedSide } from "../acl/replay/replay.ts";
import { type Exits, waysOf } from "../acl/routed.ts";
import type { RecordedRequest } from "../acl/replay/record.ts";
import type { Side } from "../acl/replay/tally.ts";
import { type Request, type TracedVerdict, tracedVerdictOf } from "../acl/replay/verdict.ts";
import { formatIp, type Ip } from "../wire/ip.ts";

/** One evaluation; of a hop whose routes cannot be told only those. */
export interface ExplainedStep {
  readonly facts: Facts;
  /** Before the name was resolved. */
  readonly pending: boolean;
  /** Redirects that were followed before. */
  readonly hop: number;
  readonly decision: EarlyDecision;
  readonly explanation: Explanation;
  /** The verdict is that of this step. */
  readonly last: boolean;
}

export interface Account {
  readonly policy: Policy;
  readonly verdict: TracedVerdict;
  readonly steps: readonly ExplainedStep[];
  /** Of the routes that match, or the default; empty for a direct exit. */
  readonly backends: readonly string[];
  /** What an audit line says was decided. */
  readonly recorded: Side | undefined;
  /** The decision hangs on a fact that the audit line does not hold. */
  readonly lacking: FactName | undefined;
}

/** `recorded` is the audit line that the request comes from, if it does; `exits` are those of a proxy that runs. */
export function accountOf(
  policy: Policy,
  request: Request,
  guard: Guard,
  { recorded, exits }: { recorded?: RecordedRequest; exits?: Exits | undefined } = {},
): Account {
  const verdict = tracedVerdictOf(policy, request, guard, exits);
  const { decision, hops, last } = verdict;
  const steps = hops.flatMap(({ facts, evaluations }, hop): ExplainedStep[] => {
    const explained = evaluations.map((one) => ({
      ...one,
      hop,
      explanation: explain(policy, one.facts, one),
      last: one === last,
    }));
    if (explained.length > 0) return explained;
    const { routes } = explain(policy, facts);
    return [{ facts, pending: false, hop, decision, explanation: { decision, policies: [], routes }, last: false }];
  });
  if (last === undefined) steps.push({ ...steps.pop()!, last: true });
  const missing = decision.outcome === "resolve" ? undefined : decision.missing;
  const mentioned = recorded?.line["policies"] === policy.digest;
  return {
    policy,
    verdict,
    steps,
    backends: waysOf(hops.at(-1)?.routes, exits),
    recorded: recorded && recordedSide(recorded.line),
    lacking: missing !== undefined && recorded?.lacks(missing, mentioned) === true ? missing : undefined,
  };
}

/** A fact's value as JSON has it: addresses and instants as text. */
export function factJson(name: FactName, value: FactValue): unknown {
  const type = lookupFact(name)?.spec.type;
  if (type === "address") return formatIp(value as Ip);
  return type === "instant" ? new Date(value as number).toISOString() : value;
}

/** Known facts by name, in the order given. */
export function knownFacts(facts: Facts): [FactName, FactValue][] {
  return Object.entries(facts).filter(([, value]) => value !== undefined) as [FactName, FactValue][];
}
