/** Places for sessions: who comes when all are taken waits, unread, until one is free. Bounded by the limit of open files. */
import type { Conn } from "../../lib/net/conn.ts";
import { mostClients } from "../../lib/service/descriptors.ts";

/** Descriptors of a session: the client's and the target's. */
const EACH = 2;
/** Milliseconds between two complaints of the same trouble, and between two looks for those who gave up waiting. */
const PATIENCE = 1000;

/** The descriptors that a process has for connections, which the rooms of all its tunnels share. */
export class Descriptors {
  readonly #most: number;
  readonly #rooms: WaitingRoom[] = [];
  #used = 0;
  #looked = -Infinity;

  constructor(most = mostClients()) {
    this.#most = most;
  }

  join(room: WaitingRoom): void {
    this.#rooms.push(room);
  }

  /** False when there are not so many. */
  take(count: number): boolean {
    if (this.#used + count > this.#most) return false;
    this.#used += count;
    return true;
  }

  /** Gives them back, and lets in who waits for them, in whichever room. */
  give(count: number): void {
    this.#used -= count;
    for (const room of this.#rooms) room.admit();
  }

  /** Forgets who gave up waiting, in all rooms: their descriptors are free. Looks now and then only, since many may wait. */
  forgetGone(): void {
    const now = performance.now();
    if (now - this.#looked < PATIENCE) return;
    this.#looked = now;
    for (const room of this.#rooms) this.#used -= room.forgetGone();
  }
}

interface Waiting {
  conn: Conn;
  start: () => void;
}

export class WaitingRoom {
  readonly #most: number;
  readonly #descriptors: Descriptors;
  #taken = 0;
  #queue: Waiting[] = [];
  #closed = false;
  #complained = -Infinity;

  /** `most` sessions at a time. */
  constructor(most: number, descriptors: Descriptors) {
    this.#most = most;
    this.#descriptors = descriptors;
    descriptors.join(this);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Starts now, or when a place is free; false when there is no room to wait either. */
  enter(conn: Conn, start: () => void): boolean {
    if (this.#closed) return false;
    if (this.#queue.length === 0 && this.#taken < this.#most && this.#descriptors.take(EACH)) {
      this.#taken++;
      start();
      return true;
    }
    if (!this.#descriptors.take(1)) {
      this.#descriptors.forgetGone();
      if (!this.#descriptors.take(1)) return false;
    }
    conn.pause();
    this.#queue.push({ conn, start });
    return true;
  }

  /** A session is over. */
  leave(): void {
    this.#taken--;
    this.#descriptors.give(EACH);
  }

  /** Lets in those at the head of the queue who are still there, as far as there are places and descriptors. */
  admit(): void {
    while (this.#queue.length > 0 && this.#taken < this.#most) {
      if (!this.#descriptors.take(EACH - 1)) return;
      const { conn, start } = this.#queue.shift()!;
      if (conn.closed) {
        this.#descriptors.give(EACH);
        continue;
      }
      this.#taken++;
      conn.resume();
      start();
    }
  }

  /** How many have left the queue because they are gone. */
  forgetGone(): number {
    const before = this.#queue.length;
    this.#queue = this.#queue.filter(({ conn }) => !conn.closed);
    return before - this.#queue.length;
  }

  /** Nobody waits any longer. */
  close(): void {
    this.#closed = true;
    const waiting = this.#queue;
    this.#queue = [];
    for (const { conn } of waiting) conn.destroy();
    this.#descriptors.give(waiting.length);
  }

  /** Whether it is time to say again that there is no room. */
  mayComplain(): boolean {
    const now = performance.now();
    if (now - this.#complained < PATIENCE) return false;
    this.#complained = now;
    return true;
  }
}
