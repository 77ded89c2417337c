/** The PAC file of `portail socks`: what browsers are told so that they come through the proxy, and never around it. Serves nothing. */
import { hostname } from "node:os";
import type { SocketAddress } from "../../lib/net/conn.ts";
import { formatHostPort } from "../../lib/net/endpoint.ts";
import type { Route } from "../../lib/service/status.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { isUnspecified, parseIp } from "../../lib/wire/ip.ts";

/**
 * `GET /proxy.pac`: every request goes to the first TCP listener, and to the next one where that does not answer. There is
 * no DIRECT: what the policy closes is closed. `?host=NAME` is what the proxy is to be called, which its certificate must
 * name; without it, its addresses, or where it listens on all of them this machine's name. 404 without a TCP listener.
 */
export function pacRoute(listen: readonly SocketAddress[], tls: boolean): Route {
  return {
    method: "GET",
    answer(query) {
      const asked = query.get("host");
      const named = asked === null ? undefined : canonicalHost(asked);
      if (named?.error !== undefined) return { status: 400, type: TEXT, body: `host: ${named.error}\n` };
      const proxies = listen.flatMap((address) =>
        "path" in address ? [] : [`${tls ? "HTTPS" : "PROXY"} ${placeOf(address, named?.host)}`],
      );
      if (proxies.length === 0) return { status: 404, type: TEXT, body: "the proxy listens on no TCP port\n" };
      const body = `function FindProxyForURL(url, host) {\n  return ${JSON.stringify(proxies.join("; "))};\n}\n`;
      return { status: 200, type: "application/x-ns-proxy-autoconfig", body };
    },
  };
}

const TEXT = "text/plain; charset=utf-8";

function placeOf({ ip, port }: { ip: string; port: number }, name: string | undefined): string {
  const parsed = parseIp(ip);
  return formatHostPort(name ?? (parsed !== undefined && isUnspecified(parsed) ? hostname() : ip), port);
}
