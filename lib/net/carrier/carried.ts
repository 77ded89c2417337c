/** A connection that is carried: its two sockets, and how far they have come. Calls nothing. */
import type { Preface } from "../../session/preface.ts";
import type { Asking } from "./asking.ts";
import type { CarriedEnd, Said } from "./messages.ts";

/** Where a client is led to. */
export interface Way {
  /** The target's sockaddr. */
  readonly address: Uint8Array;
  /** Which way it is, for whoever is told of it. */
  readonly number: number;
  readonly said: Said;
  /** What is to be agreed at `address` before it leads to the target; of a guide by destination only. */
  readonly preface?: (() => Preface<unknown>) | undefined;
}

/** `more` where the client has not said enough yet; undefined where somebody else is to see to it. */
export type Decision = Way | "more" | undefined;

/** How the clients of a place are led. */
export type Guide =
  /** By what they say first, which is overwritten later. */
  | { by: "opening"; decide(opening: Uint8Array): Decision }
  /** By where they were going before they were redirected: a sockaddr. */
  | { by: "destination"; decide(destination: Uint8Array): Way | undefined };

/** In a sockaddr. */
export const AF_INET = 2;
/** Of bytes. */
export const NOTHING = new Uint8Array(0);

/** One socket of a connection. */
export class Side {
  readonly fd: number;
  readonly of: Carried;
  readonly name: "client" | "upstream";
  /** The round of events in which it came to be: what else that one holds of its descriptor is of an earlier owner. */
  readonly born: number;
  /** What the system did not take yet of what is to be sent here; nothing more is read for it meanwhile. */
  pending: Uint8Array | undefined;
  /** Whether its events are waited for, and whether there is room is one of them. */
  watched = false;
  watchedForRoom = false;
  /** Whether something was sent there. What is sent first goes out at once by itself, small pieces after it once it is `prompt` (TCP_NODELAY). */
  manner: "unaddressed" | "addressed" | "prompt";
  /** Whether the last that was read of it was as much as is read at a time: there is more, most likely. */
  bulky = false;
  /** Whether it waits for its turn to be read. */
  queued = false;
  /** Whether its peer is known to end its direction, and whether that was read. */
  ending = false;
  ended = false;

  constructor(fd: number, of: Carried, name: Side["name"], born: number) {
    this.fd = fd;
    this.of = of;
    this.name = name;
    this.born = born;
    // From its listener.
    this.manner = name === "client" ? "prompt" : "unaddressed";
  }
}

export class Carried {
  readonly id: number;
  /** Of its listener. */
  readonly place: number;
  /** The client's sockaddr. */
  readonly from: Uint8Array;
  readonly client: Side;
  /** From the start of the dial on. */
  target: Side | undefined;
  way: Way | undefined;
  asking: Asking | undefined;
  /** Whether it was handed over before, and came back. */
  tried = false;
  /** What the client has said while that was not enough, and in how many pieces. */
  opening: Uint8Array = NOTHING;
  pieces = 0;
  /** Whether both sides are connected. */
  open = false;
  /** Milliseconds of `performance.now`, as all times. */
  readonly accepted: number;
  /** Which side ended its direction first, and when. */
  by: CarriedEnd | undefined;
  halfClosed = 0;
  /** Bytes from the client, and from the target. */
  sent = 0;
  received = 0;
  /** What had moved at the last look, and when that was less. */
  moved = 0;
  movedAt: number;
  probed = false;
  /** Whether it is not new any more: what it gets is acknowledged at once. */
  settled = false;
  closed = false;

  /** `round` is that of events in which it comes. */
  constructor(id: number, place: number, fd: number, from: Uint8Array, accepted: number, round: number) {
    this.id = id;
    this.place = place;
    this.from = from;
    this.accepted = this.movedAt = accepted;
    this.client = new Side(fd, this, "client", round);
  }

  get family(): 4 | 6 {
    return this.from[0] === AF_INET ? 4 : 6;
  }

  /** Of one that is not open: what the client has said. */
  get unsent(): Uint8Array {
    return this.asking === undefined ? (this.target?.pending ?? this.opening) : NOTHING;
  }

  /** Of one that is connected on both sides. */
  otherSide(side: Side): Side {
    return side === this.client ? this.target! : this.client;
  }

  /** Whether something moved since the last look. */
  hasMoved(now: number): boolean {
    const moved = this.sent + this.received;
    if (moved === this.moved) return false;
    [this.moved, this.movedAt] = [moved, now];
    return true;
  }

  /** Bytes that came from `side`. */
  count(side: Side, bytes: number): void {
    if (side === this.client) this.sent += bytes;
    else this.received += bytes;
  }
}
