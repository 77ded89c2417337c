/** One request's way out: place, facts, decision, connection. The protocol in front is not its business. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Facts } from "../../lib/acl/facts.ts";
import { formatAddress, type Conn } from "../../lib/net/conn.ts";
import { type DialError, type DialFailure, type Dialled } from "../../lib/net/dial.ts";
import { BackendFailure } from "../../lib/net/backend.ts";
import { decideAgain, decideEgress, type EgressContext, type Verdict } from "../../lib/net/egress.ts";
import type { ResolveFailure } from "../../lib/net/resolve.ts";
import type { Holder } from "../../lib/service/limits.ts";
import type { ProxyRequest, Refusal } from "../../lib/session/front.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { requestFacts } from "./facts.ts";
import type { Origin } from "./origin.ts";
import { reasonOf, recordClose, recordDecision, reject, targetOf } from "./record.ts";
import { takePlace } from "./place.ts";
import type { Proxy } from "./proxy.ts";

/** Who asks. */
export interface Asker {
  conn: Conn;
  session: string;
  user: string | undefined;
  /** Absent where the connection is a plain socket. */
  origin: Origin | undefined;
}

/** How the way out ended, for the record. */
export interface Ended {
  reason: string;
  sent: number;
  received: number;
  error?: string | undefined;
}

export interface Passage {
  upstream: Conn;
  /** Milliseconds of `performance.now` at which it was asked for. */
  readonly started: number;
  /** For whoever asks what is open. */
  describe(): PassageState;
  /** Gives the place back and records the end; once. */
  close(ended: Ended): void;
}

interface PassageState {
  readonly dest: string;
  /** The policy that allowed it. */
  readonly policy?: string;
  /** Absent for a direct exit. */
  readonly backend?: string;
  /** Bytes to and from the upstream. */
  readonly sent: number;
  readonly received: number;
  /** Milliseconds since the decision. */
  readonly age: number;
}

export interface Refused {
  refusal: Refusal;
  /** For the person at the client: no rule names. */
  message: string;
  /** Where the policy refuses, and the facts that it was decided on. */
  decision?: Decision;
  facts?: Facts;
}

/** Told once what became of a request. */
export interface Answer {
  answered(answer: Passage | Refused): void;
}

/** Decides and connects, and tells `answer` once. Everything that comes of it is recorded here. */
export function openPassage(proxy: Proxy, asker: Asker, asked: ProxyRequest, answer: Answer): void {
  const canonical = asked.ip === undefined ? canonicalHost(asked.host) : { host: asked.host, ip: asked.ip };
  if (canonical.error !== undefined || asked.port === 0) {
    const why = canonical.error ?? "port 0 cannot be connected";
    reject(proxy, asker, "bad_target", `${targetOf(asked)}: ${why}`);
    answer.answered({ refusal: "bad_request", message: why });
    return;
  }
  if (proxy.draining) {
    reject(proxy, asker, "draining", `${targetOf(asked)} was asked for after the stop`);
    answer.answered({ refusal: "draining", message: "the proxy is being stopped" });
    return;
  }
  const place = takePlace(proxy, asker);
  if ("reason" in place) {
    reject(proxy, asker, place.reason, `no place for ${targetOf(asked)}`);
    answer.answered({ refusal: "limit", message: place.message });
    return;
  }
  const attempt = new Attempt(proxy, asker, asked, place, answer);
  const facts = proxy.known(requestFacts(asker, asked, canonical, proxy.wants));
  if (facts instanceof Promise) void facts.then((late) => attempt.known(late));
  else attempt.decide(facts);
}

/** A request that has its place: from the decision to the open connection, and its end. */
class Attempt implements Passage, Dialled {
  /** From `opened` on. */
  upstream!: Conn;
  readonly #proxy: Proxy;
  readonly #asker: Asker;
  readonly #asked: ProxyRequest;
  readonly #place: Holder;
  readonly #answer: Answer;
  /** One policy from the facts that it mentions to the record, whatever is loaded meanwhile. */
  readonly #egress: EgressContext;
  readonly started = performance.now();
  #verdict!: Verdict;
  #dest: string | undefined;
  /** Backends, in the order in which to try them; behind the last is the direct exit, where that is allowed. */
  #ways: readonly string[] = [];
  #nth = 0;
  #isDirect = true;
  #backend: string | undefined;
  #tried: { backend: string; error: string }[] | undefined;
  #over = false;

  constructor(proxy: Proxy, asker: Asker, asked: ProxyRequest, place: Holder, answer: Answer) {
    this.#proxy = proxy;
    this.#asker = asker;
    this.#asked = asked;
    this.#place = place;
    this.#answer = answer;
    this.#egress = proxy.egress;
  }

  /** What providers know came late; a client that has left meanwhile is neither decided nor dialled. */
  known(facts: Facts): void {
    if (!this.#asker.conn.closed) {
      this.decide(facts);
      return;
    }
    this.#release();
    reject(this.#proxy, this.#asker, "client", `the client left before ${targetOf(this.#asked)} was decided`);
    this.#answer.answered({ refusal: "failed", message: "the client left" });
  }

  decide(facts: Facts): void {
    const verdict = decideEgress(facts, this.#egress);
    if (verdict instanceof Promise) void verdict.then((late) => this.#decided(late));
    else this.#decided(verdict);
  }

  #decided(verdict: Verdict): void {
    this.#ways = verdict.ways;
    this.#isDirect = verdict.ways[0] === undefined || this.#proxy.backends.isDirect(verdict.ways[0]);
    this.#settle(verdict, 0);
  }

  /** What was decided counts for the ways from the `nth` on. */
  #settle(verdict: Verdict, nth: number): void {
    this.#verdict = verdict;
    const { decision, failure } = verdict;
    this.#proxy.counts.decided(decision, reasonOf(verdict));
    recordDecision(this.#proxy, this.#asker, this.#asked, this.#egress.policy, verdict);
    if (failure !== undefined) {
      const refusal = RESOLVE_REFUSALS[failure.kind];
      this.#fail(refusal, failure.message, `cannot resolve ${this.#asked.host}`);
    } else if (decision.outcome === "allow") {
      this.#goOut(nth);
    } else {
      this.#release();
      this.#answer.answered({ refusal: "denied", message: deniedMessage(decision), decision, facts: verdict.facts });
    }
  }

  /** By the `nth` of its ways, which is what the last decision was about. */
  #goOut(nth: number): void {
    const way = this.#ways[nth];
    this.#nth = nth;
    if (way === undefined || this.#proxy.backends.isDirect(way)) {
      this.#proxy.settings.dialer.dial(this.#verdict.candidates, this);
    } else void this.#goThrough(way);
  }

  async #goThrough(name: string): Promise<void> {
    const { host, port } = this.#verdict;
    const protocol = this.#asked.protocol === "http" ? "http" : "socks5";
    const opened = await this.#proxy.backends.all.get(name)!.open({ host, port }, protocol);
    if (!(opened instanceof BackendFailure)) {
      this.#backend = name;
      this.opened(opened);
      return;
    }
    const { refusal, message, final } = opened;
    (this.#tried ??= []).push({ backend: name, error: message });
    if (final) this.#fail("denied", message, "the access policy of the next proxy does not allow this");
    else void this.#goOn(refusal, message);
  }

  /** To the next way, or back with what the last one came to. */
  async #goOn(refusal: Refusal, error: string): Promise<void> {
    const { backends } = this.#proxy;
    const nth = this.#nth + 1;
    const way = this.#ways[nth];
    const last = backends.fallback && nth === this.#ways.length && !this.#ways.some((one) => backends.isDirect(one));
    if (way === undefined && !last) {
      this.#fail(refusal, error, this.#unreached);
      return;
    }
    const direct = way === undefined || backends.isDirect(way);
    if (direct === this.#isDirect) {
      this.#goOut(nth);
      return;
    }
    const again = await decideAgain(this.#verdict, direct, this.#egress);
    this.#isDirect = direct;
    this.#settle(again, nth);
  }

  opened(conn: Conn): void {
    this.upstream = conn;
    this.#proxy.counts.opened(conn);
    // Asked now: a closed socket no longer knows.
    if (this.#proxy.recorded && this.#backend === undefined) this.#dest = formatAddress(conn.remote);
    this.#answer.answered(this);
  }

  describe(): PassageState {
    const { policy } = this.#verdict.decision;
    const { remote, sent, received } = this.upstream;
    return {
      dest: formatAddress(remote),
      ...(policy !== undefined && { policy }),
      ...(this.#backend !== undefined && { backend: this.#backend }),
      sent,
      received,
      age: Math.round(performance.now() - this.started),
    };
  }

  failed(error: DialError): void {
    const refusal = DIAL_REFUSALS[error.kind];
    if (this.#nth < this.#ways.length) void this.#goOn(refusal, error.message);
    else this.#fail(refusal, error.message, this.#unreached);
  }

  /** Where a redirect led is not the client's to know. */
  get #unreached(): string {
    return `cannot connect to ${targetOf(this.#asked)}`;
  }

  #fail(refusal: Refusal, error: string, message: string): void {
    this.close({ reason: refusal, sent: 0, received: 0, error });
    this.#answer.answered({ refusal, message });
  }

  close(ended: Ended): void {
    if (this.#over) return;
    this.#release();
    this.#proxy.counts.closed(this.upstream, ended.reason);
    recordClose(this.#proxy, this.#asker, this.#asked, this.started, {
      ...ended,
      ...(this.#dest === undefined ? {} : { dest: this.#dest }),
      ...(this.#backend === undefined ? {} : { backend: this.#backend }),
      ...(this.#tried === undefined ? {} : { tried: this.#tried }),
    });
  }

  #release(): void {
    this.#over = true;
    this.#proxy.places.give(this.#place);
  }
}

function deniedMessage(decision: Decision): string {
  return decision.outcome === "challenge" && decision.challenge !== undefined
    ? decision.challenge
    : "the access policy does not allow this";
}

const RESOLVE_REFUSALS: Record<ResolveFailure, Refusal> = {
  not_found: "name_not_found",
  timeout: "resolver_timeout",
  failed: "resolver_failed",
};

const DIAL_REFUSALS: Record<DialFailure, Refusal> = {
  refused: "refused",
  host_unreachable: "host_unreachable",
  network_unreachable: "network_unreachable",
  timeout: "connect_timeout",
  exhausted: "limit",
  other: "failed",
};
