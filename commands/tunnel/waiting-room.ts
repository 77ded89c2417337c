/** Places for sessions: who comes when all are taken waits, unread, until one is free. Bounded by the limit of open files. */
import type { Conn } from "../../lib/net/conn.ts";
import { mostClients } from "../../lib/service/descriptors.ts";

/** Descriptors of a session: the client's and the target's. */
const EACH = 2;
/** Milliseconds between two complaints of the same trouble. */
const PATIENCE = 1000;

interface Waiting {
  conn: Conn;
  start: () => void;
}

export class WaitingRoom {
  readonly #most: number;
  readonly #descriptors = mostClients();
  #taken = 0;
  #queue: Waiting[] = [];
  #closed = false;
  #complained = -Infinity;

  /** `most` sessions at a time. */
  constructor(most: number) {
    this.#most = Math.min(most, Math.max(1, Math.floor(this.#descriptors / EACH)));
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Starts now, or when a place is free; false when there is no room to wait either. */
  enter(conn: Conn, start: () => void): boolean {
    if (this.#closed) return false;
    if (this.#taken < this.#most) {
      this.#taken++;
      start();
      return true;
    }
    if (this.#taken * EACH + this.#queue.length >= this.#descriptors) return false;
    conn.pause();
    this.#queue.push({ conn, start });
    return true;
  }

  /** A session is over: the next who is still there takes its place. */
  leave(): void {
    this.#taken--;
    while (this.#queue.length > 0 && this.#taken < this.#most) {
      const { conn, start } = this.#queue.shift()!;
      if (conn.closed) continue;
      this.#taken++;
      conn.resume();
      start();
    }
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    for (const { conn } of this.#queue) conn.destroy();
    this.#queue = [];
  }

  /** Whether it is time to say again that there is no room. */
  mayComplain(): boolean {
    const now = performance.now();
    if (now - this.#complained < PATIENCE) return false;
    this.#complained = now;
    return true;
  }
}
