/** Opens connections to decided addresses, under an overall deadline: one by itself, several as race.ts has it. Resolves no names. */
import type { Conn } from "./conn.ts";
import { Deadlines, Due } from "./deadlines.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { DIAL_HANDLERS, type Dialing, type Ends, type NativeConn } from "./native-conn.ts";

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

/** Sees each dial: gives `outcome` back, or what tells it. */
export interface DialMeter {
  dialled(outcome: Dialled): Dialled;
}

/** Once it is there: to import it for each dial costs more than the dial. */
let marked: Promise<typeof import("./marked-dial.ts")> | undefined;

/** Opens connections under one deadline for all candidates of a target together. */
export class Dialer {
  readonly #timeout: number;
  readonly #keepAlive: KeepAlive;
  readonly #deadlines: Deadlines;
  readonly #mark: number | undefined;
  /** Undefined where nobody measures. */
  meter: DialMeter | undefined;

  /** `timeout` in milliseconds; `mark` is the firewall mark of every TCP socket (it takes CAP_NET_ADMIN). */
  constructor(timeout: number, keepAlive: KeepAlive, mark?: number) {
    this.#timeout = timeout;
    this.#mark = mark;
    this.#keepAlive = keepAlive;
    this.#deadlines = new Deadlines(timeout);
  }

  /** The same as a value: the connection, or why there is none. */
  open(candidates: readonly Candidate[], silent = false): Promise<Conn | DialError> {
    return new Promise((resolve) => this.dial(candidates, { opened: resolve, failed: resolve }, silent));
  }

  /** Connects to the UNIX socket at `path`. */
  openUnix(path: string): Promise<Conn | DialError> {
    return new Promise((resolve) => {
      const outcome = { opened: resolve, failed: resolve };
      new Attempt({ path }, this.#keepAlive, this.#deadlines, this.#timeout, outcome).start();
    });
  }

  /**
   * Connects to the first candidate that answers. The order is the caller's; `interleave` gives RFC 8305's. Where they were
   * `silent` of late, it takes the way on which attempts can be given up: nothing piles up before a dead host.
   */
  dial(candidates: readonly Candidate[], told: Dialled, silent = false): void {
    const outcome = this.meter === undefined ? told : this.meter.dialled(told);
    if (candidates.length === 0) {
      queueMicrotask(() => outcome.failed(new DialError("other", "there is no address to connect to")));
      return;
    }
    const mark = this.#mark;
    if (mark === undefined && candidates.length === 1 && !silent) {
      new Attempt(candidates[0]!, this.#keepAlive, this.#deadlines, this.#timeout, outcome).start();
      return;
    }
    const failed = (error: unknown) => outcome.failed(error instanceof DialError ? error : dialError(error));
    // Imported when first needed: node:net costs a daemon megabytes.
    if (mark === undefined) {
      import("./race.ts")
        .then(({ race }) => race(candidates, this.#timeout, this.#keepAlive))
        .then((conn) => outcome.opened(conn), failed);
      return;
    }
    const dialing = { mark, keepAlive: this.#keepAlive, deadlines: this.#deadlines, timeout: this.#timeout };
    (marked ??= import("./marked-dial.ts")).then(({ dialMarked }) => dialMarked(candidates, dialing, outcome), failed);
  }
}

/**
 * The only candidate. The runtime's own socket is the cheap way, but cannot be given up while it connects: past the
 * deadline the caller is told, and the attempt counts as abandoned until the system ends it.
 */
class Attempt extends Due implements Dialing {
  readonly keepAlive: KeepAlive;
  readonly #deadlines: Deadlines;
  readonly #outcome: Dialled;
  readonly #timeout: number;
  readonly #candidate: Candidate | { path: string };
  #late = false;

  constructor(
    candidate: Candidate | { path: string },
    keepAlive: KeepAlive,
    deadlines: Deadlines,
    timeout: number,
    outcome: Dialled,
  ) {
    super();
    this.#candidate = candidate;
    this.#timeout = timeout;
    this.keepAlive = keepAlive;
    this.#deadlines = deadlines;
    this.#outcome = outcome;
  }

  /** Of IPv6, the system has a spelling of its own. */
  get ends(): Partial<Ends> {
    const to = this.#candidate;
    return "path" in to || to.ip.includes(":") ? {} : { remote: to };
  }

  start(): void {
    this.#deadlines.add(this);
    const to = this.#candidate;
    const where = "path" in to ? { unix: to.path } : { hostname: to.ip, port: to.port };
    const options = { ...where, allowHalfOpen: true, data: this, socket: DIAL_HANDLERS };
    void Bun.connect(options as never);
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

  refused(reason: unknown): void {
    if (this.#late) {
      abandoned--;
      return;
    }
    this.#deadlines.remove(this);
    void diagnose(this.#candidate, reason).then((found) => this.#outcome.failed(found));
  }

  override late(): void {
    this.#late = true;
    abandoned++;
    this.#outcome.failed(timedOut(this.#timeout));
  }
}

/** No candidate answered in time. */
export function timedOut(ms: number): DialError {
  return new DialError("timeout", `no answer within ${ms} ms`);
}

/** What the system's refusal of one attempt means. */
function dialError(error: unknown): DialError {
  const code = (error as { code?: string }).code ?? "";
  return new DialError(KINDS[code] ?? "other", code === "" ? String(error) : code);
}

/**
 * The runtime says ECONNREFUSED also where there is no route at all. Connecting a datagram socket sends nothing, and
 * fails with the true reason.
 */
export async function diagnose(to: Candidate | { path: string }, error: unknown): Promise<DialError> {
  const found = dialError(error);
  if (found.kind !== "refused" || "path" in to) return found;
  try {
    const hostname = to.ip.includes(":") ? "::" : "0.0.0.0";
    const probe = await Bun.udpSocket({ hostname, connect: { hostname: to.ip, port: to.port } });
    probe.close();
    return found;
  } catch (reason) {
    return dialError(reason);
  }
}

const KINDS: Record<string, DialFailure | undefined> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "refused",
  ENOENT: "refused",
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
