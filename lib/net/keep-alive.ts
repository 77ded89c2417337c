/** TCP keepalive for connections that have lived a while: most end before it could matter, and are spared its system calls. */
import { Deadlines, Due } from "./deadlines.ts";

/** A connection to which this happens. */
export abstract class Probed extends Due {
  readonly #keepAlive: KeepAlive;

  constructor(keepAlive: KeepAlive) {
    super();
    this.#keepAlive = keepAlive;
    keepAlive.young.add(this);
  }

  /** Turns probes on: after `seconds` of silence the system asks whether the peer is still there. */
  abstract probeAfter(seconds: number): void;

  override late(): void {
    this.probeAfter(this.#keepAlive.seconds);
  }

  /** To be called when it closed. */
  protected gone(): void {
    this.#keepAlive.young.remove(this);
  }
}

/** Milliseconds for which a connection is young at the most. */
const YOUTH = 10_000;

export class KeepAlive {
  readonly seconds: number;
  readonly young: Deadlines;

  /** `seconds` of silence before the first probe; 0 never probes. */
  constructor(seconds: number) {
    this.seconds = seconds;
    // No longer than the silence that is asked for: probes would come later than that.
    this.young = new Deadlines(Math.min(seconds * 1000, YOUTH));
  }
}
