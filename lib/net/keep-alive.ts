/** TCP keepalive for connections that have lived a while: most end before it could matter, and are spared its system calls. */
import { Deadlines } from "./deadlines.ts";

export interface Probed {
  /** Turns probes on: after `seconds` of silence the system asks whether the peer is still there. */
  keepAlive(seconds: number): void;
}

/** Milliseconds for which a connection is young. */
const YOUTH = 10_000;

export class KeepAlive {
  readonly #young: Deadlines<Probed>;

  /** `seconds` of silence before the first probe; 0 never probes. */
  constructor(seconds: number) {
    this.#young = new Deadlines(seconds === 0 ? 0 : YOUTH, (connection) => connection.keepAlive(seconds));
  }

  add(connection: Probed): void {
    this.#young.add(connection);
  }

  /** For a connection that closed. */
  remove(connection: Probed): void {
    this.#young.remove(connection);
  }
}
