/** Moves what the sockets of carried connections have ready, each side's bytes to the other. Opens and closes none. */
import { ERRNO, type SocketCalls } from "../../ffi/socket-calls.ts";
import { MOST_SPLICED, spliceBulk } from "../bulk.ts";
import type { Carried, Side } from "./carried.ts";

/** Is told what becomes of a connection. */
export interface MoverHost {
  /** Milliseconds. */
  readonly now: number;
  ended(one: Carried): void;
  broken(one: Carried, by: Side["name"], errno: number): void;
  watchForRoom(side: Side): void;
}

/** Pieces of one side before the others have their turn; what goes through the kernel is as good as many. */
const TURNS = 16;
const SPLICED_TURNS = 8;

export class Mover {
  readonly #calls: SocketCalls;
  readonly #buffer: Uint8Array;
  readonly #host: MoverHost;
  /** Sides that have more than they had turns for. */
  #more: Side[] = [];

  constructor(calls: SocketCalls, buffer: Uint8Array, host: MoverHost) {
    this.#calls = calls;
    this.#buffer = buffer;
    this.#host = host;
  }

  get hasMore(): boolean {
    return this.#more.length > 0;
  }

  /** Moves what it has when all others had their turn. */
  later(side: Side): void {
    if (side.queued) return;
    side.queued = true;
    this.#more.push(side);
  }

  /** Gives those that wait their turn. */
  goOn(): void {
    if (this.#more.length === 0) return;
    const sides = this.#more;
    this.#more = [];
    for (const side of sides) {
      side.queued = false;
      if (!side.of.closed) this.#read(side);
    }
  }

  /** There is room on that side, where something waits for it, or there are bytes. */
  move(side: Side, writable: boolean, readable: boolean): void {
    const one = side.of;
    if (writable && side.pending !== undefined) {
      if (!this.flush(side)) {
        this.#host.broken(one, side.name, this.#calls.errno());
        return;
      }
      if (side.pending === undefined) this.#read(one.otherSide(side));
    }
    if (readable && !one.closed) this.#read(side);
  }

  /** Sends what is pending there, as far as the system takes it; false where it takes nothing any more. */
  flush(side: Side): boolean {
    const { pending } = side;
    if (pending === undefined) return true;
    const taken = this.#calls.send(side.fd, pending, pending.length);
    if (taken < 0) return this.#calls.errno() === ERRNO.EAGAIN;
    side.pending = taken === pending.length ? undefined : pending.subarray(taken);
    return true;
  }

  /** Brings the other side what was read of this one already, and what follows. */
  bring(side: Side, bytes: Uint8Array): void {
    const one = side.of;
    const other = one.otherSide(side);
    one.count(side, bytes.length);
    const taken = bytes.length === 0 ? 0 : this.#calls.send(other.fd, bytes, bytes.length);
    if (taken < bytes.length) this.#keep(other, bytes.slice(Math.max(0, taken)));
    this.later(side);
  }

  /** Until there is nothing left, or the other side takes no more. */
  #read(side: Side): void {
    const one = side.of;
    const other = one.otherSide(side);
    const buffer = this.#buffer;
    for (let turn = 0; turn < TURNS; turn++) {
      if (other.pending !== undefined || side.ended) return;
      if (side.bulk) {
        const moved = this.#splice(side, other);
        if (moved === "stuck") return;
        side.bulk = moved >= buffer.length;
        turn += SPLICED_TURNS;
        if (moved >= MOST_SPLICED) continue;
      }
      const length = this.#calls.recv(side.fd, buffer);
      if (length <= 0) {
        this.#readNothing(side, other, length);
        return;
      }
      one.count(side, length);
      if (!other.prompt) {
        other.prompt = true;
        this.#calls.noDelay(other.fd);
      }
      const taken = this.#calls.send(other.fd, buffer, length);
      if (taken !== length) {
        if (taken < 0 && this.#calls.errno() !== ERRNO.EAGAIN) this.#host.broken(one, other.name, this.#calls.errno());
        else this.#keep(other, buffer.slice(Math.max(0, taken), length));
        return;
      }
      // Less than there is room for is all there is; of an end that came with it nobody will tell again.
      if (length < buffer.length) {
        if (!side.ending) return;
      } else {
        side.bulk = true;
      }
    }
    this.later(side);
  }

  #keep(side: Side, bytes: Uint8Array): void {
    side.pending = bytes;
    this.#host.watchForRoom(side);
  }

  #readNothing(side: Side, other: Side, length: number): void {
    const one = side.of;
    if (length < 0) {
      const errno = this.#calls.errno();
      if (errno !== ERRNO.EAGAIN && errno !== ERRNO.EINTR) this.#host.broken(one, side.name, errno);
      return;
    }
    side.ended = true;
    one.by ??= side.name;
    if (other.ended) {
      this.#host.ended(one);
      return;
    }
    one.halfClosed = this.#host.now;
    this.#calls.endWriting(other.fd);
  }

  /** What is waiting goes past us: how many bytes. */
  #splice(side: Side, other: Side): number | "stuck" {
    const one = side.of;
    let broken = false;
    const moved = spliceBulk(side.fd, other.fd, (rest, isBroken) => {
      broken = isBroken;
      if (!broken) this.#keep(other, rest);
    });
    one.count(side, moved ?? 0);
    if (broken) this.#host.broken(one, other.name, ERRNO.ECONNRESET);
    return broken || other.pending !== undefined ? "stuck" : (moved ?? 0);
  }
}
