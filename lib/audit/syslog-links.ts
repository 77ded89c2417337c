/** Ways to a syslog daemon: UDP, TCP with octet counting (RFC 6587), a UNIX socket. Knows nothing of what is sent. */
import type { Conn } from "../net/conn.ts";
import { openDatagrams, type DatagramSocket } from "../net/datagrams.ts";
import { Dialer, DialError, interleave } from "../net/dial.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import { openResolver, ResolveError, type Resolve } from "../net/resolve.ts";
import { openSyslogSocket, type SyslogSocket } from "../service/syslog.ts";
import { frameSyslogMessage } from "../wire/syslog-message.ts";
import type { Put } from "./queue.ts";
import type { SyslogLink } from "./syslog.ts";

/** Milliseconds. */
const RESOLVE_TIMEOUT = 5000;
const CONNECT_TIMEOUT = 5000;
const KEEPALIVE_SECONDS = 60;
const SLOW: ReadonlySet<string> = new Set(["EAGAIN", "EINTR", "ENOBUFS"]);

/** The link, or why there is none. */
export async function openUdpLink(host: string, port: number): Promise<SyslogLink | string> {
  const [ip] = await addresses(await openResolver([], RESOLVE_TIMEOUT), host);
  if (ip === undefined) return `${host} has no address`;
  const link = new UdpLink(ip, port);
  return (await link.open()) ?? link;
}

class UdpLink implements SyslogLink {
  readonly #peer: { ip: string; port: number };
  #socket: DatagramSocket | undefined;
  /** The machine there said that nobody is at the port: a message was lost. */
  #refused = false;

  constructor(ip: string, port: number) {
    this.#peer = { ip, port };
  }

  async open(): Promise<string | undefined> {
    const events = { datagram() {}, refused: () => void (this.#refused = true) };
    const any = this.#peer.ip.includes(":") ? "::" : "0.0.0.0";
    try {
      this.#socket = await openDatagrams(any, events, { connect: this.#peer });
      return undefined;
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  }

  async put(messages: readonly Uint8Array[]): Promise<Put> {
    for (const [taken, message] of messages.entries()) {
      if (this.#refused) {
        // The next one shows whether somebody is there by now.
        this.#refused = false;
        return { taken, error: "ECONNREFUSED" };
      }
      const error = this.#socket!.send(message, this.#peer);
      if (error === "EMSGSIZE") return { taken, never: error };
      if (error !== undefined) return SLOW.has(error) ? { taken, slow: true } : { taken, error };
    }
    return { taken: messages.length };
  }

  close(): void {
    this.#socket?.close();
  }
}

/** Over TCP: the link, or why there is none. */
export async function openStreamLink(host: string, port: number): Promise<SyslogLink | string> {
  const link = new StreamLink(host, port, await openResolver([], RESOLVE_TIMEOUT));
  return (await link.connect()) ?? link;
}

class StreamLink implements SyslogLink {
  readonly #host: string;
  readonly #port: number;
  readonly #resolve: Resolve;
  readonly #dialer = new Dialer(CONNECT_TIMEOUT, new KeepAlive(KEEPALIVE_SECONDS));
  #conn: Conn | undefined;
  /** Of who waits until all that was written is with the system. */
  #written: ((whole: boolean) => void) | undefined;
  #closed = false;

  constructor(host: string, port: number, resolve: Resolve) {
    this.#host = host;
    this.#port = port;
    this.#resolve = resolve;
  }

  /** Why it cannot, or undefined. */
  async connect(): Promise<string | undefined> {
    const candidates = (await addresses(this.#resolve, this.#host)).map((ip) => ({ ip, port: this.#port }));
    if (candidates.length === 0) return `${this.#host} has no address`;
    const conn = await this.#dialer.open(interleave(candidates));
    if (conn instanceof DialError) return conn.kind;
    if (this.#closed) {
      conn.destroy();
      return "closed";
    }
    this.#conn = conn;
    const gone = () => {
      if (this.#conn === conn) this.#conn = undefined;
      this.#written?.(false);
    };
    // A daemon says nothing; when it ends, what is written after that would be lost.
    conn.attach({ data() {}, drain: () => this.#written?.(true), end: () => (gone(), conn.end()), close: gone });
    return undefined;
  }

  async put(messages: readonly Uint8Array[]): Promise<Put> {
    if (this.#conn === undefined) {
      const error = await this.connect();
      if (error !== undefined) return { taken: 0, error };
    }
    for (const [taken, message] of messages.entries()) {
      const conn = this.#conn;
      if (conn === undefined) return { taken, slow: true };
      if (conn.write(frameSyslogMessage(message))) continue;
      const whole = await new Promise<boolean>((resolve) => (this.#written = resolve));
      this.#written = undefined;
      if (!whole) return { taken, slow: true };
    }
    return { taken: messages.length };
  }

  close(): void {
    this.#closed = true;
    this.#conn?.end();
  }
}

/** The link, or why there is none. */
export function openUnixLink(path: string): SyslogLink | string {
  const socket = openSyslogSocket(path);
  return typeof socket === "string" ? socket : new UnixLink(path, socket);
}

class UnixLink implements SyslogLink {
  readonly #path: string;
  #socket: SyslogSocket | undefined;
  /** Of the first message, what a stream has not taken yet. */
  #rest: Uint8Array | undefined;

  constructor(path: string, socket: SyslogSocket) {
    this.#path = path;
    this.#socket = socket;
  }

  async put(messages: readonly Uint8Array[]): Promise<Put> {
    for (const [taken, message] of messages.entries()) {
      const socket = this.#socket ?? openSyslogSocket(this.#path);
      if (typeof socket === "string") return { taken, error: socket };
      this.#socket = socket;
      const bytes = this.#rest ?? (socket.end === "" ? message : Buffer.concat([message, Buffer.from(socket.end)]));
      const sent = socket.send(bytes);
      if (sent === bytes.length) {
        this.#rest = undefined;
        continue;
      }
      if (typeof sent === "number") {
        this.#rest = bytes.subarray(sent);
        return { taken, slow: true };
      }
      if (SLOW.has(sent)) return { taken, slow: true };
      if (sent === "EMSGSIZE") return { taken, never: sent };
      // To the daemon that comes, a message that was half sent is sent whole.
      this.#rest = undefined;
      socket.close();
      this.#socket = undefined;
      return { taken, error: sent };
    }
    return { taken: messages.length };
  }

  close(): void {
    this.#socket?.close();
  }
}

async function addresses(resolve: Resolve, host: string): Promise<string[]> {
  try {
    return await resolve(host);
  } catch (error) {
    if (error instanceof ResolveError) return [];
    throw error;
  }
}
