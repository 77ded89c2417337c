/** Audit lines decided anew by another policy, and what would change. Reads no file; one line at a time, in bounded memory. */
import type { FactName } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { Policy } from "../policy.ts";
import { asksDefined, lackingFact, lackingRouteFact, type Lacks } from "./lacking.ts";
import { decisionLine, type DecisionLine, LINE_FIELDS, RecordedRequest } from "./record.ts";
import { LineScanner } from "./scan.ts";
import { type Side, Tally } from "./tally.ts";
import { targetText } from "../testing/trace.ts";
import { type TracedVerdict, tracedVerdictOf, type Verdict, verdictOf } from "./verdict.ts";

export interface ReplayOptions {
  /** Addresses that the daemon listened on. */
  readonly own?: Guard["own"];
  /** The policies of then: what they mention and a line of theirs lacks was not there. */
  readonly old?: Pick<Policy, "digest" | "mentions"> | undefined;
}

export class Replay {
  readonly tally = new Tally();
  /** Lines that are not blank. */
  lines = 0;
  decisions = 0;
  /** Lines of other events. */
  others = 0;
  /** Lines that are no audit lines, or of a version that is not known. */
  bad = 0;
  readonly #policy: Policy;
  readonly #own: Guard["own"];
  /** What was mentioned, by the digest of the policies that lines name. */
  readonly #mentioned: ReadonlyMap<unknown, ReadonlySet<FactName>>;
  readonly #scanner: LineScanner;
  /** The policy asks whether facts are defined. */
  readonly #defines: boolean;

  constructor(policy: Policy, { own = [], old }: ReplayOptions = {}) {
    this.#policy = policy;
    this.#own = own;
    const known = old === undefined ? [policy] : [old, policy];
    this.#mentioned = new Map(known.map(({ digest, mentions }) => [digest, new Set(mentions)]));
    this.#defines = asksDefined(policy);
    this.#scanner = new LineScanner(LINE_FIELDS, [...policy.mentions, "dest.ip", "proxy.cmd"]);
  }

  /** One line of JSON, perhaps with blanks around it. */
  take(text: string): void {
    if (text.length < 4 && text.trim() === "") return;
    this.lines++;
    const line = decisionLine(this.#scanner.scan(text) ?? parse(text));
    if (line === "bad") this.bad++;
    else if (line === "other") this.others++;
    else {
      this.decisions++;
      this.#decide(line);
    }
  }

  #decide(line: DecisionLine): void {
    const request = new RecordedRequest(line, this.#policy.mentions);
    const { ownListener, exits } = request;
    const guard: Guard = {
      own: ownListener === undefined ? this.#own : [...this.#own, ownListener],
      resolvedBy: "us",
    };
    const mentioned = this.#mentioned.get(line["policies"]);
    const lacks: Lacks = (fact) => request.lacks(fact, mentioned?.has(fact) ?? false);
    const verdict = verdictOf(this.#policy, request, guard, exits);
    let fact = lackedBy(verdict, lacks);
    if (fact === undefined && this.#policy.mentions.some(lacks))
      fact = this.#hidden(tracedVerdictOf(this.#policy, request, guard, exits), lacks);
    if (fact === undefined) this.#count(recordedSide(line), sideOf(verdict), line.target);
    else this.tally.lack(fact);
  }

  /**
   * What no decision names: a `defined`, and in what is settled before resolution a missing fact that is one more way.
   * Looked for by the tree, so only in lines that lack something.
   */
  #hidden({ hops, unresolved }: TracedVerdict, lacks: Lacks): FactName | undefined {
    for (const { facts, routes, evaluations } of hops) {
      const route = this.#defines && routes !== undefined ? lackingRouteFact(this.#policy, facts, lacks) : undefined;
      if (route !== undefined) return route;
      for (const { facts, pending, decision } of evaluations) {
        const settled = pending && (unresolved || decision.outcome !== "resolve");
        const fact = settled || this.#defines ? lackingFact(this.#policy, facts, pending, lacks) : undefined;
        if (fact !== undefined) return fact;
      }
    }
    return undefined;
  }

  #count(from: Side, to: Side, target: string): void {
    const same = from.decision === to.decision && from.redirected === to.redirected;
    if (same) this.tally.same(from, to);
    else this.tally.change(from, to, target);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function lackedBy({ decision, unresolved }: Verdict, lacks: Lacks): FactName | undefined {
  if (decision.outcome === "resolve") return "dest.ip";
  const missing = unresolved || decision.reason !== "missing_fact" ? undefined : decision.missing;
  return missing !== undefined && lacks(missing) ? missing : undefined;
}

/** What the line says was decided. */
export function recordedSide(line: DecisionLine): Side {
  const text = (name: string) => (typeof line[name] === "string" ? (line[name] as string) : undefined);
  const policy = text("policy") ?? null;
  const why = whyOf(text("reason"), text("missing"), text("guard"));
  return { decision: line.decision, policy, why, redirected: text("redirected") };
}

/** The same of a verdict, which is not "resolve". */
function sideOf({ decision, facts, redirected, unresolved }: Verdict): Side {
  if (decision.outcome === "resolve")
    return { decision: "resolve", policy: null, why: undefined, redirected: undefined };
  const { reason, missing, guardClass } = decision;
  return {
    decision: decision.outcome,
    policy: decision.policy ?? null,
    why: whyOf(unresolved ? "unresolved" : reason, unresolved ? undefined : missing, guardClass),
    redirected: redirected ? targetText(facts.host!, facts.port) : undefined,
  };
}

function whyOf(reason: string | undefined, missing: string | undefined, guard: string | undefined): string | undefined {
  if (reason === undefined || reason === "policy" || reason === "default") return undefined;
  const about = missing ?? guard;
  return about === undefined ? reason : `${reason} ${about}`;
}
