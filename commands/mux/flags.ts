/** The flags of `portail mux`: data. What a route has of its own is a `[[route]]` table (lib/command/mux-keys.ts). */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import { configFlags, lifeFlags, logFlags, statusFlags, syslogFlags } from "../../lib/command/flags.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";

/** Of everything that is told the routes. */
export const routeFlags = {
  listen: {
    type: "string",
    multiple: true,
    valueHint: "ADDRESS",
    group: "Listening",
    description:
      "Where clients of all routes come in that have no listen of their own: HOST:PORT, unix:PATH, systemd:NAME",
  },
  ...configFlags,
} as const satisfies ArgDefinitions;

/** `listen` may be left out where every route has its own, or nothing is listened on. */
export const checkFlags = { ...routeFlags, ...identityFlags, ...tokenFlags } as const satisfies ArgDefinitions;

export const explainFlags = {
  ...checkFlags,
  at: {
    type: "string",
    valueHint: "ADDRESS",
    group: "The client",
    description: "Where it comes in, as the configuration writes it (default: the first listener)",
  },
  "server-name": { type: "string", valueHint: "NAME", group: "The client", description: "The server name it asks for" },
  alpn: {
    type: "string",
    multiple: true,
    valueHint: "ID",
    group: "The client",
    description: "A protocol id it offers; in its order",
  },
  starttls: {
    type: "string",
    valueHint: "postgres",
    group: "The client",
    description: "How it came to TLS, where not at once",
  },
} as const satisfies ArgDefinitions;

const limit = (value: string, description: string) =>
  ({ type: "string", default: value, valueHint: "TIME", group: "Limits", description }) as const;

export const serveArgs = {
  ...routeFlags,
  ...identityFlags,
  ...tokenFlags,
  ...lifeFlags,
  ...statusFlags,
  "accept-proxy-from": {
    type: "string",
    multiple: true,
    valueHint: "CIDR",
    group: "Listening",
    description: "Take the client's address from a PROXY header (v1, v2) of these peers, and of no others",
  },
  "hello-timeout": limit("5s", "How long a client may take until it is clear what it wants"),
  "silent-timeout": limit("2s", 'How long a client is waited for that says nothing, where a route takes "silent" ones'),
  "hello-limit": {
    type: "string",
    default: "16K",
    valueHint: "SIZE",
    group: "Limits",
    description: "The longest ClientHello, at most 64K",
  },
  "connect-timeout": limit("10s", "How long a handshake may take, and a connection to a target"),
  "close-timeout": limit("60s", "How long one direction may go on after the other has ended; 0 for ever"),
  "max-conn-lifetime": limit("0", "Cut a connection of that age; 0 never"),
  "idle-timeout": limit("0", "Cut a connection in which no byte moved for so long; 0 never"),
  keepalive: limit("60s", "Silence after which TCP probes whether a peer is still there; 0 never"),
  "max-concurrent-conns": {
    type: "string",
    valueHint: "N",
    group: "Limits",
    description: "Connections at a time; more wait until one ends (default: what the limit of open files allows)",
  },
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
  "min-tls-version": {
    type: "string",
    default: "TLS1.2",
    valueHint: "TLS1.2|TLS1.3",
    group: "TLS",
    description: "The oldest version that is spoken where TLS ends here",
  },
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Log",
    description: "Write each connection, let through or not, as a JSON line to a file, fd:N, or - for standard output",
  },
  ...logFlags,
  ...syslogFlags,
} as const satisfies ArgDefinitions;
