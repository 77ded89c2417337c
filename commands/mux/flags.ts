/** The flags of `portail mux`: data. What a route has of its own is a `[[route]]` table (lib/command/mux-keys.ts). */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import {
  configFlags,
  connectionAuditFlags,
  lifeFlags,
  logFlags,
  statusFlags,
  syslogFlags,
} from "../../lib/command/flags.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";
import { connectionFlags } from "../../lib/net/connection-flags.ts";
import { tlsFlags } from "../../lib/net/tls-flags.ts";

/** Routes that are shipped. */
const presetFlags = {
  preset: {
    type: "string",
    valueHint: "teleport",
    group: "Routes",
    description:
      "Routes of a preset, behind those of the file; their targets are --preset-target or a [preset.NAME] table",
  },
  "preset-target": {
    type: "string",
    multiple: true,
    valueHint: "NAME=ADDRESS",
    values: "preset-targets",
    group: "Routes",
    description: "A target of the preset, e.g. web=localhost:3080; of several for one name, the first that answers",
  },
} as const satisfies ArgDefinitions;

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
  ...presetFlags,
  ...configFlags,
} as const satisfies ArgDefinitions;

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
  "hello-timeout": {
    type: "string",
    default: "5s",
    valueHint: "TIME",
    group: "Limits",
    description: "How long a client may take until it is clear what it wants",
  },
  "silent-timeout": {
    type: "string",
    default: "2s",
    valueHint: "TIME",
    group: "Limits",
    description: 'How long a client is waited for that says nothing, where a route takes "silent" ones',
  },
  "hello-limit": {
    type: "string",
    default: "16K",
    valueHint: "SIZE",
    group: "Limits",
    description: "The longest ClientHello, at most 64K",
  },
  "max-concurrent-conns": {
    type: "string",
    valueHint: "N",
    group: "Limits",
    description: "Connections at a time; more wait until one ends (default: what the limit of open files allows)",
  },
  ...connectionFlags,
  ...tlsFlags,
  "min-tls-version": {
    ...tlsFlags["min-tls-version"],
    description: "The oldest version that is spoken where TLS ends or begins here",
  },
  ...connectionAuditFlags,
  ...logFlags,
  ...syslogFlags,
} as const satisfies ArgDefinitions;

/** A file of serve's may be read by others, to which the rest of its keys means nothing. */
function asInFile<A extends ArgDefinitions>(flags: A): A {
  return Object.fromEntries(Object.entries(flags).map(([name, flag]) => [name, { ...flag, hidden: true }])) as A;
}

export const presetArgs = {
  ...asInFile(serveArgs),
  name: { type: "positional", required: true, valueHint: "teleport", description: "The preset" },
  "preset-target": presetFlags["preset-target"],
  ...configFlags,
} as const satisfies ArgDefinitions;

export const explainFlags = {
  ...asInFile(serveArgs),
  ...routeFlags,
  ...identityFlags,
  ...tokenFlags,
  at: {
    type: "string",
    valueHint: "ADDRESS",
    group: "The client",
    values: "listeners",
    description: "Where it comes in, as the configuration writes it (default: the first listener)",
  },
  "server-name": {
    type: "string",
    valueHint: "NAME",
    values: "server-names",
    group: "The client",
    description: "The server name it asks for",
  },
  alpn: {
    type: "string",
    multiple: true,
    valueHint: "ID",
    values: "protocol-ids",
    group: "The client",
    description: "Protocol ids it offers, in its order",
  },
  starttls: {
    type: "string",
    valueHint: "postgres",
    group: "The client",
    description: "How it came to TLS, where not at once",
  },
} as const satisfies ArgDefinitions;
