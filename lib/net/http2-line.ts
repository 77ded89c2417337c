/** One connection of a pool (http2-pool.ts): whether it takes more tunnels, whether its peer is alive, and when it is closed. */
import type { Http2Connect } from "../session/http2-connect.ts";
import type { Conn } from "./conn.ts";
import { Deadlines, Due } from "./deadlines.ts";
import { Http2ClientConn, type Http2ClientTold, type NoTunnel } from "./http2-client-conn.ts";

/** Tunnels of one connection, whatever the proxy allows. */
const MOST_TUNNELS = 1000;
/** Bytes of the fields of an answer. */
const MOST_HEAD = 16 * 1024;
const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** Shared by the connections of a pool. */
export interface LineTimes {
  /** For an answer: to the greeting, to a request, to a PING. */
  answer: Deadlines;
  /** Of silence, with tunnels open, before the peer is asked whether it is there. */
  silence: Deadlines;
  /** Without a tunnel, before it is closed. */
  idle: Deadlines;
}

export class Http2Line extends Due implements Http2ClientTold {
  /** Undefined once it can be used; else why it cannot. */
  readonly ready: Promise<string | undefined>;
  readonly #http2: Http2ClientConn;
  readonly #times: LineTimes;
  readonly #gone: () => void;
  #tell!: (trouble: string | undefined) => void;
  /** In which it waits. */
  #list: Deadlines | undefined;
  /** Bytes that had come when that began. */
  #heard = 0;
  #asked = false;
  /** It left a request without an answer: it gets no other until it shows that it is alive. */
  #doubted = false;
  #retired = false;

  /** `conn` speaks HTTP/2; `gone` is told of its end. */
  constructor(conn: Conn, times: LineTimes, gone: () => void) {
    super();
    this.#times = times;
    this.#gone = gone;
    this.ready = new Promise((resolve) => (this.#tell = resolve));
    this.#http2 = new Http2ClientConn(conn, { streams: MOST_TUNNELS, head: MOST_HEAD }, this);
    this.#wait(times.answer);
    this.#http2.begin(NOTHING);
  }

  get tunnels(): number {
    return this.#http2.open;
  }

  /** Tunnels that it may carry together. */
  get most(): number {
    return this.#http2.session.most;
  }

  /** Whether it will take no more tunnels, ever. */
  get isLeaving(): boolean {
    return this.#retired || this.#http2.session.isLeaving;
  }

  /** Whether it takes another one now. */
  get isFree(): boolean {
    return !this.#retired && !this.#doubted && this.#http2.session.vacancies > 0;
  }

  /** To be called while it is free. */
  async ask(request: Http2Connect): Promise<Conn | NoTunnel> {
    const answer = this.#http2.ask(request, this.#times.answer);
    if (this.#list === this.#times.idle) this.#rest();
    const answered = await answer;
    if ("code" in answered && answered.code === "timeout") this.#doubt();
    return answered;
  }

  /** No more tunnels; those that are there go on. */
  retire(): void {
    this.#retired = true;
    if (this.#http2.open === 0 && this.#http2.session.settled) this.leave();
  }

  /** Ends it, with all its tunnels. */
  leave(): void {
    this.#wait(undefined);
    this.#http2.leave();
  }

  settled(): void {
    if (this.#list !== this.#times.answer || this.#asked) return;
    this.#tell(undefined);
    this.#rest();
  }

  idle(): void {
    if (!this.#asked) this.#rest();
  }

  goneAway(): void {
    if (this.#http2.open === 0) this.leave();
  }

  pong(): void {
    if (this.#asked) this.#isThere();
  }

  failed(reason: string): void {
    this.#tell(`it does not speak HTTP/2: ${reason}`);
  }

  closed(error?: Error & { code?: string }): void {
    this.#wait(undefined);
    this.#tell(`it closed the connection${error?.code === undefined ? "" : ` (${error.code})`}`);
    this.#gone();
  }

  override late(): void {
    const heard = this.#http2.conn.received > this.#heard;
    if (this.#list === this.#times.idle) this.leave();
    else if (!this.#http2.session.settled) this.#abandon("no SETTINGS in time");
    else if (heard) this.#isThere();
    else if (this.#asked) this.#abandon("no answer to a PING");
    else this.#askWhetherThere();
  }

  /** Any bytes show that. */
  #isThere(): void {
    this.#asked = this.#doubted = false;
    this.#rest();
  }

  #doubt(): void {
    this.#doubted = true;
    if (!this.#asked && this.#list !== undefined) this.#askWhetherThere();
  }

  #askWhetherThere(): void {
    this.#asked = true;
    this.#http2.ping();
    this.#wait(this.#times.answer);
  }

  #abandon(reason: string): void {
    this.#tell(reason);
    this.#http2.abandon(`${reason}: the connection is given up`);
  }

  /** As long as nothing is wrong with it. */
  #rest(): void {
    if (this.#http2.open > 0) this.#wait(this.#times.silence);
    else if (this.isLeaving) this.leave();
    else this.#wait(this.#times.idle);
  }

  #wait(list: Deadlines | undefined): void {
    this.#list?.remove(this);
    this.#list = list;
    this.#heard = this.#http2.conn.received;
    list?.add(this);
  }
}
