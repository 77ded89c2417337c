/** Pushes metrics somewhere again and again: by a Graphite line protocol connection, or by POST to a URL. What they are is not its business. */
import type { Logger } from "../command/log.ts";
import type { Conn } from "../net/conn.ts";
import { Dialer, interleave } from "../net/dial.ts";
import { KeepAlive } from "../net/keep-alive.ts";
import { openResolver, type Resolve } from "../net/resolve.ts";

/** Sends once, until `signal` says that time is over. Rejects with why it could not. */
type Send = (signal: AbortSignal) => Promise<void>;

/** Milliseconds for one push, from the name to the last byte. */
const PATIENCE = 10_000;

/**
 * Calls `send` every `interval` milliseconds, never twice at a time. Trouble with `name` is logged when it begins and
 * when it is over; nothing else comes of it. Returns what ends it.
 */
export function pushEvery(interval: number, name: string, send: Send, log: Logger): () => void {
  let under = false;
  let troubled = false;
  const push = async () => {
    if (under) return;
    under = true;
    try {
      await send(AbortSignal.timeout(PATIENCE));
      if (troubled) log.info(`metrics reach ${name} again`);
      troubled = false;
    } catch (error) {
      if (!troubled) log.warn(`metrics do not reach ${name}: ${reasonOf(error)}`);
      troubled = true;
    } finally {
      under = false;
    }
  };
  const timer = setInterval(() => void push(), interval).unref();
  return () => clearInterval(timer);
}

function reasonOf(error: unknown): string {
  const { name, code, message } = error as { name?: string; code?: string; message?: string };
  if (name === "TimeoutError") return `no end within ${PATIENCE} ms`;
  return code ?? message ?? String(error);
}

/**
 * A `Send` that POSTs the JSON text of `body` to `url` (http or https). Credentials in the URL are sent as Basic;
 * redirects are not followed; an answer of 400 or more is a failure. `ca` (PEM) replaces the runtime's roots.
 */
export function postJson(url: URL, body: () => string, ca?: readonly string[]): Send {
  const target = new URL(url);
  const headers = { "Content-Type": "application/json", ...credentialsOf(url) };
  target.username = "";
  target.password = "";
  const tls = { rejectUnauthorized: true, ...(ca !== undefined && { ca: [...ca] }) };
  return async (signal) => {
    const response = await fetch(target, { method: "POST", headers, body: body(), redirect: "manual", signal, tls });
    await response.body?.cancel();
    if (response.status >= 300) throw new Error(`the answer is ${response.status}`);
  };
}

/** The header for user and password of `url`, if it has them (RFC 7617). Throws where `hasReadableCredentials` says no. */
export function credentialsOf({ username, password }: URL): { Authorization?: string } {
  if (username === "" && password === "") return {};
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { Authorization: `Basic ${Buffer.from(words).toString("base64")}` };
}

/** Whether `credentialsOf` can read what `url` has of them: both are percent-encoded UTF-8. */
export function hasReadableCredentials(url: URL): boolean {
  try {
    credentialsOf(url);
    return true;
  } catch {
    return false;
  }
}

/** `url` without what must not be logged. */
export function withoutSecrets(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** A `Send` that connects to `host:port` anew each time and writes `text`: Graphite's plaintext protocol. */
export async function sendText(host: string, port: number, text: () => string): Promise<Send> {
  const resolve = await openResolver([], PATIENCE);
  const dialer = new Dialer(PATIENCE, new KeepAlive(0));
  return async (signal) => {
    const conn = await connect(resolve, dialer, host, port);
    await deliver(conn, text(), signal);
  };
}

async function connect(resolve: Resolve, dialer: Dialer, host: string, port: number): Promise<Conn> {
  const candidates = (await resolve(host)).map((ip) => ({ ip, port }));
  return new Promise((opened, failed) => dialer.dial(interleave(candidates), { opened, failed }));
}

/** Writes and ends; done when the peer has closed. One that takes all and stays is left when time is over. */
function deliver(conn: Conn, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    const onTimeout = () => {
      if (conn.buffered > 0) failed(signal.reason);
      else done();
      conn.destroy();
    };
    signal.addEventListener("abort", onTimeout);
    conn.attach({
      data() {},
      drain() {},
      end() {},
      close(error) {
        signal.removeEventListener("abort", onTimeout);
        if (error === undefined && conn.buffered === 0) done();
        else failed(error ?? new Error("the connection was closed early"));
      },
    });
    conn.write(Buffer.from(text));
    conn.end();
    if (signal.aborted) onTimeout();
  });
}
