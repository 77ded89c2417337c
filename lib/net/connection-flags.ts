/** Flags of daemons that lead connections on: how long things may take, and who resolves names. Reads no file, and resolves nothing. */
import type { ArgDefinitions, ParsedArgs } from "../command/define.ts";
import { parseDuration } from "../command/values.ts";
import { KeepAlive } from "./keep-alive.ts";
import type { RelayLimits } from "./relay.ts";

const limit = (value: string, description: string) =>
  ({ type: "string", default: value, valueHint: "TIME", group: "Limits", description }) as const;

export const connectionFlags = {
  "connect-timeout": limit("10s", "How long a handshake may take, and a connection to a target"),
  "close-timeout": limit("60s", "How long one direction may go on after the other has ended; 0 for ever"),
  "max-conn-lifetime": limit("0", "Cut a connection of that age; 0 never"),
  "idle-timeout": limit("0", "Cut a connection in which no byte moved for so long; 0 never"),
  keepalive: limit("60s", "Silence after which TCP probes whether a peer is still there; 0 never"),
  resolver: {
    type: "string",
    multiple: true,
    valueHint: "IP[:PORT]",
    group: "Target",
    description: "Ask this DNS server instead of the system",
  },
  "dns-timeout": {
    type: "string",
    default: "5s",
    valueHint: "TIME",
    group: "Target",
    description: "How long a name may take to resolve",
  },
} as const satisfies ArgDefinitions;

export interface ConnectionSettings {
  /** Milliseconds. */
  connectTimeout: number;
  dnsTimeout: number;
  resolvers: string[];
  keepAlive: KeepAlive;
  relayLimits: RelayLimits;
}

/** Milliseconds: what TCP_KEEPIDLE takes (tcp(7)). */
const MOST_KEEPALIVE = 32_767_000;

/** Throws `PortailError` (64, `usage.value`). */
export function parseConnection(given: ParsedArgs<typeof connectionFlags>): ConnectionSettings {
  const duration = (name: Exclude<keyof typeof connectionFlags, "resolver">, min = 0) =>
    parseDuration(`--${name}`, given[name], { min });
  return {
    connectTimeout: duration("connect-timeout", 1),
    dnsTimeout: duration("dns-timeout", 1),
    resolvers: given.resolver,
    keepAlive: new KeepAlive(Math.ceil(parseDuration("--keepalive", given.keepalive, { max: MOST_KEEPALIVE }) / 1000)),
    relayLimits: {
      idle: duration("idle-timeout"),
      lifetime: duration("max-conn-lifetime"),
      halfClosed: duration("close-timeout"),
    },
  };
}
