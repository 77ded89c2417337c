/** Opens connections to decided addresses: Happy Eyeballs v2 (RFC 8305) with an overall deadline. Resolves no names. */
import { createConnection, type Socket } from "node:net";
import type { Conn } from "./conn.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { nativeHandlers, type NativeConn } from "./native-conn.ts";
import { NodeConn } from "./node-conn.ts";

export interface Candidate {
  ip: string;
  port: number;
}

export interface DialOptions {
  /** Milliseconds for all candidates together. */
  timeout: number;
  keepAlive: KeepAlive;
}

export type DialFailure = "refused" | "host_unreachable" | "network_unreachable" | "timeout" | "exhausted" | "other";

/** Why no candidate could be reached; `kind` is that of the last attempt that failed, or `timeout`. */
export class DialError extends Error {
  readonly kind: DialFailure;
  constructor(kind: DialFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Milliseconds between attempts (RFC 8305 section 8, Connection Attempt Delay). */
const STAGGER = 250;

let abandoned = 0;

/** Attempts that were given up while the system still tries; each holds a descriptor until the system gives up too. */
export function abandonedDials(): number {
  return abandoned;
}

/** Connects to the first candidate that answers. Order is the caller's; `interleave` gives RFC 8305's. */
export function dial(candidates: readonly Candidate[], options: DialOptions): Promise<Conn> {
  const only = candidates[0];
  if (only === undefined) return Promise.reject(new DialError("other", "nothing to connect to"));
  return candidates.length === 1 ? dialOne(only, options) : race(candidates, options);
}

/** IPv6 and IPv4 in turn, beginning with the family of the first (RFC 8305 section 4). */
export function interleave(candidates: readonly Candidate[]): Candidate[] {
  const isV6 = (candidate: Candidate) => candidate.ip.includes(":");
  const lead = candidates.filter((candidate) => isV6(candidate) === isV6(candidates[0]!));
  const other = candidates.filter((candidate) => isV6(candidate) !== isV6(candidates[0]!));
  const mixed: Candidate[] = [];
  for (let i = 0; i < Math.max(lead.length, other.length); i++) {
    if (lead[i] !== undefined) mixed.push(lead[i]!);
    if (other[i] !== undefined) mixed.push(other[i]!);
  }
  return mixed;
}

/**
 * The runtime's own socket is the cheap way, but cannot be given up while it connects: past the deadline the caller is
 * told, and the attempt counts as abandoned until the system ends it.
 */
function dialOne({ ip, port }: Candidate, options: DialOptions): Promise<Conn> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      abandoned++;
      reject(timedOut(options));
    }, options.timeout);
    const opened = (conn: NativeConn) => {
      clearTimeout(timer);
      if (late) {
        abandoned--;
        conn.destroy();
        return;
      }
      resolve(conn);
    };
    Bun.connect<NativeConn>({
      hostname: ip,
      port,
      allowHalfOpen: true,
      socket: nativeHandlers(options.keepAlive, opened),
    } as never).catch((error: unknown) => {
      clearTimeout(timer);
      if (late) abandoned--;
      else reject(failure(error));
    });
  });
}

/** Several candidates: started one after the other, at once when the one before has failed; the losers are given up. */
function race(candidates: readonly Candidate[], options: DialOptions): Promise<Conn> {
  return new Promise((resolve, reject) => {
    const attempts = new Set<Socket>();
    let next = 0;
    let stagger: ReturnType<typeof setTimeout> | undefined;
    let last: DialError | undefined;
    const deadline = setTimeout(() => settle(() => reject(timedOut(options))), options.timeout);

    function settle(finish: () => void): void {
      clearTimeout(deadline);
      clearTimeout(stagger);
      next = candidates.length;
      for (const attempt of attempts) attempt.destroy();
      attempts.clear();
      finish();
    }

    function start(): void {
      const candidate = candidates[next++];
      if (candidate === undefined) return;
      const socket = createConnection({ host: candidate.ip, port: candidate.port, allowHalfOpen: true });
      attempts.add(socket);
      const onError = (error: Error) => {
        if (!attempts.delete(socket)) return;
        last = failure(error);
        if (next < candidates.length) {
          clearTimeout(stagger);
          start();
        } else if (attempts.size === 0) settle(() => reject(last));
      };
      socket.once("error", onError);
      socket.once("connect", () => {
        socket.off("error", onError);
        attempts.delete(socket);
        settle(() => resolve(new NodeConn(socket, options.keepAlive)));
      });
      if (next < candidates.length) stagger = setTimeout(start, STAGGER);
    }

    start();
  });
}

function timedOut(options: DialOptions): DialError {
  return new DialError("timeout", `no answer within ${options.timeout} ms`);
}

function failure(error: unknown): DialError {
  const code = (error as { code?: string }).code ?? "";
  return new DialError(KINDS[code] ?? "other", code === "" ? String(error) : code);
}

const KINDS: Record<string, DialFailure | undefined> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "refused",
  EHOSTUNREACH: "host_unreachable",
  EHOSTDOWN: "host_unreachable",
  ENETUNREACH: "network_unreachable",
  ENETDOWN: "network_unreachable",
  EADDRNOTAVAIL: "network_unreachable",
  EAFNOSUPPORT: "network_unreachable",
  EACCES: "network_unreachable",
  ETIMEDOUT: "timeout",
  EMFILE: "exhausted",
  ENFILE: "exhausted",
  ENOBUFS: "exhausted",
  ENOMEM: "exhausted",
};
