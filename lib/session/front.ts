/** What the front protocols have in common: a request that a client makes of the proxy, and the ways to answer it. No protocol. */

import type { WriteBody } from "./http-refusal.ts";
import type { Ip } from "../wire/ip.ts";

/** `HTTP/1` forward requests take another way: see commands/socks/forward.ts. */
type FrontProtocol = "socks5" | "socks4" | "http";

export interface ProxyRequest {
  protocol: FrontProtocol;
  /** As sent by the client; not yet canonical. */
  host: string;
  /** Where the client sent an address as such; `host` is its canonical text. */
  ip: Ip | undefined;
  port: number;
  /** What only HTTP has. */
  http: HttpRequest | undefined;
  /** What is asked for, where it is not a connection: to send datagrams there. */
  command?: "udp_associate";
}

/** From where a client says that its datagrams will come; what it leaves open it may say by its first one. */
export interface DatagramSource {
  /** Undefined is any address of the client, as `0.0.0.0` and `::` are. */
  ip: Ip | undefined;
  /** 0 is any. */
  port: number;
}

interface HttpRequest {
  method: string | undefined;
  /** Empty for CONNECT, as is the query. */
  path: string;
  query: string;
  /** Field lines in order. Taken apart when asked for, which few policies do. */
  headers(): readonly (readonly [name: string, value: string])[];
  /** Of the protocol: `1.0`, `1.1` or `2`. */
  version: string | undefined;
  /** Absent: http. */
  scheme?: string;
}

/** Why a request is not served; each protocol says it in its own words. */
export type Refusal =
  | "denied"
  | "bad_request"
  | "unsupported_command"
  | "unsupported_address"
  | "unsupported_coding"
  | "name_not_found"
  | "resolver_failed"
  | "resolver_timeout"
  | "refused"
  | "host_unreachable"
  | "network_unreachable"
  | "connect_timeout"
  | "limit"
  | "draining"
  | "failed";

/** What a session asks of its driver, in this order. */
export type Step =
  | { type: "send"; bytes: Uint8Array }
  | { type: "authenticate"; user: string; password: Uint8Array }
  | { type: "request"; request: ProxyRequest }
  /** A relay for datagrams is asked for (RFC 1928 section 7). */
  | { type: "associate"; source: DatagramSource }
  /** The client broke the protocol: send `bytes`, if any, and close. */
  | { type: "fail"; reason: string; bytes?: Uint8Array };

/**
 * One client's dialogue up to the tunnel. `receive` takes bytes as they come, in any split, and answers what to do.
 * After a `request` step nothing more is consumed: `rest` holds what came behind it, the first bytes of the tunnel.
 */
export interface FrontSession {
  readonly protocol: FrontProtocol;
  receive(bytes: Uint8Array): Step[];
  /** Answers an `authenticate` step. */
  authenticated(accepted: boolean): Step[];
  readonly rest: Uint8Array;
  /** The bytes that tell the client that its tunnel is open. */
  accept(): Uint8Array;
  /** After an `associate` step: the bytes that tell the client where its datagrams are taken. */
  associated?(ip: Ip, port: number): Uint8Array;
  /** The bytes that tell the client why not; `write` is for protocols that have a body. */
  refuse(refusal: Refusal, message: string, write?: WriteBody): Uint8Array;
}

export const NOTHING = new Uint8Array(0);

/** What every dialogue keeps: bytes that it has not consumed, and whether users are asked for. */
export abstract class Front {
  protected held: Uint8Array = NOTHING;
  protected readonly withUsers: boolean;

  constructor(withUsers: boolean) {
    this.withUsers = withUsers;
  }

  get rest(): Uint8Array {
    return this.held;
  }
}

/** Bytes of an incomplete message and those that follow it, as one. */
export function concat(held: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (held.length === 0) return bytes;
  const joined = new Uint8Array(held.length + bytes.length);
  joined.set(held);
  joined.set(bytes, held.length);
  return joined;
}

/** What stands behind the first `length` bytes; the usual nothing costs no view. */
export function after(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length === length ? NOTHING : bytes.subarray(length);
}
