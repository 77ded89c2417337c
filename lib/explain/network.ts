/** What a daemon would know of its network, as flags: where it listens and what a name resolves to. Opens and asks nothing. */
import type { Guard } from "../acl/guard.ts";
import { usage } from "../command/argv.ts";
import type { ArgDefinitions } from "../command/define.ts";
import { parseEndpoint } from "../net/endpoint.ts";
import { type Ip, parseIp } from "../wire/ip.ts";

/** For commands that decide as a daemon would. */
export const listenFlag = {
  listen: {
    type: "string",
    multiple: true,
    valueHint: "IP:PORT",
    description: "Where the daemon listens: the address guard keeps clients from it; may be repeated",
  },
} as const satisfies ArgDefinitions;

/** The listeners that the address guard protects. Throws `PortailError` (64). */
export function parseListen(texts: readonly string[]): Guard["own"] {
  return texts.map((text) => {
    const endpoint = parseEndpoint(text, "--listen");
    const ip = endpoint.kind === "tcp" ? parseIp(endpoint.host) : undefined;
    if (endpoint.kind !== "tcp" || ip === undefined)
      throw usage("usage.value", `--listen: ${JSON.stringify(text)} names no address`, "write IP:PORT or [IPV6]:PORT");
    return { ip, port: endpoint.port };
  });
}

/** `IP,…` or `none` for a name without an address; undefined where nothing is said. Throws `PortailError` (64). */
export function parseResolves(text: string | undefined): readonly Ip[] | undefined {
  if (text === undefined) return undefined;
  if (text === "none") return [];
  return text.split(",").map((part) => {
    const ip = parseIp(part.trim());
    if (ip === undefined)
      throw usage("usage.value", `--resolves: ${JSON.stringify(part)} is not an IP address`, "write IP,IP or none");
    return ip;
  });
}
