/** Where a backend is and how it is spoken to: `direct`, another proxy, or a host behind SSH. Opens nothing. */
import { EXIT, PortailError } from "../command/errors.ts";
import { OutboundProxy, parseProxyUrl } from "./through-proxy.ts";

export type BackendUrl =
  /** No other proxy: a direct exit, in the place where it is named. */
  | { kind: "direct" }
  /** One that is spoken to by its own protocol. */
  | { kind: "proxy"; proxy: OutboundProxy; http2?: Http2Use }
  /** One that takes both, and is spoken to as the client speaks to us. */
  | { kind: "same"; socks5: OutboundProxy; http: OutboundProxy }
  /** `ssh -W`; the user and the port are those of its configuration where they are left out; `config` stands for the user's. */
  | { kind: "ssh"; destination: string; port: string | undefined; config?: string };

/** Of a proxy that may be, or must be, spoken to over HTTP/2. Inside TLS the peer says which; in the clear it is known. */
export interface Http2Use {
  /** Whether HTTP/1.1 will do. */
  http1: boolean;
  /** Connections at a time. */
  most: number;
}

/** Enough for thousands of tunnels with what servers usually allow, a hundred in a connection. */
export const MOST_CONNECTIONS = 32;

/** Throws `PortailError` (`proxy.url`, `backend.target`). `where` names the table. */
export function parseBackendUrl(text: string, where: string): BackendUrl {
  if (text === "direct") return { kind: "direct" };
  const [, secure, same] = /^same(\+tls)?:\/\/(.*)$/is.exec(text) ?? [];
  if (same !== undefined) return sameProxy(parseProxyUrl(`socks5://${same}`, where), secure !== undefined);
  const ssh = /^ssh:\/\/(.*)$/is.exec(text)?.[1];
  if (ssh === undefined) return parseProxy(text, where);
  const [, user, bracketed, plain, port] =
    /^(?:([A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_][A-Za-z0-9_.-]*))(?::([0-9]{1,5}))?\/?$/.exec(
      ssh,
    ) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined)
    throw new PortailError(`${where}: ${JSON.stringify(text)} names no host behind SSH`, {
      code: "backend.target",
      exit: EXIT.config,
      hint: "write ssh://[USER@]HOST[:PORT], where HOST may be a name of your SSH configuration",
    });
  return { kind: "ssh", destination: user === undefined ? host : `${user}@${host}`, port };
}

/** `h2c://` is HTTP/2 in the clear by prior knowledge (RFC 9113 section 3.3). */
function parseProxy(text: string, where: string): BackendUrl {
  const scheme = /^([a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && ["h2", "h2s", "http2", "https2", "h2+tls"].includes(scheme))
    throw new PortailError(`${where}: proxies of the scheme ${JSON.stringify(scheme)} are not known`, {
      code: "proxy.url",
      exit: EXIT.usage,
      hint: "write h2c:// for HTTP/2 in the clear; https:// speaks HTTP/2 with whoever can",
    });
  const proxy = parseProxyUrl(text, where, { http2: true });
  if (!proxy.isHttp2 && (proxy.protocol !== "http" || !proxy.tls)) return { kind: "proxy", proxy };
  return { kind: "proxy", proxy, http2: { http1: !proxy.isHttp2, most: MOST_CONNECTIONS } };
}

/** One that takes SOCKS5 and CONNECT on one port. */
function sameProxy({ host, port }: { host: string; port: number }, tls: boolean): BackendUrl {
  return {
    kind: "same",
    socks5: new OutboundProxy(tls ? "socks5+tls" : "socks5", host, port, undefined),
    http: new OutboundProxy(tls ? "https" : "http", host, port, undefined),
  };
}
