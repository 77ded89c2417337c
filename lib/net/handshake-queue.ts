/** Begins TLS handshakes in the order in which they are asked for, no more at a time than the event loop serves. Does no TLS. */

/**
 * Handshakes that begin in one turn of the event loop. In a turn the loop serves five sockets whose handshake is under way,
 * and of those that it leaves for the next turn it takes the newest first (seen with Bun 1.4.5): with more to do than that,
 * new clients would come before old ones for ever. A handshake is read twice, so that two of them leave nothing behind.
 */
const EACH_TURN = 2;

export class HandshakeQueue {
  readonly #eachTurn: number;
  #begun = 0;
  #waiting: (() => void)[] = [];
  #turning = false;

  constructor(eachTurn = EACH_TURN) {
    this.#eachTurn = eachTurn;
  }

  /** Who waits for its turn. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Undefined for who may begin now; the others wait, in order. */
  turn(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#begun < this.#eachTurn) {
      this.#begin();
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #begin(): void {
    this.#begun++;
    if (this.#turning) return;
    this.#turning = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#turning = false;
    this.#begun = 0;
    for (const start of this.#waiting.splice(0, this.#eachTurn)) {
      this.#begin();
      start();
    }
  }
}
