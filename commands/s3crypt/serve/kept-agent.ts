/** Connections to the storage that are kept between requests, for the runtime's HTTP client. Sends nothing itself. */
import { Agent, type ClientRequest } from "node:http";
import type { Conn } from "../../../lib/net/conn.ts";
import { ConnDuplex } from "../../../lib/net/duplex.ts";
import type { Connector } from "./connector.ts";

/** Milliseconds for which an idle connection is kept: less than servers keep theirs, so that few are gone when they are wanted. */
const IDLE = 4000;
/** Idle connections that are kept. */
const MOST_IDLE = 64;

/** An `Agent` over our own connections: they have no timers and no descriptor that it could touch. */
export class KeptAgent extends Agent {
  readonly #connector: Connector;
  readonly #reused = new WeakSet<object>();
  readonly #idle = new Map<object, ReturnType<typeof setTimeout>>();
  /** Idle connections whose last answer was not read to its end by the parser. */
  readonly #spare = new Map<Conn, ReturnType<typeof setTimeout>>();
  #retired = false;

  constructor(connector: Connector, keepAlive: boolean) {
    super({ keepAlive, maxFreeSockets: MOST_IDLE });
    this.#connector = connector;
    this.#retired = !keepAlive;
  }

  get idle(): number {
    return this.#idle.size + this.#spare.size;
  }

  reused(request: ClientRequest): boolean {
    return this.#reused.has(request) || (request.socket !== null && this.#reused.has(request.socket));
  }

  /** What is idle is closed, and nothing is kept any more. */
  retire(): void {
    this.#retired = true;
    for (const socket of this.#idle.keys()) (socket as ConnDuplex).destroy();
    for (const conn of this.#spare.keys()) conn.destroy();
  }

  override createConnection(_options: unknown, told?: (error: Error | null, socket: never) => void): never {
    const spare = this.#takeSpare();
    const opening = spare === undefined ? this.#connector.open() : Promise.resolve(spare);
    opening.then(
      (conn) => {
        const duplex = new ConnDuplex(conn);
        if (conn === spare) this.#reused.add(duplex);
        duplex.on("error", () => {});
        duplex.on("close", () => this.#forget(duplex));
        told?.(null, duplex as never);
      },
      (error: Error) => told?.(error, undefined as never),
    );
    return undefined as never;
  }

  override keepSocketAlive(socket: unknown): boolean {
    const duplex = socket as ConnDuplex;
    if (this.#retired || duplex.destroyed || duplex.conn.closed) return false;
    this.#idle.set(
      duplex,
      setTimeout(() => duplex.destroy(), IDLE),
    );
    // Whatever comes now, its end too, is no answer to anything.
    for (const event of ["data", "end"] as const) duplex.on(event, endIt);
    duplex.resume();
    return true;
  }

  override reuseSocket(socket: unknown, request: unknown): void {
    this.#forget(socket as object);
    // The agent adds one each time that a connection is put by, and counts on this method to take it away.
    const duplex = socket as ConnDuplex;
    duplex.removeAllListeners("error");
    duplex.on("error", () => {});
    for (const event of ["data", "end"] as const) (socket as ConnDuplex).off(event, endIt);
    this.#reused.add(request as object);
  }

  /** An answer of which the parser has not seen the content is over: the connection goes on without it. */
  putBy(duplex: ConnDuplex, mayStay: boolean): void {
    const conn = duplex.detach();
    duplex.destroy();
    const { bytes, ended } = duplex.diversion!.behind;
    // What follows an answer is none to the next request.
    const isClean = bytes.length === 0 && !ended && !conn.closed && (conn.readInto?.(new Uint8Array(1)) ?? 0) === 0;
    if (!mayStay || !isClean || this.#retired || this.idle >= MOST_IDLE) {
      conn.destroy();
      return;
    }
    const destroy = () => conn.destroy();
    this.#spare.set(conn, setTimeout(destroy, IDLE));
    conn.attach({ data: destroy, drain() {}, end: destroy, close: () => this.#forgetSpare(conn) });
  }

  #takeSpare(): Conn | undefined {
    const conn = [...this.#spare.keys()].at(-1);
    if (conn !== undefined) this.#forgetSpare(conn);
    return conn;
  }

  #forgetSpare(conn: Conn): void {
    clearTimeout(this.#spare.get(conn));
    this.#spare.delete(conn);
  }

  #forget(socket: object): void {
    clearTimeout(this.#idle.get(socket));
    this.#idle.delete(socket);
  }
}

function endIt(this: ConnDuplex): void {
  this.destroy();
}
