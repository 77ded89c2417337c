/** A backend over HTTP/2 whose proxy the test plays, connection by connection, frame by frame. */
import { expect } from "bun:test";
import { createServer } from "node:net";
import { Backend, BackendFailure } from "../../../lib/net/backend.ts";
import { parseBackendUrl } from "../../../lib/net/backend-url.ts";
import type { Conn } from "../../../lib/net/conn.ts";
import { Dialer } from "../../../lib/net/dial.ts";
import { KeepAlive } from "../../../lib/net/keep-alive.ts";
import { Notes } from "../../unit/lib/net/support.ts";
import { until } from "../harness.ts";
import { DATA, frame, frameOf, literal, PREFACE, SETTINGS } from "../raw-http2.ts";
import { RawClient } from "../raw-client.ts";

export const TARGET = { host: "web.example", port: 443 };

export const OPEN = (stream: number, flags = 4) => frame(1, flags, stream, [0x88]);
export const status = (stream: number, code: string, flags = 4) => frame(1, flags, stream, literal(":status", code));

const ends: (() => void)[] = [];

/** For the end of each test. */
export function closeStages(): void {
  for (const end of ends.splice(0)) end();
}

export type Stage = Awaited<ReturnType<typeof stage>>;

export async function stage({ timeout = 20_000, silence = 0, most = 32 } = {}) {
  const arrived: RawClient[] = [];
  let accepted = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    accepted++;
    arrived.push(RawClient.of(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const url = parseBackendUrl(`h2c://127.0.0.1:${port}`, "[backend.x]");
  if (url.kind === "proxy") url.http2!.most = most;
  const keepAlive = new KeepAlive(silence);
  const resolve = () => Promise.reject(new Error("nothing is resolved"));
  const dialer = new Dialer(20_000, keepAlive);
  const tools = { dialer, checkDialer: dialer, resolve, keepAlive, timeout, env: {} };
  const backend = new Backend("x", url, { dynamic: false }, tools);
  const sockets: RawClient[] = [];
  ends.push(
    () => server.close(),
    () => backend.close(),
    () => sockets.forEach((client) => client.socket.destroy()),
  );
  const open = () => backend.open(TARGET, "http");
  const next = async () => {
    const client = await until(() => arrived.shift(), "a connection");
    sockets.push(client);
    return client;
  };
  const greeted = async (settings: Buffer = SETTINGS) => {
    const client = await next();
    client.write(settings);
    expect(await client.read(PREFACE.length)).toEqual(PREFACE);
    return client;
  };
  const ask = async (on?: RawClient) => {
    const opened = open();
    const client = on ?? (await greeted());
    return { opened, client, stream: await request(client) };
  };
  return {
    backend,
    next,
    /** Those that came so far. */
    held: sockets,
    get accepted() {
      return accepted;
    },
    open,
    /** The next connection, greeted. */
    greeted,
    /** A request that has no answer yet; on the next connection, unless it is said to come on this one. */
    ask,
    /** The same, answered. */
    async tunnel(on?: RawClient) {
      const { opened, client, stream } = await ask(on);
      client.write(OPEN(stream));
      return { client, stream, conn: noted(await opened) };
    },
  };
}

/** The stream of the next request. */
export const request = async (client: RawClient) => (await frameOf(client, 1)).stream;

/** Of the next RST_STREAM (3) or GOAWAY (7). */
export const code = async (client: RawClient, type: 3 | 7) =>
  (await frameOf(client, type)).payload.readUInt32BE(type === 7 ? 4 : 0);

export async function refusal(opened: Promise<Conn | BackendFailure>): Promise<string> {
  const outcome = await opened;
  if (!(outcome instanceof BackendFailure)) throw new Error("a tunnel was opened");
  return `${outcome.refusal}: ${outcome.message}`;
}

/** Of the frames that the bytes are. */
export function typesOf(bytes: Buffer): number[] {
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += 9 + bytes.readUIntBE(at, 3)) types.push(bytes[at + 3]!);
  return types;
}

export function noted(opened: Conn | BackendFailure): Conn & { notes: Notes } {
  if (opened instanceof BackendFailure) throw new Error(opened.message);
  const notes = new Notes();
  opened.attach(notes);
  return Object.assign(opened, { notes });
}

/** The next request is served, on whatever connection: the last `client`'s, or a new one. */
export async function works(s: Stage, client?: RawClient, opened = s.open()): Promise<void> {
  const served = client ?? (await s.greeted());
  const stream = await request(served);
  served.write(Buffer.concat([OPEN(stream), DATA(stream, "as ever")]));
  const conn = noted(await opened);
  await until(() => conn.notes.text === "as ever", "what the proxy sent");
  conn.destroy();
  expect(await code(served, 3)).toBe(8);
}
