/** A plain socket with awaitable reads, and the bytes of the proxy protocols written by hand. Uses no code of the product. */
import { createConnection, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** What a proxy answered to a request for a tunnel. */
export interface Answer {
  client: RawClient;
  open: boolean;
  /** The SOCKS5 reply code, or the HTTP status. */
  code: number;
}

export type Protocol = "socks5" | "connect";

export class RawClient {
  readonly socket: Socket;
  readonly closed: Promise<void>;
  ended = false;
  /** The code of the error that the system gave, e.g. of a reset. */
  failure: string | undefined;
  gone = false;
  #bytes: Buffer = Buffer.alloc(0);
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#wake();
    });
    socket.on("error", (error: Error & { code?: string }) => (this.failure = error.code));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.ended = this.gone = true;
        this.#wake();
        resolve();
      });
    });
  }

  /** One that was accepted. */
  static of(socket: Socket): RawClient {
    socket.setNoDelay(true);
    return new RawClient(socket);
  }

  /** `from` is the address to come from. */
  static async open(port: number, host = "127.0.0.1", from?: string): Promise<RawClient> {
    const socket = createConnection({ port, host, allowHalfOpen: true, ...(from && { localAddress: from }) });
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    socket.setNoDelay(true);
    return new RawClient(socket);
  }

  /** The same inside TLS. Resolves as soon as the handshake lets it, or the connection is gone. */
  static async openTls(port: number, options: ConnectionOptions, prefix?: Uint8Array): Promise<RawClient> {
    const below = createConnection({ port, host: "127.0.0.1", allowHalfOpen: true });
    below.on("error", () => {});
    if (prefix !== undefined) below.write(prefix);
    const socket = connectTls({ socket: below, servername: "localhost", ...options });
    const client = new RawClient(socket);
    const secured = new Promise<void>((resolve) => socket.once("secureConnect", () => resolve()));
    await Promise.race([secured, client.closed]);
    return client;
  }

  write(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Exactly `length` bytes, or fewer where the peer ends before. */
  async read(length: number): Promise<Buffer> {
    while (this.#bytes.length < length && !this.ended) await this.#more();
    return this.#cut(Math.min(length, this.#bytes.length));
  }

  /** Up to and with `mark`, or all that came before the end. */
  async readThrough(mark: string): Promise<Buffer> {
    for (;;) {
      const at = this.#bytes.indexOf(mark);
      if (at !== -1) return this.#cut(at + mark.length);
      if (this.ended) return this.#cut(this.#bytes.length);
      await this.#more();
    }
  }

  /** What has come by now, at least a byte; nothing where the peer has ended. */
  async some(): Promise<Buffer> {
    while (this.#bytes.length === 0 && !this.ended) await this.#more();
    return this.#cut(this.#bytes.length);
  }

  /** All up to the end of the peer's direction. */
  async rest(): Promise<Buffer> {
    while (!this.ended) await this.#more();
    return this.#cut(this.#bytes.length);
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }

  #cut(length: number): Buffer {
    const cut = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return cut;
  }
}

export const GREETING = Uint8Array.of(5, 1, 0);

/** RFC 1928 section 4, with ATYP 3 (a domain name), whatever the name is. */
export function socks5Request(host: string, port: number): Buffer {
  const name = Buffer.from(host, "utf8");
  return Buffer.concat([Uint8Array.of(5, 1, 0, 3, name.length), name, Uint8Array.of(port >> 8, port & 255)]);
}

/** RFC 9110 section 9.3.6; a name that is not ASCII goes as its UTF-8 bytes. */
export function connectRequest(host: string, port: number): Buffer {
  return Buffer.from(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`, "utf8");
}

/** Asks the proxy on `proxyPort` for a tunnel and reads its answer. */
export async function ask(protocol: Protocol, proxyPort: number, host: string, port: number): Promise<Answer> {
  return askOn(await RawClient.open(proxyPort), protocol, host, port);
}

/** The same on a connection that is open. */
export async function askOn(client: RawClient, protocol: Protocol, host: string, port: number): Promise<Answer> {
  const code = protocol === "socks5" ? await askSocks5(client, host, port) : await askConnect(client, host, port);
  return { client, code, open: code === (protocol === "socks5" ? 0 : 200) };
}

async function askSocks5(client: RawClient, host: string, port: number): Promise<number> {
  client.write(GREETING);
  const method = await client.read(2);
  if (method.length < 2 || method[1] !== 0) throw new Error(`no method was chosen: ${method.toString("hex")}`);
  client.write(socks5Request(host, port));
  const head = await client.read(4);
  if (head.length < 4) throw new Error("no reply came");
  await client.read(head[3] === 4 ? 18 : 6);
  return head[1]!;
}

async function askConnect(client: RawClient, host: string, port: number): Promise<number> {
  client.write(connectRequest(host, port));
  const head = (await client.readThrough("\r\n\r\n")).toString("latin1");
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1];
  if (status === undefined) throw new Error(`not an HTTP answer: ${JSON.stringify(head)}`);
  return Number(status);
}
