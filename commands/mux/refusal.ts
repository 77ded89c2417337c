/** Why a connection was not let through, as a value: what client, log, audit and metrics are told. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import { encodeAlert, type Alert } from "../../lib/wire/tls-alert.ts";

/** Until it is clear what the client wants, until it is known, and from then on. */
export type Phase = "hello" | "handshake" | "dial";

interface More {
  /** What the client is told before the end. */
  last?: Uint8Array | undefined;
  decision?: Decision | undefined;
  /** Whose certificate it was, of client or target. */
  peer?: Peer | undefined;
}

export class Refusal {
  readonly phase: Phase;
  /** Stable, e.g. `no_application_protocol`. */
  readonly reason: string;
  /** For the log. Holds nothing that the peer chose, or has it quoted. */
  readonly message: string;
  readonly last: Uint8Array | undefined;
  readonly decision: Decision | undefined;
  readonly peer: Peer | undefined;

  constructor(phase: Phase, reason: string, message: string, { last, decision, peer }: More = {}) {
    this.phase = phase;
    this.reason = reason;
    this.message = message;
    this.last = last;
    this.decision = decision;
    this.peer = peer;
  }
}

/** What a route turns away. A client with a hello is told so by the alert that fits what it was chosen by. */
export function refusedByRoute(
  { hello, protocolId }: { hello: unknown; protocolId: string | undefined },
  why: string,
): Refusal {
  if (hello === undefined) return new Refusal("hello", "refused_by_route", why);
  return alerted(
    protocolId === undefined ? "access_denied" : "no_application_protocol",
    "hello",
    "refused_by_route",
    why,
  );
}

/** The same with an alert for a client that has sent a hello and got no answer to it. */
export function alerted(alert: Alert, phase: Phase, reason: string, message: string): Refusal {
  return new Refusal(phase, reason, message, { last: encodeAlert(alert) });
}
