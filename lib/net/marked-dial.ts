/** Dials with a firewall mark on each socket, Happy Eyeballs (RFC 8305) included. Where no mark is wanted see dial.ts. */
import { closeSync } from "node:fs";
import { connectMarked, connectState } from "../ffi/marked-socket.ts";
import { parseIp } from "../wire/ip.ts";
import { adoptDescriptor } from "./adopt.ts";
import { Due, type Deadlines } from "./deadlines.ts";
import { diagnose, timedOut, type Candidate, type Dialled } from "./dial.ts";
import { boundAddress } from "./inherited.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { NativeConn } from "./native-conn.ts";

/** Milliseconds between attempts (RFC 8305 section 8, Connection Attempt Delay). */
const STAGGER = 250;
/** Addresses of one name that are tried. */
const MOST = 8;
/** Of the time that an attempt has taken, until it is looked at again. */
const PARTS = 16;
/** Turns of the event loop in which it is looked at first. */
const TURNS = 2;

/** What each of a dialer's dials has. */
export interface MarkedDialing {
  readonly mark: number;
  readonly keepAlive: KeepAlive;
  /** For all candidates of a dial together; `timeout` is their length, in milliseconds. */
  readonly deadlines: Deadlines;
  readonly timeout: number;
}

/** Connects to the first candidate that answers. */
export function dialMarked(candidates: readonly Candidate[], dialing: MarkedDialing, told: Dialled): void {
  new Race(candidates.slice(0, MOST), dialing, told).start();
}

interface Failed {
  candidate: Candidate;
  error: unknown;
}

interface Told {
  connected(conn: NativeConn): void;
  failed(failed: Failed): void;
}

/** Candidates are started one after the other, the next at once when one has failed; the losers are given up. */
class Race extends Due {
  readonly #candidates: readonly Candidate[];
  readonly #dialing: MarkedDialing;
  readonly #told: Dialled;
  readonly #attempts = new Set<Attempt>();
  #next = 0;
  #stagger: ReturnType<typeof setTimeout> | undefined;

  constructor(candidates: readonly Candidate[], dialing: MarkedDialing, told: Dialled) {
    super();
    this.#candidates = candidates;
    this.#dialing = dialing;
    this.#told = told;
  }

  start(): void {
    this.#dialing.deadlines.add(this);
    this.#begin();
  }

  #begin(): void {
    const candidate = this.#candidates[this.#next++];
    if (candidate === undefined) return;
    const { mark, keepAlive } = this.#dialing;
    const attempt = new Attempt(keepAlive, {
      connected: (conn) => {
        if (!this.#attempts.delete(attempt)) {
          conn.destroy();
          return;
        }
        this.#settle();
        this.#told.opened(conn);
      },
      failed: (failed) => {
        if (!this.#attempts.delete(attempt)) return;
        clearTimeout(this.#stagger);
        if (this.#next < this.#candidates.length) this.#begin();
        else if (this.#attempts.size === 0) {
          this.#settle();
          void diagnose(failed.candidate, failed.error).then((found) => this.#told.failed(found));
        }
      },
    });
    this.#attempts.add(attempt);
    attempt.start(candidate, mark);
    if (this.#next < this.#candidates.length) this.#stagger = setTimeout(() => this.#staggered(), STAGGER);
  }

  /** Who has answered by now does so before the next is asked: this may come late. */
  #staggered(): void {
    for (const attempt of this.#attempts) attempt.look();
    if (![...this.#attempts].some(({ connected }) => connected)) this.#begin();
  }

  override late(): void {
    this.#settle();
    this.#told.failed(timedOut(this.#dialing.timeout));
  }

  #settle(): void {
    this.#dialing.deadlines.remove(this);
    clearTimeout(this.#stagger);
    this.#next = this.#candidates.length;
    for (const attempt of this.#attempts) attempt.giveUp();
    this.#attempts.clear();
  }
}

/**
 * One candidate. Nothing tells of such a socket when it is connected: it is looked at again after a part of the time that
 * it has taken so far.
 */
class Attempt {
  readonly #told: Told;
  readonly #started = performance.now();
  readonly #keepAlive: KeepAlive;
  #candidate: Candidate | undefined;
  #fd = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #turns = 0;

  /** The system says so; the connection itself follows. */
  connected = false;

  constructor(keepAlive: KeepAlive, told: Told) {
    this.#keepAlive = keepAlive;
    this.#told = told;
  }

  start(candidate: Candidate, mark: number): void {
    this.#candidate = candidate;
    const ip = parseIp(candidate.ip);
    const fd = ip === undefined ? "EINVAL" : connectMarked(ip, candidate.port, mark);
    if (typeof fd === "string") queueMicrotask(() => this.#fail(fd));
    else {
      this.#fd = fd;
      // On this machine it is done at once.
      this.look();
    }
  }

  giveUp(): void {
    clearTimeout(this.#timer);
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  look(): void {
    if (this.#fd < 0) return;
    const state = connectState(this.#fd);
    if (state === "connected") this.#adopt();
    else if (state === "pending") this.#wait();
    else {
      this.giveUp();
      queueMicrotask(() => this.#fail(state));
    }
  }

  /** A timer is a millisecond late at least, in which whoever is near has long answered. */
  #wait(): void {
    if (this.#turns++ < TURNS) setImmediate(() => this.look());
    else {
      const ms = Math.max(1, (performance.now() - this.#started) / PARTS);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.look(), ms);
    }
  }

  #adopt(): void {
    const fd = this.#fd;
    this.#fd = -1;
    this.connected = true;
    const ends = { remote: this.#candidate!, local: boundAddress(fd) ?? { path: "" } };
    void adoptDescriptor(fd, ends, this.#keepAlive).then(
      (conn) => this.#told.connected(conn),
      (error: unknown) => this.#told.failed({ candidate: this.#candidate!, error }),
    );
  }

  #fail(code: string): void {
    this.#told.failed({ candidate: this.#candidate!, error: Object.assign(new Error(code), { code }) });
  }
}
