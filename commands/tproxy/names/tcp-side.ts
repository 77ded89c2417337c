/** Clients by TCP: many queries on a connection, answered in the order in which answers are there (RFC 7766 section 6.2.1.1). */
import type { Conn, ConnEvents } from "../../../lib/net/conn.ts";
import { Deadlines, Due } from "../../../lib/net/deadlines.ts";
import { DnsFrames, frameDns } from "../../../lib/session/dns-tcp.ts";
import { DNS_HEADER } from "../../../lib/wire/dns.ts";
import { MOST_QUERY, type Client } from "./answerer.ts";
import type { Asker } from "./forwarder.ts";
import type { SideParts } from "./udp-side.ts";

/** Queries of one connection that wait for a resolver; more are not read before one of them is answered. */
const MOST_OWED = 64;

export class TcpSide {
  readonly parts: SideParts;
  readonly deadlines: Deadlines;
  readonly open = new Set<TcpClient>();
  readonly #most: number;

  /** `most` connections at a time; `idle` milliseconds without a whole query end one. */
  constructor(parts: SideParts, most: number, idle: number) {
    this.parts = parts;
    this.deadlines = new Deadlines(idle);
    this.#most = most;
  }

  /** Who comes when all places are taken takes that of the one that has been idle longest, if one is. */
  accept(conn: Conn): void {
    const { counts, allowed } = this.parts;
    const { remote } = conn;
    const ip = "ip" in remote ? remote.ip : "";
    if (allowed !== undefined && !allowed(ip)) {
      counts.dropped.stranger++;
      conn.destroy();
      return;
    }
    if (this.open.size >= this.#most && !this.#makeRoom()) {
      counts.dropped.connection++;
      conn.destroy();
      return;
    }
    counts.connections++;
    const client = new TcpClient(this, conn, ip, "port" in remote ? remote.port : 0);
    this.open.add(client);
    conn.attach(client);
  }

  #makeRoom(): boolean {
    for (const client of this.open) {
      if (client.owed > 0) continue;
      client.cut();
      return true;
    }
    return false;
  }

  left(client: TcpClient): void {
    if (this.open.delete(client)) this.parts.counts.connections--;
  }

  /** Who waits for an answer gets it first. */
  drain(): void {
    for (const client of this.open) client.finish();
  }

  cut(): void {
    for (const client of this.open) client.cut();
  }
}

class TcpClient extends Due implements ConnEvents, Asker, Client {
  readonly transport = "tcp";
  /** Queries whose answer is still to come. */
  owed = 0;
  readonly #side: TcpSide;
  readonly #conn: Conn;
  readonly ip: string;
  readonly port: number;
  readonly #frames = new DnsFrames(DNS_HEADER, MOST_QUERY);
  #full = false;
  #paused = false;
  /** Nothing more will be asked. */
  #last = false;
  #reading = false;
  /** Asks in its stead for names that are ours if they are real. */
  readonly #standIn: Asker = {
    transport: "tcp",
    answered: (answer, bytes, query) => this.answered(this.#side.parts.answerer.standIn(answer, bytes, query, this)),
  };

  constructor(side: TcpSide, conn: Conn, ip: string, port: number) {
    super();
    this.#side = side;
    this.#conn = conn;
    this.ip = ip;
    this.port = port;
    side.deadlines.add(this);
  }

  data(chunk: Uint8Array): void {
    this.#frames.push(chunk);
    this.#read();
  }

  #read(): void {
    // An answer that is there at once leads back here.
    if (this.#reading) return;
    this.#reading = true;
    while (!this.#full && this.owed < MOST_OWED && !this.#conn.closed) {
      const message = this.#frames.next();
      if (message === "more") break;
      if (message === "bad") {
        this.#side.parts.counts.answers.malformed++;
        this.cut();
        break;
      }
      this.#side.deadlines.add(this);
      this.#take(message);
    }
    this.#reading = false;
    this.#flow();
  }

  #take(message: Uint8Array): void {
    const { answerer, forwarder } = this.#side.parts;
    const answer = answerer.answer(message, this);
    if (answer instanceof Uint8Array) this.#send(answer);
    else if (answer !== undefined && forwarder !== undefined) {
      this.owed++;
      forwarder.forward(Buffer.from(message), answer.query, answer.ifReal ? this.#standIn : this);
    }
  }

  answered(answer: Uint8Array): void {
    this.owed--;
    this.#side.deadlines.add(this);
    this.#send(answer);
    this.#read();
  }

  #send(answer: Uint8Array): void {
    if (!this.#conn.closed && !this.#conn.write(frameDns(answer))) this.#full = true;
  }

  #flow(): void {
    const pause = this.#full || this.owed >= MOST_OWED;
    if (pause !== this.#paused && !this.#conn.closed) {
      this.#paused = pause;
      if (pause) this.#conn.pause();
      else this.#conn.resume();
    }
    if (this.#last && this.owed === 0 && !this.#full) this.#conn.end();
  }

  drain(): void {
    this.#full = false;
    this.#read();
  }

  /** What is asked already is answered still. */
  end(): void {
    this.finish();
  }

  finish(): void {
    this.#last = true;
    this.#read();
  }

  close(): void {
    this.#side.deadlines.remove(this);
    this.#side.left(this);
  }

  /** While it waits for us, it is not idle. */
  override late(): void {
    if (this.owed > 0) this.#side.deadlines.add(this);
    else this.cut();
  }

  cut(): void {
    this.#conn.destroy();
    this.close();
  }
}
