/** What the access proxy counts of its work, for its metrics. Names and texts are in metrics.ts. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { DatagramCounts } from "./association-counts.ts";

/** Policies that are counted by name; names are the operator's, but there may be a million of them. */
const MOST_POLICIES = 100;
const OTHER = "other";
/** As in the tests of policies, where it names the denial at the end. */
const DEFAULT = "default";

export class Counts {
  readonly decisions: Record<Decision["outcome"], number> = { allow: 0, deny: 0, redirect: 0, challenge: 0 };
  /** The same by reason, and by policy: the first hundred that decide, the rest as `other`. Empty without anybody to look. */
  readonly reasons = new Map<string, number>();
  readonly policies = new Map<string, number>();
  /** Clients that came to no decision, and ends of what was allowed, by reason; reasons are words of this program. */
  readonly rejects = new Map<string, number>();
  readonly ends = new Map<string, number>();
  /** Connections to targets since the start. */
  tunnels = 0;
  /** Clients that were turned away at the limit of open files. */
  turnedAway = 0;
  readonly datagrams = new DatagramCounts();
  readonly http2 = { connections: 0, streams: 0, open: 0 };
  readonly #looked: boolean;
  readonly #open = new Set<Conn>();
  #sent = 0;
  #received = 0;

  /** `looked`: whether somebody may look at all. */
  constructor(looked: boolean) {
    this.#looked = looked;
  }

  /** `reason` as the audit has it. */
  decided({ outcome, policy = DEFAULT }: Decision, reason: string): void {
    this.decisions[outcome]++;
    if (!this.#looked) return;
    increment(this.reasons, reason);
    const known = this.policies.size < MOST_POLICIES || this.policies.has(policy);
    increment(this.policies, known ? policy : OTHER);
  }

  /** Policies that are no more count as others: a set that changes every hour must not fill the page. */
  keepPolicies(names: readonly string[]): void {
    const kept = new Set([...names, DEFAULT, OTHER]);
    for (const [name, count] of this.policies) {
      if (kept.has(name)) continue;
      this.policies.delete(name);
      this.policies.set(OTHER, (this.policies.get(OTHER) ?? 0) + count);
    }
  }

  opened(upstream: Conn): void {
    this.tunnels++;
    this.#open.add(upstream);
  }

  /** The end of what was allowed; without `upstream` it never came to a connection. */
  closed(upstream: Conn | undefined, reason: string): void {
    increment(this.ends, reason);
    if (upstream === undefined) return;
    this.#open.delete(upstream);
    this.#sent += upstream.sent;
    this.#received += upstream.received;
  }

  rejected(reason: string): void {
    increment(this.rejects, reason);
  }

  /** Bytes to and from all upstreams since the start, open ones too: what lasts for days is seen before it ends. */
  get moved(): { sent: number; received: number } {
    let sent = this.#sent;
    let received = this.#received;
    for (const upstream of this.#open) {
      sent += upstream.sent;
      received += upstream.received;
    }
    return { sent, received };
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
