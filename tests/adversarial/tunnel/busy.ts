/** A connection through a tunnel to an echo that is always under way, and knows every byte that must come back. Asserts nothing. */
import type { Socket } from "node:net";
import { createPrng } from "../prng.ts";

const CHUNK = 16 * 1024;
/** Milliseconds between rounds: fifty of them must leave something of two cores. */
const REST = 40;

export class Busy {
  rounds = 0;
  /** What went wrong, if anything did. */
  failure: string | undefined;
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #chunk: Buffer;
  #at = 0;
  #stopping = false;

  /** `socket` is connected, and its errors are not handled yet. */
  constructor(socket: Socket, seed: number) {
    this.#socket = socket;
    this.#chunk = createPrng(seed).bytes(CHUNK);
    socket.on("data", (piece: Buffer) => this.#take(piece));
    socket.on("error", (error) => (this.failure ??= error.message));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        if (!this.#stopping) this.failure ??= `closed in round ${this.rounds}`;
        resolve();
      });
    });
    this.#next();
  }

  /** That were sent, and came back. */
  get bytes(): number {
    return this.rounds * CHUNK;
  }

  /** Ends behind the round that is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.closed;
  }

  /** No two rounds have the same bytes. */
  #next(): void {
    this.#at = 0;
    this.#chunk.writeUInt32BE(this.rounds);
    this.#socket.write(Buffer.from(this.#chunk));
  }

  #take(piece: Buffer): void {
    const expected = this.#chunk.subarray(this.#at, this.#at + piece.length);
    if (!piece.equals(expected)) this.failure ??= `other bytes in round ${this.rounds} behind ${this.#at}`;
    this.#at += piece.length;
    if (this.#at < CHUNK) return;
    this.rounds++;
    if (this.#stopping) this.#socket.end();
    else setTimeout(() => this.#next(), REST);
  }
}
