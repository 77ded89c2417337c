/** Opens connections to decided addresses: Happy Eyeballs v2 (RFC 8305) with an overall deadline. Resolves no names. */
import { createConnection, type Socket } from "node:net";
import type { Conn } from "./conn.ts";
import { Deadlines } from "./deadlines.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { DIAL_HANDLERS, type Dialing, type NativeConn } from "./native-conn.ts";
import { NodeConn } from "./node-conn.ts";

export interface Candidate {
  ip: string;
  port: number;
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

/** Told the outcome of a dial; exactly one of the two, once, and never before `dial` has returned. */
export interface Dialled {
  opened(conn: Conn): void;
  failed(error: DialError): void;
}

/** Opens connections under one deadline for all candidates of a target together. */
export class Dialer {
  readonly #timeout: number;
  readonly #keepAlive: KeepAlive;
  readonly #deadlines: Deadlines<Attempt>;

  /** `timeout` in milliseconds. */
  constructor(timeout: number, keepAlive: KeepAlive) {
    this.#timeout = timeout;
    this.#keepAlive = keepAlive;
    this.#deadlines = new Deadlines(timeout, (attempt) => attempt.late(timedOut(timeout)));
  }

  /** Connects to the first candidate that answers. The order is the caller's; `interleave` gives RFC 8305's. */
  dial(candidates: readonly Candidate[], outcome: Dialled): void {
    if (candidates.length === 1) {
      const { ip, port } = candidates[0]!;
      new Attempt(this.#keepAlive, this.#deadlines, outcome).start(ip, port);
      return;
    }
    race(candidates, this.#timeout, this.#keepAlive).then(
      (conn) => outcome.opened(conn),
      (error: unknown) => outcome.failed(error instanceof DialError ? error : failure(error)),
    );
  }
}

/**
 * The only candidate. The runtime's own socket is the cheap way, but cannot be given up while it connects: past the
 * deadline the caller is told, and the attempt counts as abandoned until the system ends it.
 */
class Attempt implements Dialing {
  readonly keepAlive: KeepAlive;
  readonly #deadlines: Deadlines<Attempt>;
  readonly #outcome: Dialled;
  #late = false;

  constructor(keepAlive: KeepAlive, deadlines: Deadlines<Attempt>, outcome: Dialled) {
    this.keepAlive = keepAlive;
    this.#deadlines = deadlines;
    this.#outcome = outcome;
  }

  start(hostname: string, port: number): void {
    this.#deadlines.add(this);
    const options = { hostname, port, allowHalfOpen: true, data: this, socket: DIAL_HANDLERS };
    Bun.connect(options as never).catch((error: unknown) => this.#failed(error));
  }

  opened(conn: NativeConn): void {
    if (this.#late) {
      abandoned--;
      conn.destroy();
      return;
    }
    this.#deadlines.remove(this);
    this.#outcome.opened(conn);
  }

  #failed(error: unknown): void {
    if (this.#late) {
      abandoned--;
      return;
    }
    this.#deadlines.remove(this);
    this.#outcome.failed(failure(error));
  }

  late(error: DialError): void {
    this.#late = true;
    abandoned++;
    this.#outcome.failed(error);
  }
}

/** Several candidates: started one after the other, at once when the one before has failed; the losers are given up. */
function race(candidates: readonly Candidate[], timeout: number, keepAlive: KeepAlive): Promise<Conn> {
  return new Promise((resolve, reject) => {
    const attempts = new Set<Socket>();
    let next = 0;
    let stagger: ReturnType<typeof setTimeout> | undefined;
    let last: DialError | undefined;
    const deadline = setTimeout(() => settle(() => reject(timedOut(timeout))), timeout);

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
        settle(() => resolve(new NodeConn(socket, keepAlive)));
      });
      if (next < candidates.length) stagger = setTimeout(start, STAGGER);
    }

    start();
  });
}

function timedOut(ms: number): DialError {
  return new DialError("timeout", `no answer within ${ms} ms`);
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
