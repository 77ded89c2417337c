/** One test case against a policy set: the facts decided to the end, and what differs from what was expected. Prints nothing. */
import type { Ip } from "../../wire/ip.ts";
import type { Decision } from "../decision.ts";
import { storedFact } from "../facts.ts";
import type { Guard } from "../guard.ts";
import type { CheckedExpectation, CheckedTest, RedirectTarget } from "../model.ts";
import type { Policy } from "../policy.ts";
import type { Settlement } from "../request.ts";
import { decideAsCommand } from "../routed.ts";
import { type Hop, targetText, Trace } from "./trace.ts";

/** What came of a case, in the words of an expectation. */
export interface Got {
  readonly decision: Decision;
  /** The hop that the expectation is about. */
  readonly hop: Hop;
  /** The hop that the last redirect ended. */
  readonly redirect: Hop | undefined;
  readonly via: readonly string[];
  readonly explain: string | undefined;
  /** Of all hops, in order. */
  readonly logged: readonly string[];
  /** The policy may allow the name, but the case gives it no address. */
  readonly unresolved: boolean;
}

const PARTS = ["outcome", "by", "to", "via", "explain", "missing", "logged"] as const;
export type Part = (typeof PARTS)[number];

export interface CaseResult {
  readonly test: CheckedTest;
  readonly got: Got;
  /** The parts of the expectation that were not met; none is a pass. */
  readonly failed: readonly Part[];
  readonly hops: readonly Hop[];
}

/**
 * Decides what the case gives as a daemon would: routes, then early, by address, over redirects, with the address guard
 * but for our own listeners. The addresses of the case are those of every name that it meets. An expected `redirect` is
 * about the request itself; every other outcome is about its end.
 */
export function runCase(policy: Policy, test: CheckedTest): CaseResult {
  const trace = new Trace(policy);
  const settled = settle(test, trace);
  const first = trace.hops[0]!;
  const isFirst = test.expect.outcome === "redirect" && first.redirect !== undefined;
  const hops = isFirst ? [first] : trace.hops;
  const got = gotOf(isFirst ? first.redirect! : settled.decision, hops);
  const failed = PARTS.filter((part) => !meets(part, test.expect, got));
  return { test, got, failed, hops: trace.hops };
}

function settle({ given, resolves }: CheckedTest, trace: Trace): Settlement {
  const known = given["dest.ip"];
  const addresses: readonly Ip[] = resolves ?? (known === undefined ? [] : [known]);
  const deciding = decideAsCommand(given, trace, UNLISTENING);
  let step = deciding.next();
  while (!step.done) step = deciding.next(addresses);
  return step.value;
}

/** A test knows of no listeners of ours. */
const UNLISTENING: Guard = { own: [], resolvedBy: "us" };

function gotOf(decision: Decision, hops: readonly Hop[]): Got {
  const hop = hops.at(-1)!;
  const { routes } = hop;
  return {
    decision,
    hop,
    redirect: hops.findLast(({ redirect }) => redirect !== undefined),
    via: routes?.backends ?? [],
    explain: decision.template ?? decision.challenge,
    logged: hops.flatMap(({ redirect }) => (redirect ?? decision).logged ?? []),
    unresolved: decision.missing === "dest.ip" && decision.policy === undefined && routes?.missing === undefined,
  };
}

/** The policy that decided, in the words of an expectation; undefined where evaluation never came to one. */
export function deciderOf({ policy, reason }: Decision): string | undefined {
  return policy ?? (reason === "default" ? "default" : undefined);
}

/** Where a redirect from `hop` leads, as `host:port`: without a port, a target keeps the one that was asked for. */
function leadsTo({ host, port }: RedirectTarget, hop: Hop): string {
  return targetText(host, port ?? hop.facts.port);
}

function meets(part: Part, expect: CheckedExpectation, got: Got): boolean {
  const { decision, redirect } = got;
  switch (part) {
    case "outcome":
      return decision.outcome === expect.outcome;
    case "by":
      return expect.by === undefined || expect.by === deciderOf(decision);
    case "to":
      return expect.to === undefined || (redirect !== undefined && leadsTo(expect.to, redirect) === targetOf(redirect));
    case "via":
      return expect.via === undefined || sameList(expect.via, got.via);
    case "explain":
      return expect.explain === undefined || expect.explain === got.explain;
    case "missing":
      return expect.missing === undefined || storedFact(expect.missing) === decision.missing;
    case "logged":
      return expect.logged === undefined || sameList(expect.logged, got.logged);
  }
}

/** Where the redirect that ended `hop` leads. */
export function targetOf(hop: Hop): string {
  return leadsTo(hop.redirect!.redirect!, hop);
}

function sameList(x: readonly string[], y: readonly string[]): boolean {
  return x.length === y.length && x.every((one, i) => one === y[i]);
}
