/** Who takes part in a benchmark of proxies: the shape that every contender is described in. Starts nothing itself. */
import type { PEERS } from "../../../scripts/peer-list.ts";
import type { PeerProgram } from "../../support/peer-programs.ts";
import type { Via } from "../load/dialog.ts";
import type { KeyAgreement } from "../load/tunnel.ts";

/** Contenders of one family stand in one table. */
export type Family =
  | "SOCKS"
  | "CONNECT"
  | "CONNECT over TLS"
  | "two in a row"
  | "mTLS"
  | "pass-through"
  | "terminate"
  | "100 routes"
  | "10,000 routes"
  | "relay"
  | "to a proxy"
  | "direct";

export interface Contender {
  name: string;
  family: Family;
  via: Via;
  /** What its clients agree on, where they come over TLS. */
  tls?: KeyAgreement;
  /** What its clients begin with, in turn, where they are told apart by it: ClientHellos, in base64. */
  hellos?: readonly string[];
  /** The address at which its clients connect to the target's port, and nobody is: they are captured. */
  at?: string;
  /** Counts among those that portail is compared with. */
  peer: boolean;
  /** Must be on PATH; the versions of their packages are printed. */
  programs: readonly (keyof typeof PEERS)[];
  /** What the reader must know to judge the figures. */
  note: string;
  /** Undefined for the direct connection: there is nothing to start. */
  setup?(where: Where): Setup;
}

export interface Where {
  /** Where the load is put on. */
  port: number;
  targetPort: number;
  link: Link;
  /** A directory that every user may write to. */
  dir: string;
}

/** Between the two sides of a tunnel. A single proxy has none and ignores it. */
export interface Link {
  /** Where the server side listens. */
  listen: number;
  /** Where the client side dials: the same, unless a tap stands between them. */
  dial: number;
  /** Whether the client side may resume the sessions of earlier connections. */
  resume: boolean;
}

export interface Setup {
  /** In the order in which they are started. All of them together are what is measured. */
  daemons: Daemon[];
  /** Configuration files, by name in the directory. */
  files: Record<string, string>;
}

export interface Daemon {
  argv: string[];
  /** What accepts connections once it is ready; on 127.0.0.1 unless it is said where. */
  port: number;
  host?: string;
  /** A table of the firewall, such as `inet portail`, that is there once it captures, which may be later. */
  table?: string | undefined;
}

/** The generator and its target without anything between them. */
export function directly(note: string): Contender {
  return { name: "direct", family: "direct", via: "none", peer: false, programs: [], note };
}

/** A peer that is measured alone. */
export function alone({ argv, files }: PeerProgram, port: number): Setup {
  return { daemons: [{ argv, port }], files };
}
