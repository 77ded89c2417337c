/** Where a backend is and how it is spoken to: `direct`, or another proxy. Opens nothing. */
import { EXIT, PortailError } from "../command/errors.ts";
import { OutboundProxy, parseProxyUrl } from "./through-proxy.ts";

export type BackendUrl =
  /** No other proxy: a direct exit, in the place where it is named. */
  | { kind: "direct" }
  /** One that is spoken to by its own protocol. */
  | { kind: "proxy"; proxy: OutboundProxy }
  /** One that takes both, and is spoken to as the client speaks to us. */
  | { kind: "same"; socks5: OutboundProxy; http: OutboundProxy };

/** Throws `PortailError` (`proxy.url`, `backend.ssh`). `where` names the table. */
export function parseBackendUrl(text: string, where: string): BackendUrl {
  if (text === "direct") return { kind: "direct" };
  const [, secure, same] = /^same(\+tls)?:\/\/(.*)$/is.exec(text) ?? [];
  if (same !== undefined) return sameProxy(parseProxyUrl(`socks5://${same}`, where), secure !== undefined);
  if (/^ssh:\/\//i.test(text))
    throw new PortailError(`${where}: backends behind SSH are not there yet`, {
      code: "backend.ssh",
      exit: EXIT.config,
      hint: "run `ssh -N -D 127.0.0.1:PORT HOST`, and write socks5://127.0.0.1:PORT",
    });
  return { kind: "proxy", proxy: parseProxyUrl(text, where) };
}

/** One that takes SOCKS5 and CONNECT on one port. */
export function sameProxy({ host, port }: { host: string; port: number }, tls: boolean): BackendUrl {
  return {
    kind: "same",
    socks5: new OutboundProxy(tls ? "socks5+tls" : "socks5", host, port, undefined),
    http: new OutboundProxy(tls ? "https" : "http", host, port, undefined),
  };
}
