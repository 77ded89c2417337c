/** Why a connection was not let through, as a value: what log, audit and metrics need to know. */
import type { Decision } from "../../lib/acl/decision.ts";
import type { Peer } from "../../lib/identity/peer.ts";

export class Refusal {
  /** Stable, e.g. `not_captured`, `unknown_ca`. */
  readonly reason: string;
  /** For the log. Holds nothing that a peer chose, or has it quoted. */
  readonly message: string;
  /** Of the policy that refused. */
  readonly decision: Decision | undefined;
  /** Whose certificate it was, where it could be read. */
  readonly peer: Peer | undefined;

  constructor(reason: string, message: string, more: { decision?: Decision; peer?: Peer | undefined } = {}) {
    this.reason = reason;
    this.message = message;
    this.decision = more.decision;
    this.peer = more.peer;
  }
}

/** The address stands for several names that rules take. */
export class AmbiguousName extends Refusal {
  readonly names: readonly string[];

  constructor(names: readonly string[]) {
    super("ambiguous_name", `the address stands for ${names.map((name) => JSON.stringify(name)).join(", ")}`);
    this.names = names;
  }
}
