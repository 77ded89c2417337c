/** One destination of an association, as its client writes it: what was decided, until when, and what waits for a decision. Sends nothing. */
import type { Candidate } from "../../lib/net/dial.ts";
import type { DatagramPeer, DatagramSocket } from "../../lib/net/datagrams.ts";
import type { ProxyRequest } from "../../lib/session/front.ts";
import { encodeHeader } from "../../lib/wire/socks5-udp.ts";
import type { Ip } from "../../lib/wire/ip.ts";
import type { Drop } from "./association-counts.ts";
import type { KnownHost } from "./association-decision.ts";

export class Destination {
  readonly asked: ProxyRequest;
  /** Undefined for a host that is none. */
  readonly canonical: KnownHost | undefined;
  /** When the client last sent to it. */
  used: number;
  /** When the decision is to be renewed; while it is under way, never. */
  due = 0;
  /** Where it leads, while that is allowed. */
  peer: Peer | undefined;
  /** Further addresses that were allowed, for a family that this machine cannot send to. */
  others: Candidate[] = [];
  /** Whether the address was reached over a redirect, so that it is not the one of the host asked for. */
  redirected = false;
  /** Defined while a decision is under way. */
  waiting: Uint8Array[] | undefined;
  /** Why nothing goes there, where there is no peer. */
  refusal: Drop = "denied";
  /** What was recorded last: the same again is not news. */
  recorded = "";
  /** Counts what was begun for it: what comes late of something earlier, or after its end, is for nobody. */
  turn = 0;

  constructor(asked: ProxyRequest, canonical: KnownHost | undefined, now: number) {
    this.asked = asked;
    this.canonical = canonical;
    this.used = now;
  }

  /** When a datagram last went to it, or came from where it leads. */
  get idleSince(): number {
    return Math.max(this.used, this.peer?.used ?? 0);
  }
}

/** An address that the association has sent to: from there, and nowhere else, it takes answers. */
export class Peer implements DatagramPeer {
  readonly ip: string;
  readonly port: number;
  address: Uint8Array | undefined;
  readonly at: Ip;
  readonly socket: DatagramSocket;
  /** Of what it answers. */
  readonly header: Uint8Array;
  /** Those that lead to it. */
  readonly destinations = new Set<Destination>();
  /** When a datagram last came from it. */
  used = 0;
  /** When a decision that allows it is to be renewed. */
  due = 0;

  constructor({ ip, port }: Candidate, at: Ip, socket: DatagramSocket) {
    this.ip = ip;
    this.port = port;
    this.at = at;
    this.socket = socket;
    this.header = encodeHeader(at, port);
  }
}
