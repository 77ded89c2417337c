/** Places for sessions: who comes when all are taken waits, unread, until one is free. Bounded by the limit of open files. */
import type { Conn } from "../net/conn.ts";
import { abandonedDials } from "../net/dial.ts";
import { mostClients } from "./descriptors.ts";

/** Milliseconds between two complaints of the same trouble, and between two looks at what nobody tells us. */
const PATIENCE = 1000;

/** The descriptors that a process has for connections, which its rooms share. */
export class Descriptors {
  readonly #most: number;
  readonly #lost: () => number;
  readonly #rooms: WaitingRoom[] = [];
  #used = 0;
  #looked = -Infinity;
  #looking = false;

  /** `lost` are those that the system has not given back yet. */
  constructor(most = mostClients(), lost = abandonedDials) {
    this.#most = most;
    this.#lost = lost;
  }

  join(room: WaitingRoom): void {
    this.#rooms.push(room);
  }

  /** False when there are not so many. */
  take(count: number): boolean {
    if (this.#used + this.#lost() + count > this.#most) return false;
    this.#used += count;
    return true;
  }

  /** Gives them back, and lets in who waits for them, in whichever room. */
  give(count: number): void {
    this.#used -= count;
    this.#admit();
  }

  #admit(): void {
    let short = false;
    for (const room of this.#rooms) if (!room.admit()) short = true;
    if (short) this.expect();
  }

  /** Somebody waits: nobody tells when the lost ones come back. */
  expect(): void {
    if (this.#looking || this.#lost() === 0) return;
    this.#looking = true;
    setTimeout(() => {
      this.#looking = false;
      this.#admit();
    }, PATIENCE).unref();
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
  readonly #each: number;
  #taken = 0;
  #queue: Waiting[] = [];
  #closed = false;
  #complained = -Infinity;

  /** `most` sessions at a time, each with so many descriptors. */
  constructor(most: number, descriptors: Descriptors, each: number) {
    this.#most = most;
    this.#descriptors = descriptors;
    this.#each = each;
    descriptors.join(this);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** Starts now, or when a place is free; false when there is no room to wait either. */
  enter(conn: Conn, start: () => void): boolean {
    if (this.#closed) return false;
    if (this.#queue.length === 0 && this.#taken < this.#most && this.#descriptors.take(this.#each)) {
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
    this.#descriptors.expect();
    return true;
  }

  /** A session is over. */
  leave(): void {
    this.#taken--;
    this.#descriptors.give(this.#each);
  }

  /** Lets in those at the head of the queue who are still there. False when there are places, but no descriptors. */
  admit(): boolean {
    while (this.#queue.length > 0 && this.#taken < this.#most) {
      if (!this.#descriptors.take(this.#each - 1)) return false;
      const { conn, start } = this.#queue.shift()!;
      if (conn.closed) {
        this.#descriptors.give(this.#each);
        continue;
      }
      this.#taken++;
      conn.resume();
      start();
    }
    return true;
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
