/** One request decided as the daemons decide it, with the reasons of every step. Prints nothing. */
import { explain, type Explanation } from "../../../lib/acl/explain.ts";
import type { FactName, Facts, FactValue } from "../../../lib/acl/facts.ts";
import { lookupFact } from "../../../lib/acl/facts.ts";
import type { Guard } from "../../../lib/acl/guard.ts";
import type { Policy } from "../../../lib/acl/policy.ts";
import { recordedSide } from "../../../lib/acl/replay/replay.ts";
import type { RecordedRequest } from "../../../lib/acl/replay/record.ts";
import type { Side } from "../../../lib/acl/replay/tally.ts";
import { type Request, type Step, type Verdict, verdictOf } from "../../../lib/acl/replay/verdict.ts";
import { formatIp, type Ip } from "../../../lib/wire/ip.ts";

export interface ExplainedStep extends Step {
  readonly explanation: Explanation;
  /** This step's decision is the verdict. */
  readonly last: boolean;
}

export interface Account {
  readonly policy: Policy;
  readonly verdict: Verdict;
  readonly steps: readonly ExplainedStep[];
  /** Backends of the routes that match, or the fact that they lack. */
  readonly backends: readonly string[] | { readonly missing: FactName };
  /** What an audit line says was decided. */
  readonly recorded: Side | undefined;
  /** The decision hangs on a fact that the audit line does not hold. */
  readonly lacking: FactName | undefined;
}

/** `recorded` is the audit line that the request comes from, if it does. */
export function accountOf(policy: Policy, request: Request, guard: Guard, recorded?: RecordedRequest): Account {
  const steps: Step[] = [];
  const verdict = verdictOf(policy, request, guard, (step) => steps.push(step));
  const last =
    steps.findLast(({ decision, facts }) => decision === verdict.decision && facts === verdict.facts) ?? steps.at(-1);
  const routes = policy.routes(verdict.facts);
  const missing = verdict.decision.outcome === "resolve" ? undefined : verdict.decision.missing;
  const known = recorded?.line["policies"] === policy.digest;
  return {
    policy,
    verdict,
    steps: steps.map((step) => ({
      ...step,
      explanation: explain(policy, step.facts, { guard, pending: step.pending }),
      last: step === last,
    })),
    backends: routes.missing === undefined ? routes.backends : { missing: routes.missing },
    recorded: recorded && recordedSide(recorded.line),
    lacking: missing !== undefined && recorded?.lacks(missing, known) === true ? missing : undefined,
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
