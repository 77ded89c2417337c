/** A relay in front of a storage that counts requests and bytes, and does it harm as scripted. Between the faults it changes no byte. */
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { announcedBody, HttpMeter, type Head, type Piece } from "./http-meter.ts";
import type { Scene } from "./scene.ts";

export interface Exchange {
  method: string;
  /** As it stood in the request line, with the query. */
  target: string;
  headers: Record<string, string>;
  /** Bytes of the request's content that went on to the storage; without sizes of chunks. */
  sent: number;
  /** What the client was answered: by the storage, or by a fault. */
  status: number | undefined;
  answer: Record<string, string>;
  /** Bytes of the answer's content that went on to the client. */
  received: number;
  /** Whether the answer went on to its end. */
  complete: boolean;
}

/** A place is a number of bytes of content; 0 is before the head. */
export type Fault =
  /** Takes `after` bytes of the request, answers in the storage's place and lets the storage's connection fall. */
  | { kind: "answer"; status: number; after: number }
  /** Both connections are reset, or ended as if all were well, at that place of the request or of the answer. */
  | { kind: "reset" | "end"; of: "request" | "answer"; after: number }
  /** Nothing goes on beyond that place before `until`. */
  | { kind: "hold"; of: "request" | "answer"; after: number; until: Promise<unknown> }
  /** No more than so many bytes a second. */
  | { kind: "slow"; of: "request" | "answer"; bytesPerSecond: number };

/** Asked once for each request, at its head: what befalls it. */
export type Script = (exchange: Exchange) => Fault | undefined;

export class StorageRelay {
  /** In the order in which they began. */
  exchanges: Exchange[] = [];
  script: Script = () => undefined;
  readonly port: number;

  constructor(port: number) {
    this.port = port;
  }

  /** Bytes of content to the storage, since the start or `forget`. */
  get sent(): number {
    return this.exchanges.reduce((sum, { sent }) => sum + sent, 0);
  }

  /** Bytes of content from the storage. */
  get received(): number {
    return this.exchanges.reduce((sum, { received }) => sum + received, 0);
  }

  /** Those whose method and target match, as `PUT /bucket/key`. */
  matching(pattern: RegExp): Exchange[] {
    return this.exchanges.filter(({ method, target }) => pattern.test(`${method} ${target}`));
  }

  forget(): void {
    this.exchanges = [];
  }
}

/** Listens on 127.0.0.1, over TLS with `tls`; the storage is at `port` there, in the clear. */
export async function openStorageRelay(scene: Scene, port: number, tls?: TlsOptions): Promise<StorageRelay> {
  const open = new Set<Socket>();
  const accept = (client: Socket) => {
    const storage = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    for (const socket of [client, storage]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {});
      socket.on("close", () => open.delete(socket));
    }
    new Pair(relay, client, storage).run();
  };
  const options = { allowHalfOpen: true };
  const server =
    tls === undefined
      ? createServer(options, accept)
      : createTlsServer({ ...options, ...tls }, accept).on("tlsClientError", () => {});
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  scene.defer(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const relay = new StorageRelay((server.address() as AddressInfo).port);
  return relay;
}

/** One client's connection and the storage's for it. */
class Pair {
  readonly #relay: StorageRelay;
  readonly #client: Socket;
  readonly #storage: Socket;
  /** Those that wait for the end of their answer. */
  readonly #waiting: { exchange: Exchange; fault: Fault | undefined }[] = [];
  /** The one whose request is on its way. */
  #asking: { exchange: Exchange; fault: Fault | undefined } | undefined;
  /** Once a fault took the connections down. */
  #over = false;

  constructor(relay: StorageRelay, client: Socket, storage: Socket) {
    this.#relay = relay;
    this.#client = client;
    this.#storage = storage;
  }

  run(): void {
    const up = new HttpMeter((head) => this.#asked(head));
    const down = new HttpMeter((head) => this.#answered(head));
    this.#pump(this.#client, this.#storage, up, (piece) => this.#request(piece));
    this.#pump(this.#storage, this.#client, down, (piece) => this.#answer(piece));
  }

  /** Chunks one after the other, whatever time each takes; the end after them; a death at once. */
  #pump(from: Socket, to: Socket, meter: HttpMeter, forward: (piece: Piece) => Promise<void>): void {
    let last = Promise.resolve();
    from.on("data", (chunk: Buffer) => {
      from.pause();
      last = last.then(async () => {
        for (const piece of meter.take(chunk)) if (!this.#over) await forward(piece);
        if (!from.destroyed) from.resume();
      });
    });
    from.on("end", () => void (last = last.then(() => void (this.#over || to.end()))));
    from.on("error", () => to.resetAndDestroy());
    from.on("close", () => void last.then(() => from.readableEnded || to.destroy()));
  }

  #asked(head: Head) {
    const [method = "", target = ""] = head.line.split(" ");
    const { headers } = head;
    const exchange = { method, target, headers, sent: 0, status: undefined, answer: {}, received: 0, complete: false };
    this.#asking = { exchange, fault: this.#relay.script(exchange) };
    this.#relay.exchanges.push(exchange);
    this.#waiting.push(this.#asking);
    return announcedBody(headers, 0);
  }

  #answered(head: Head) {
    const status = Number(head.line.split(" ")[1]);
    const [next] = this.#waiting;
    if (status < 200 || next === undefined) return 0;
    next.exchange.status = status;
    next.exchange.answer = head.headers;
    const none = next.exchange.method === "HEAD" || status === 204 || status === 304;
    return none ? 0 : announcedBody(head.headers, "until the end");
  }

  async #request(piece: Piece): Promise<void> {
    const { exchange, fault } = this.#asking!;
    const count = (bytes: number) => (exchange.sent += bytes);
    if (fault?.kind === "answer") {
      const { after } = fault;
      if (piece.kind === "content") await this.#content(piece.bytes.subarray(0, after - exchange.sent), count, "up");
      else if (after > 0) await write(this.#storage, piece.bytes);
      if (exchange.sent >= after) this.#refuse(exchange, fault.status);
    } else await this.#place(piece, "request", fault, exchange.sent, count, "up");
  }

  async #answer(piece: Piece): Promise<void> {
    const [next] = this.#waiting;
    // Without a status it is still "100 Continue".
    if (next?.exchange.status === undefined) return void (await write(this.#client, piece.bytes));
    const { exchange, fault } = next;
    const count = (bytes: number) => (exchange.received += bytes);
    await this.#place(piece, "answer", fault, exchange.received, count, "down");
    if (!piece.last || this.#over) return;
    exchange.complete = true;
    this.#waiting.shift();
  }

  /** Forwards a piece up to the place of the fault, then lets that happen. */
  async #place(
    { kind, bytes }: Piece,
    of: "request" | "answer",
    fault: Fault | undefined,
    done: number,
    count: (bytes: number) => void,
    way: "up" | "down",
  ): Promise<void> {
    const to = way === "up" ? this.#storage : this.#client;
    const own = fault !== undefined && fault.kind !== "answer" && fault.of === of ? fault : undefined;
    const after = own === undefined || own.kind === "slow" ? Infinity : own.after;
    if (own !== undefined && own.kind !== "slow" && after === 0) await this.#strike(own, to);
    if (this.#over) return;
    if (kind !== "content") return void (await write(to, bytes));
    if (own?.kind === "slow") return this.#slowly(bytes, own.bytesPerSecond, count, way);
    const before = bytes.subarray(0, Math.max(0, after - done));
    await this.#content(before, count, way);
    if (own !== undefined && done + before.length >= after) await this.#strike(own, to);
    if (!this.#over) await this.#content(bytes.subarray(before.length), count, way);
  }

  async #content(bytes: Buffer, count: (bytes: number) => void, way: "up" | "down"): Promise<void> {
    if (bytes.length === 0) return;
    count(bytes.length);
    await write(way === "up" ? this.#storage : this.#client, bytes);
  }

  async #slowly(bytes: Buffer, rate: number, count: (bytes: number) => void, way: "up" | "down"): Promise<void> {
    const step = Math.max(1, Math.floor(rate / 20));
    for (let at = 0; at < bytes.length && !this.#over; at += step) {
      const part = bytes.subarray(at, at + step);
      await Bun.sleep((1000 * part.length) / rate);
      await this.#content(part, count, way);
    }
  }

  /** The client reads the answer although it may still be sending; the storage sees a request that never ends well. */
  #refuse(exchange: Exchange, status: number): void {
    this.#over = true;
    exchange.status = status;
    this.#storage.resetAndDestroy();
    const body = "<?xml version='1.0'?><Error><Code>InternalError</Code><Message>scripted</Message></Error>";
    this.#client.end(
      `HTTP/1.1 ${status} Scripted\r\nContent-Type: application/xml\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    this.#client.resume();
  }

  async #strike(fault: Exclude<Fault, { kind: "answer" | "slow" }>, to: Socket): Promise<void> {
    if (fault.kind === "hold") return Promise.race([fault.until.then(() => {}), closed(to)]);
    this.#over = true;
    for (const socket of [this.#client, this.#storage]) {
      if (fault.kind === "reset") socket.resetAndDestroy();
      else socket.end();
    }
  }
}

/** Resolves once the bytes are on their way, or never will be. */
function write(to: Socket, bytes: Uint8Array): Promise<void> | undefined {
  if (to.destroyed || !to.writable || to.write(bytes)) return undefined;
  const { promise, resolve } = Promise.withResolvers<void>();
  const over = () => {
    to.off("drain", over);
    to.off("close", over);
    resolve();
  };
  to.on("drain", over);
  to.on("close", over);
  return promise;
}

function closed(socket: Socket): Promise<void> {
  return socket.destroyed ? Promise.resolve() : new Promise((done) => socket.once("close", () => done()));
}
