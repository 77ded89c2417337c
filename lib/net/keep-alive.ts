/** TCP keepalive for connections that have lived a while: most end before it could matter, and are spared its system calls. */

export interface Probed {
  /** Turns probes on: after `seconds` of silence the system asks whether the peer is still there. */
  keepAlive(seconds: number): void;
}

/** Milliseconds between sweeps; a connection is young until the next one. */
const SWEEP = 10_000;

export class KeepAlive {
  readonly #seconds: number;
  readonly #young = new Set<Probed>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `seconds` of silence before the first probe; 0 never probes. */
  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  add(connection: Probed): void {
    if (this.#seconds === 0) return;
    this.#young.add(connection);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#sweep(), SWEEP);
    this.#timer.unref();
  }

  /** For a connection that closed. */
  remove(connection: Probed): void {
    this.#young.delete(connection);
  }

  #sweep(): void {
    this.#timer = undefined;
    for (const connection of this.#young) connection.keepAlive(this.#seconds);
    this.#young.clear();
  }
}
