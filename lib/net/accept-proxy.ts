/** `--accept-proxy-from`: whose PROXY headers are believed, and what one of a connection says. What a header is, lib/wire knows. */
import { EXIT, PortailError } from "../command/errors.ts";
import { ProxyHeaderReader, type ProxyHeaderFault } from "../session/proxy-header.ts";
import { cidrContains, formatCidr, parseCidrLoosely, parseIp, sameIp, type Cidr } from "../wire/ip.ts";
import type { ProxyHeader } from "../wire/proxy-v2.ts";
import type { Conn, Early, SocketAddress } from "./conn.ts";
import type { Deadlines } from "./deadlines.ts";
import { runPreface } from "./preface.ts";

/** Who is to send PROXY headers. */
export interface ProxySources {
  networks: readonly Cidr[];
  /** Whoever connects to a UNIX socket: its mode says who can. */
  unix: boolean;
}

/** The word for UNIX sockets among networks. */
const UNIX = "unix:";

/** Parses the values of a flag: `ADDRESS`, `NETWORK/LENGTH` or `unix:`. Throws `PortailError` (`proxy_source.syntax`). */
export function parseProxySources(texts: readonly string[], flag: string): ProxySources {
  const networks = texts.filter((text) => text !== UNIX).map((text) => parseNetwork(text, flag));
  return { networks, unix: texts.includes(UNIX) };
}

function parseNetwork(text: string, flag: string): Cidr {
  const cidr = parseCidrLoosely(text);
  if (cidr !== undefined && sameIp(cidr.address, cidr.base)) return { base: cidr.base, length: cidr.length };
  const why = cidr === undefined ? "is not a network" : "has host bits";
  const hint = cidr === undefined ? "write ADDRESS, NETWORK/LENGTH or unix:" : `write ${formatCidr(cidr)}`;
  throw new PortailError(`${flag}: ${JSON.stringify(text)} ${why}`, {
    code: "proxy_source.syntax",
    exit: EXIT.usage,
    hint,
  });
}

/** Whether a connection from `address` is to begin with a header. Cost grows with the number of networks. */
export function isProxySource({ networks, unix }: ProxySources, address: SocketAddress): boolean {
  if ("path" in address) return unix;
  const ip = parseIp(address.ip);
  return ip !== undefined && networks.some((network) => cidrContains(network, ip));
}

type ProxyAccepted =
  | {
      ok: true;
      conn: Conn;
      /** What came behind the header, or in its place. */
      early: Early;
      /** Who the proxy says the client is, and where it connected to; absent where it does not say. The peer is `conn.remote`. */
      source?: SocketAddress;
      destination?: SocketAddress;
      /** All that the header says; absent for a client that came without a proxy. */
      header?: ProxyHeader;
    }
  | { ok: false; code: ProxyHeaderFault | "proxy_header_timeout" | "closed"; reason: string };

/**
 * Reads the header of a fresh connection where there is to be one, and looks that there is none where there may be none.
 * That takes the client's first bytes: where `clientFirst` is false (a protocol in which the server speaks first), one
 * that may send no header is not waited for, and what it sends is data, whatever it looks like.
 */
export async function acceptProxy(
  conn: Conn,
  sources: ProxySources,
  deadlines: Deadlines,
  clientFirst = true,
): Promise<ProxyAccepted> {
  const trusted = isProxySource(sources, conn.remote);
  if (!trusted && !clientFirst) return { ok: true, conn, early: { bytes: new Uint8Array(0), ended: false } };
  const outcome = await runPreface(conn, new ProxyHeaderReader(trusted), deadlines);
  if (!outcome.ok) {
    const code = outcome.code === "timeout" ? "proxy_header_timeout" : outcome.code;
    return { ok: false, code, reason: outcome.reason };
  }
  const { value: header, early } = outcome;
  if (header === undefined) return { ok: true, conn, early };
  const { source, destination } = header;
  return { ok: true, conn, early, header, ...(source && { source }), ...(destination && { destination }) };
}
