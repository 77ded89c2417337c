/** What is counted of datagrams, for the metrics. Plain numbers: they are written for every datagram. */
import type { Registry } from "../../lib/service/metrics.ts";

/** Why a datagram went nowhere. */
export const DROPS = [
  /** It came from another address or port than the client's. */
  "stranger",
  "malformed",
  "fragment",
  "denied",
  "unresolved",
  /** Too many destinations, too much waiting for a decision, or no descriptor. */
  "limit",
  /** An answer from where nothing was sent. */
  "unsolicited",
  /** More than one datagram holds, once there is a header before it. */
  "too_big",
  /** The system's buffer was full. */
  "full",
  "unreachable",
] as const;

export type Drop = (typeof DROPS)[number];

/** What the name of a system's error means for a datagram. */
export function dropOf(failure: string): Drop {
  if (failure === "EAGAIN" || failure === "ENOBUFS") return "full";
  return failure === "EMSGSIZE" ? "too_big" : "unreachable";
}

export class DatagramCounts {
  /** Associations since the start, and those that are open. */
  associations = 0;
  open = 0;
  /** Datagrams to and from targets, and the bytes of them. */
  sent = 0;
  received = 0;
  sentBytes = 0;
  receivedBytes = 0;
  readonly drops = Object.fromEntries(DROPS.map((reason) => [reason, 0])) as Record<Drop, number>;
}

/** Adds the metrics of them. */
export function addDatagramMetrics(registry: Registry, counts: DatagramCounts): void {
  const both = (sent: number, received: number) =>
    [
      [{ direction: "sent" }, sent],
      [{ direction: "received" }, received],
    ] as const;
  registry.read("counter", "udp_associations_total", "UDP associations that were opened", () => counts.associations);
  registry.read("gauge", "udp_associations_open", "UDP associations that are open", () => counts.open);
  registry.read("counter", "udp_datagrams_total", "Datagrams sent to and received from targets", () => {
    return both(counts.sent, counts.received);
  });
  registry.read("counter", "udp_bytes_total", "Bytes of datagrams sent to and received from targets", () => {
    return both(counts.sentBytes, counts.receivedBytes);
  });
  registry.read("counter", "udp_dropped_total", "Datagrams that went nowhere, by reason", () => {
    return DROPS.map((reason) => [{ reason }, counts.drops[reason]] as const);
  });
}
