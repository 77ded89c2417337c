/** One resolver: the sockets by which it is asked, each at a port that nobody can guess, and whether it answered of late. Knows no question. */
import type { Candidate } from "../../../lib/net/dial.ts";
import { openDatagrams, type DatagramPeer, type DatagramSocket } from "../../../lib/net/datagrams.ts";
import type { StubCounts } from "./counts.ts";
import { randomBelow, randomWord } from "./random-words.ts";

/** A question that is under way at a socket. */
export interface Asked {
  /** What came back under its id. The bytes are the receiver's. */
  replied(reply: Buffer): void;
  /** The system says that nobody is there. */
  unreachable(): void;
}

/** Sockets for each resolver: who forges answers must hit one of their ports and an id that is under way there. */
const SOCKETS = 8;
/** Milliseconds after which a socket is exchanged for one at another port. */
const LIFETIME = 20_000;
/** Milliseconds for which one that failed is asked last. */
const SHUNNED = 10_000;

/** Done to a socket before anything is sent by it, e.g. to mark its packets. */
export type PrepareSocket = (fd: number) => void;

export class Resolver {
  readonly candidate: Candidate;
  readonly #peer: DatagramPeer;
  readonly #counts: StubCounts;
  readonly #prepare: PrepareSocket | undefined;
  #sockets: Line[] = [];
  #exchanging = false;
  #closed = false;
  #shunnedUntil = -Infinity;

  private constructor(candidate: Candidate, counts: StubCounts, prepare: PrepareSocket | undefined) {
    this.candidate = candidate;
    this.#peer = { ...candidate };
    this.#counts = counts;
    this.#prepare = prepare;
  }

  /** Rejects with the system's error, which has a `code`. */
  static async open(candidate: Candidate, counts: StubCounts, prepare?: PrepareSocket): Promise<Resolver> {
    const resolver = new Resolver(candidate, counts, prepare);
    try {
      for (let i = 0; i < SOCKETS; i++) resolver.#sockets.push(await resolver.#open());
    } catch (error) {
      resolver.close();
      throw error;
    }
    return resolver;
  }

  /** Whether it failed a moment ago. */
  get shunned(): boolean {
    return performance.now() < this.#shunnedUntil;
  }

  failed(): void {
    this.#shunnedUntil = performance.now() + SHUNNED;
  }

  answered(): void {
    this.#shunnedUntil = -Infinity;
  }

  /** Whether a question with that id is under way at its socket that is bound to `port`. */
  isAsking(port: number, id: number): boolean {
    for (const { socket, asked } of this.#sockets) if (socket.port === port) return asked.has(id);
    return false;
  }

  async #open(): Promise<Line> {
    const line = new Line(this.candidate, this.#counts);
    const { ip, port } = this.candidate;
    const any = ip.includes(":") ? "::" : "0.0.0.0";
    line.socket = await openDatagrams(any, line, {
      connect: { ip, port },
      patient: true,
      ...(this.#prepare && { prepare: this.#prepare }),
    });
    return line;
  }

  /** A place for a question at one of its sockets, with an id that is free there. */
  place(asked: Asked): Place {
    const at = randomBelow(this.#sockets.length);
    const line = this.#sockets[at]!;
    if (!this.#exchanging && performance.now() - line.born > LIFETIME) void this.#exchange(line);
    let id = randomWord();
    while (line.asked.has(id)) id = randomWord();
    line.asked.set(id, asked);
    return { line, id };
  }

  send(place: Place, bytes: Uint8Array): boolean {
    return place.line.socket.send(bytes, this.#peer) === undefined;
  }

  /** One that cannot be exchanged stays. */
  async #exchange(line: Line): Promise<void> {
    this.#exchanging = true;
    const next = await this.#open().catch(() => undefined);
    this.#exchanging = false;
    if (next === undefined) line.born = performance.now();
    else if (this.#closed) next.socket.close();
    else {
      this.#sockets[this.#sockets.indexOf(line)] = next;
      line.retire();
    }
  }

  close(): void {
    this.#closed = true;
    for (const { socket } of this.#sockets) socket.close();
    this.#sockets = [];
  }
}

export interface Place {
  readonly line: Line;
  readonly id: number;
}

/** The question is not under way any more: what comes under its id is not for it. */
export function leave({ line, id }: Place): void {
  line.asked.delete(id);
  line.closeWhenIdle();
}

/** A socket and the questions that are under way there, by id. */
class Line {
  socket!: DatagramSocket;
  born = performance.now();
  readonly asked = new Map<number, Asked>();
  readonly #candidate: Candidate;
  readonly #counts: StubCounts;
  #retired = false;

  constructor(candidate: Candidate, counts: StubCounts) {
    this.#candidate = candidate;
    this.#counts = counts;
  }

  datagram(bytes: Buffer, port: number, ip: string): void {
    // What came before the socket was connected may be anybody's.
    const known = port === this.#candidate.port && ip === this.#candidate.ip;
    const asked = known && bytes.length >= 12 ? this.asked.get(bytes[0]! * 256 + bytes[1]!) : undefined;
    if (asked === undefined) this.#counts.upstream.unexpected++;
    else asked.replied(bytes);
  }

  refused(): void {
    // Those that come back here while they are told are not to be told again.
    const all = [...this.asked.values()];
    for (const asked of all) asked.unreachable();
  }

  /** Closed once nothing is under way: late answers are then of no use. */
  retire(): void {
    this.#retired = true;
    this.closeWhenIdle();
  }

  closeWhenIdle(): void {
    if (!this.#retired || this.asked.size > 0) return;
    this.#retired = false;
    this.socket.close();
  }
}
