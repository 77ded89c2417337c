/** Connected pairs of a `Conn` and a plain socket, and a receiver that notes what happens. Local to the tests of lib/net. */
import { createPrivateKey } from "node:crypto";
import { createConnection, createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Conn, ConnEvents, Early } from "../../../../lib/net/conn.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { MemorySigner } from "../../../../lib/identity/memory-signer.ts";
import { secure } from "../../../../lib/net/tls.ts";
import type { HandshakeOptions } from "../../../../lib/net/tls-conn.ts";
import { createContext } from "../../../../lib/net/tls-context.ts";
import { TlsFailure } from "../../../../lib/net/tls-failure.ts";
import { authority } from "../../../support/pki.ts";
import { KeepAlive } from "../../../../lib/net/keep-alive.ts";
import { Dialer, type Candidate } from "../../../../lib/net/dial.ts";
import { NodeConn } from "../../../../lib/net/node-conn.ts";

/** Waits until `look` holds; the time only bounds a test that fails. */
export async function until(look: () => boolean, what = "something"): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!look()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await Bun.sleep(2);
  }
}

/** Notes events in order; chunks in a row count as one. */
export class Notes implements ConnEvents {
  readonly events: string[] = [];
  text = "";
  bytes = 0;
  error: Error | undefined;
  drained = 0;
  closes = 0;
  ended = false;

  data(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    if (this.text.length < 4096) this.text += Buffer.from(chunk).toString("latin1");
    if (this.events.at(-1) !== "data") this.events.push("data");
  }

  drain(): void {
    this.drained++;
  }

  end(): void {
    this.ended = true;
    this.events.push("end");
  }

  close(error?: Error): void {
    this.closes++;
    this.error = error;
    this.events.push("close");
  }
}

export interface Pair {
  conn: Conn;
  /** The other end, half-open allowed, its errors ignored. */
  peer: Socket;
}

export const KINDS = ["native", "node", "tls", "tls-bridged", "openssl"] as const;
export type Kind = (typeof KINDS)[number];

/** A connection over loopback whose one end is a `Conn` of that kind. Nobody is attached to it. */
export async function connect(kind: Kind): Promise<Pair> {
  if (kind === "tls" || kind === "tls-bridged" || kind === "openssl") return connectTls(kind);
  const accepted = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const conn = await (kind === "native" ? connectNative(port) : connectNode(port));
  const peer = await accepted.promise;
  server.close();
  peer.on("error", () => {});
  return { conn, peer };
}

/** The client's side of TLS, by the runtime or by the system's OpenSSL; the other end is node:tls. */
async function connectTls(kind: "tls" | "tls-bridged" | "openssl"): Promise<Pair> {
  const ca = authority();
  const { cert, key } = ca.issue();
  const accepted = Promise.withResolvers<Socket>();
  const server = createTlsServer({ cert, key, allowHalfOpen: true }, (socket) => accepted.resolve(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const plain = await (kind === "tls-bridged" ? connectNode(port) : connectNative(port));
  const signer = new MemorySigner("a test", createPrivateKey(key));
  const material = kind === "openssl" ? { cert, signer } : undefined;
  const context = createContext({ ca: [ca.cert], material });
  const conn = await secure(plain, NOTHING, false, handshakeOptions({ context }));
  if (conn instanceof TlsFailure) throw new Error(conn.message);
  const peer = await accepted.promise;
  server.close();
  peer.on("error", () => {});
  return { conn, peer };
}

export const NOTHING: Early = { bytes: new Uint8Array(0), ended: false };

/** A client that verifies and asks for `localhost`, or a server that asks for no certificate: what is not said otherwise. */
export function handshakeOptions(
  options: Partial<HandshakeOptions> & Pick<HandshakeOptions, "context">,
): HandshakeOptions {
  const deadlines = new Deadlines(20_000);
  const keepAlive = new KeepAlive(0);
  return {
    requestCert: true,
    verify: true,
    protocolIds: [],
    serverName: "localhost",
    deadlines,
    keepAlive,
    ...options,
  };
}

function connectNative(port: number): Promise<Conn> {
  return dial([{ ip: "127.0.0.1", port }], 20_000);
}

/** What a `Dialer` comes to; rejects with its `DialError`. */
export function dial(candidates: readonly Candidate[], timeout: number): Promise<Conn> {
  return new Promise((resolve, reject) => {
    let told = 0;
    const once = (what: () => void) => (++told === 1 ? what() : reject(new Error(`told ${told} times`)));
    new Dialer(timeout, new KeepAlive(0)).dial(candidates, {
      opened: (conn) => once(() => resolve(conn)),
      failed: (error) => once(() => reject(error)),
    });
    if (told > 0) reject(new Error("told before dial returned"));
  });
}

function connectNode(port: number): Promise<Conn> {
  const socket = createConnection({ host: "127.0.0.1", port, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new NodeConn(socket, new KeepAlive(0)));
    });
  });
}

/** All that a plain socket receives up to its end. */
export async function readAll(peer: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  peer.on("data", (chunk: Buffer) => void chunks.push(chunk));
  await new Promise((resolve) => peer.on("end", resolve).on("close", resolve));
  return Buffer.concat(chunks);
}
