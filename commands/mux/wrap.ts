/** The local wrap: a TLS connection to a server behind a multiplexer, with the names that lead through it. Knows no client of ours. */
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Trust } from "../../lib/identity/trust.ts";
import type { Conn } from "../../lib/net/conn.ts";
import type { Deadlines } from "../../lib/net/deadlines.ts";
import { DialError } from "../../lib/net/dial.ts";
import type { KeepAlive } from "../../lib/net/keep-alive.ts";
import { secureHost } from "../../lib/net/secure-host.ts";
import { Target, type TargetEndpoint, type TargetTools } from "../../lib/net/target.ts";
import { ProxyError, throughProxy, type OutboundProxy } from "../../lib/net/through-proxy.ts";
import type { TlsContext } from "../../lib/net/tls-context.ts";
import { unread } from "../../lib/net/unread.ts";
import { parseIp } from "../../lib/wire/ip.ts";

export interface WrapParts {
  server: Extract<TargetEndpoint, { kind: "tcp" }>;
  /** To ask for, and to demand in the certificate. */
  serverName: string;
  /** One of them must be agreed upon, if there are any. */
  protocolIds: readonly string[];
  proxy: OutboundProxy | undefined;
  context: TlsContext;
  trust: Trust;
  /** For an `https://` proxy. */
  proxyContext: TlsContext | undefined;
  tools: TargetTools;
  deadlines: Deadlines;
  keepAlive: KeepAlive;
}

/** Connects. Throws `PortailError` (69) with the reason. */
export async function openWrapped(parts: WrapParts): Promise<Conn> {
  const { serverName, protocolIds, context, trust } = parts;
  const conn = await secured(parts, await dial(parts), serverName, protocolIds, context, trust);
  const agreed = conn.tls?.protocolId;
  if (protocolIds.length === 0 || (agreed !== undefined && protocolIds.includes(agreed))) return conn;
  conn.destroy();
  throw failed(parts, "protocol_id_missing", "the server agreed upon none of the protocol ids");
}

async function dial(parts: WrapParts): Promise<Conn> {
  const { server, proxy, tools, deadlines, proxyContext } = parts;
  const first = proxy === undefined ? server : ({ kind: "tcp", host: proxy.host, port: proxy.port } as const);
  const conn = await new Target(first, tools).open();
  if (conn instanceof DialError) throw failed(parts, `dial_${conn.kind}`, conn.message);
  if (proxy === undefined) return conn;
  const open = proxy.tls ? await secured(parts, conn, proxy.host, [], proxyContext!) : conn;
  try {
    const through = await throughProxy(open, proxy, server, deadlines);
    unread(through.conn, through.early);
    return through.conn;
  } catch (error) {
    if (error instanceof ProxyError) throw failed(parts, error.code, error.message);
    throw error;
  }
}

async function secured(
  parts: WrapParts,
  dialled: Conn,
  name: string,
  protocolIds: readonly string[],
  context: TlsContext,
  trust?: Trust,
): Promise<Conn> {
  const { deadlines, keepAlive } = parts;
  const serverName = parseIp(name) === undefined ? name : undefined;
  const options = { context, requestCert: true, verify: true, protocolIds, serverName, deadlines, keepAlive };
  const conn = await secureHost(dialled, name, options, trust);
  if ("reason" in conn) throw failed(parts, conn.reason, conn.message);
  return conn;
}

function failed({ server }: WrapParts, reason: string, message: string): PortailError {
  return new PortailError(`cannot reach ${server.host}:${server.port}: ${message}`, {
    code: `mux.${reason}`,
    exit: EXIT.unavailable,
  });
}
