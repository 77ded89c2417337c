/** What the access proxy counts of its work, for its metrics. Names and texts are in metrics.ts. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { DatagramCounts } from "./association-counts.ts";

export class Counts {
  readonly decisions: Record<Decision["outcome"], number> = { allow: 0, deny: 0, redirect: 0, challenge: 0 };
  /** Clients that came to no decision, and ends of what was allowed, by reason; reasons are words of this program. */
  readonly rejects = new Map<string, number>();
  readonly ends = new Map<string, number>();
  /** Clients that were turned away at the limit of open files. */
  turnedAway = 0;
  readonly datagrams = new DatagramCounts();
  readonly #open = new Set<Conn>();
  #sent = 0;
  #received = 0;

  opened(upstream: Conn): void {
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
