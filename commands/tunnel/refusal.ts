/** Why a connection was not let through, as a value: what log, audit and metrics need to know. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Peer } from "../../lib/identity/peer.ts";
import type { TlsFailure } from "../../lib/net/tls-failure.ts";

/** Which part of a connection's way it was: `--quiet` and the words of the log go by it. */
export type Phase = "handshake" | "dial";

export class Refusal {
  readonly phase: Phase;
  /** Stable, e.g. `unknown_ca`. */
  readonly reason: string;
  /** For the log. Holds nothing that the peer chose, or has it quoted. */
  readonly message: string;
  /** Of the policy that refused. */
  readonly decision: Decision | undefined;
  /** Who was refused, where the certificate was as it should be but for that. */
  readonly peer: Peer | undefined;

  constructor(
    phase: Phase,
    reason: string,
    message: string,
    more: { decision?: Decision; peer?: Peer | undefined } = {},
  ) {
    this.phase = phase;
    this.reason = reason;
    this.message = message;
    this.decision = more.decision;
    this.peer = more.peer;
  }

  /** Whether a deadline refused it. */
  get late(): boolean {
    return LATE.has(this.reason);
  }
}

const LATE = new Set(["handshake_timeout", "proxy_header_timeout", "starttls_timeout"]);

/** A handshake with a client (`handshake`) or with the target (`dial`) that failed. */
export function handshakeRefusal(phase: Phase, failure: TlsFailure): Refusal {
  return new Refusal(phase, failure.reason, failure.message);
}
