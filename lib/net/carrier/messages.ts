/** What the thread of a carrier is told, and what it tells. */
import type { PackedReports } from "./reports.ts";

export interface CarrierSettings {
  /** Milliseconds; 0 is no limit. */
  idle: number;
  lifetime: number;
  halfClosed: number;
  /** Milliseconds for what stands before a target to answer. */
  answer: number;
  /** Connections at a time. */
  most: number;
  /** Seconds of silence before the first probe; 0 never probes. */
  probeAfter: number;
  /** Of connections to targets (SO_MARK); undefined leaves them without. */
  mark?: number | undefined;
  /** Whether anybody wants to know who clients are, and what they said. */
  named: boolean;
}

export type Order =
  /** The first one; `wake` is the descriptor by which the thread is told that there are more. */
  | { kind: "begin"; settings: CarrierSettings; wake: number }
  | { kind: "listen"; place: number; fd: number }
  /** Whatever the thread's way of deciding reads; ahead of `listen`. */
  | { kind: "ways"; place: number; ways: unknown }
  /** A client that was handed over: its way is known now. */
  | { kind: "return"; client: Pick<HandedOver, "place" | "fd" | "ip" | "port" | "accepted"> }
  | { kind: "unlisten"; place: number }
  /** Whether clients are to wait unaccepted. */
  | { kind: "hold"; held: boolean }
  /** Hands over what is not connected on both sides; of these ways only, if any are named. */
  | { kind: "drain"; ways?: readonly number[] }
  | { kind: "cut" }
  | { kind: "end" };

export type CarriedEnd = "client" | "upstream" | "idle" | "lifetime" | "half_closed" | "cut";

/** What a client said of itself, for the record. */
export interface Said {
  readonly serverName: string | undefined;
  readonly protocolIds: readonly string[] | undefined;
}

/** A connection that is connected on both sides; `waited` are milliseconds since it was accepted. */
export interface Opened {
  id: number;
  way: number;
  waited: number;
  /** Where anybody wants to know. */
  who: Who | undefined;
}

export interface Who {
  client: { ip: string; port: number };
  said: Said;
}

/** One in which something moved since that was told last. */
export interface Moved {
  id: number;
  /** Bytes from the client, and from the target, so far. */
  sent: number;
  received: number;
}

/** One that is closed again; `lasted` are milliseconds since it was accepted. */
export interface Closed {
  id: number;
  way: number;
  /** Bytes from the client, and from the target. */
  sent: number;
  received: number;
  lasted: number;
  by: CarriedEnd;
  /** The system's number of what broke it off; 0 where nothing did. */
  errno: number;
}

/** A client that somebody else is to see to, from its first byte on; its descriptor goes with it. */
export interface HandedOver {
  place: number;
  fd: number;
  ip: string;
  port: number;
  bytes: Uint8Array;
  /** Whether a carrier has tried to lead it, and by which way that failed. */
  tried: boolean;
  way: number | undefined;
  /** When it was accepted, by the clock of the thread. */
  accepted: number;
}

export type Told =
  /** In the order in which it happened. */
  | { kind: "reports"; reports: PackedReports }
  | { kind: "over"; client: HandedOver }
  /** The order was carried out, and all that was to be told before is told. */
  | { kind: "done"; order: Order["kind"] };
