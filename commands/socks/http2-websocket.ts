/** A WebSocket that a client asked for by extended CONNECT (RFC 8441), opened at the origin in HTTP/1.1, over TLS for https. */
import { createHash, randomBytes } from "node:crypto";
import { PortailError } from "../../lib/command/errors.ts";
import type { Conn, Early } from "../../lib/net/conn.ts";
import { runPreface } from "../../lib/net/preface.ts";
import { secureHost } from "../../lib/net/secure-host.ts";
import type { HandshakeOptions } from "../../lib/net/tls-conn.ts";
import { splitAuthority, type Http2Request } from "../../lib/session/http2-request.ts";
import { answerRefusal, type RefusalAnswer } from "../../lib/session/http-refusal.ts";
import { WebSocketClient, type WebSocketOpened } from "../../lib/session/websocket-client.ts";
import type { HeaderField } from "../../lib/wire/hpack.ts";
import { requestFields } from "../../lib/wire/http-forward.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { Proxy } from "./proxy.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

type WebSocketOutcome =
  | { conn: Conn; fields: WebSocketOpened; early: Early }
  /** `reason` is for the record; `conn` is to be destroyed. */
  | { conn: Conn; answer: RefusalAnswer; reason: string };

/** Speaks for the client up to the first byte of the WebSocket. */
export async function openWebSocket(proxy: Proxy, conn: Conn, request: Http2Request): Promise<WebSocketOutcome> {
  if (request.scheme !== "https") return upgrade(proxy, conn, request);
  const secured = await secureOrigin(proxy, conn, request);
  return "reason" in secured ? secured : upgrade(proxy, secured, request);
}

async function upgrade(proxy: Proxy, conn: Conn, request: Http2Request): Promise<WebSocketOutcome> {
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(`${key}${GUID}`).digest("base64");
  const { path = "/", authority } = request;
  const client = new WebSocketClient({ path, authority, fields: passedOn(request.fields), key, accept });
  const outcome = await runPreface(conn, client, proxy.deadlines);
  if (outcome.ok) return { conn, fields: outcome.value, early: outcome.early };
  return refused(conn, outcome.reason, statusOf(outcome.code));
}

/** Of what the client said: the handshake is ours. */
function passedOn(fields: readonly HeaderField[]): HeaderField[] {
  const ours = new Set(["host", "sec-websocket-key", "content-length", "via"]);
  const kept = requestFields(fields).filter(([name]) => !ours.has(name.toLowerCase()));
  return kept.some(([name]) => name === "sec-websocket-version") ? kept : [...kept, ["Sec-WebSocket-Version", "13"]];
}

/** What the origin refused is told as it was; no status means that it was none. */
function statusOf(code: string): number | undefined {
  const status = Number(/^status ([345][0-9]{2})$/.exec(code)?.[1]);
  return Number.isNaN(status) ? undefined : status;
}

function refused(conn: Conn, reason: string, status?: number): WebSocketOutcome {
  const answer = answerRefusal("failed", status === undefined ? "the origin opens no WebSocket" : reason);
  return { conn, answer: status === undefined ? answer : { ...answer, status }, reason };
}

async function secureOrigin(
  proxy: Proxy,
  conn: Conn,
  { authority }: Http2Request,
): Promise<Conn | Exclude<WebSocketOutcome, { early: Early }>> {
  const fail = (reason: string) => ({
    conn,
    answer: answerRefusal("failed", "no trustworthy connection to the origin"),
    reason,
  });
  const target = splitAuthority(authority, 443);
  if (typeof target === "string") return fail(target);
  let context, trust;
  try {
    ({ context, trust } = proxy.originTrust);
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    proxy.log.error(`origins cannot be verified: ${error.message} [${error.code}]`);
    return fail(error.message);
  }
  const canonical = canonicalHost(target.host);
  if (canonical.error !== undefined) return fail(canonical.error);
  const options: HandshakeOptions = {
    context,
    requestCert: true,
    verify: true,
    protocolIds: ["http/1.1"],
    serverName: canonical.ip === undefined ? canonical.host : undefined,
    deadlines: proxy.deadlines,
    keepAlive: proxy.settings.keepAlive,
  };
  const secured = await secureHost(conn, target.host, options, trust);
  return "reason" in secured ? fail(`TLS: ${secured.message}`) : secured;
}
