/** What the proxy counts of its work, for its metrics. Names and texts are in metrics.ts. */
import { DecisionCounts } from "../../../lib/service/decision-counts.ts";

export class Counts {
  readonly decisions = new DecisionCounts();
  /** Exchanges by operation and outcome; both are words of this program. */
  readonly exchanges = new Map<string, number>();
  /** By the code of the trouble. */
  readonly troubles = new Map<string, number>();
  /** Objects that were read, by format, and those of which nothing shows that they are whole. */
  readonly read = new Map<string, number>();
  unproven = 0;
  /** Rights to upload (`--write-once`), by what became of them. */
  readonly rights = new Map<string, number>();
  /** Clients turned away at a limit, and those that spoke no HTTP or were late. */
  turnedAway = 0;
  rejected = 0;
  /** Bytes of plaintext that were encrypted and decrypted. */
  encrypted = 0;
  decrypted = 0;

  exchanged(operation: string, outcome: string): void {
    increment(this.exchanges, `${operation} ${outcome}`);
  }

  troubled(code: string): void {
    increment(this.troubles, code);
  }

  righted(result: "taken" | "used_up" | "given_back" | "unchecked" | "failed"): void {
    increment(this.rights, result);
  }

  opened(format: string): void {
    increment(this.read, format);
  }
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
