/** Moves what the sockets of carried connections have ready, each side's bytes to the other. Opens and closes none. */
import { ERRNO, type SocketCalls } from "../../ffi/socket-calls.ts";
import { courtesy } from "../courtesy.ts";
import type { Carried, Side } from "./carried.ts";

/** Is told what becomes of a connection. */
export interface MoverHost {
  /** Milliseconds. */
  readonly now: number;
  ended(one: Carried): void;
  broken(one: Carried, by: Side["name"], errno: number): void;
  watchForRoom(side: Side): void;
}

/**
 * Bytes read at a time: as much as goes into one packet of loopback, so that the pages of what was read are free, and in the
 * cache, when those for the next are needed (measured, 8 connections: 250 ms of CPU time per GiB, with 256 KiB 340, and with 64
 * KiB, of which a little is left for a packet of its own each time, 650; splice(2) takes 390 to 500).
 */
const AT_A_TIME = 60 * 1024;
/**
 * Bytes of one side before the others have their turn. Bulk that goes on for a while meets memory that is still in the
 * cache; whoever has little to say waits for one turn at most.
 */
const TURN = 64 * AT_A_TIME;

export class Mover {
  readonly #calls: SocketCalls;
  readonly #buffer = new Uint8Array(AT_A_TIME);
  readonly #host: MoverHost;
  /** Sides that have more than they had turns for. */
  #more: Side[] = [];

  constructor(calls: SocketCalls, host: MoverHost) {
    this.#calls = calls;
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

  /** Gives those that wait their turn: of those that have bulk the first, which is the last from then on. */
  goOn(): void {
    if (this.#more.length === 0) return;
    const sides = this.#more;
    this.#more = [];
    let first: Side | undefined;
    for (const side of sides) {
      if (side.of.closed) continue;
      if (!side.bulky) this.#readOn(side);
      else if (first === undefined) first = side;
      else this.#more.push(side);
    }
    if (first !== undefined && !first.of.closed) this.#readOn(first);
  }

  #readOn(side: Side): void {
    side.queued = false;
    this.#read(side);
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
    if (!readable || one.closed) return;
    if (side.bulky) this.later(side);
    else this.#read(side);
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
    for (let left = TURN; left > 0;) {
      if (other.pending !== undefined || side.ended) return;
      const length = this.#calls.recv(side.fd, buffer, AT_A_TIME);
      if (length <= 0) {
        this.#readNothing(side, other, length);
        return;
      }
      left -= length;
      side.bulky = length === AT_A_TIME;
      one.count(side, length);
      if (other.manner !== "prompt") this.#address(other);
      const taken = this.#calls.send(other.fd, buffer, length);
      if (taken !== length) {
        if (taken < 0 && this.#calls.errno() !== ERRNO.EAGAIN) this.#host.broken(one, other.name, this.#calls.errno());
        else this.#keep(other, buffer.slice(Math.max(0, taken), length));
        return;
      }
      // Less than there is room for is all there is; of an end that came with it nobody will tell again.
      if (side.bulky) courtesy.show();
      else if (!side.ending) return;
    }
    this.later(side);
  }

  /**
   * Something is about to be sent there, for the first or the second time. The answer to the first is acknowledged with what
   * follows it, where that comes in time: a packet less of ten for a short connection. Not where a server that speaks first
   * has let it grow old: nobody would undo that.
   */
  #address(side: Side): void {
    if (side.manner === "unaddressed") {
      side.manner = "addressed";
      if (!side.of.settled) this.#calls.acknowledgeWithAnswers(side.fd);
    } else {
      side.manner = "prompt";
      this.#calls.noDelay(side.fd);
    }
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
}
