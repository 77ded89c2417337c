/** The flags of `portail mux connect`, `forward` and `exec`: data. */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import {
  configFlags,
  connectionAuditFlags,
  lifeFlags,
  logFlags,
  programFlags,
  statusFlags,
  syslogFlags,
} from "../../lib/command/flags.ts";
import { tunnelClientKeys, tunnelKeys } from "../../lib/command/tunnel-keys.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";
import { connectionFlags } from "../../lib/net/connection-flags.ts";
import { tlsFlags } from "../../lib/net/tls-flags.ts";
import { serveArgs } from "./flags.ts";

const { "override-server-name": name, "unsafe-listen": unsafeListen, ...server } = tunnelClientKeys;

/** Of the way to the server, and who it must be. */
const serverFlags = {
  server: {
    type: "positional",
    required: true,
    inFile: true,
    valueHint: "SERVER",
    description: "Where the server is: HOST:PORT or unix:PATH",
  },
  "server-name": { ...name, description: `${name.description.replace("target", "server")} (SNI)` },
  alpn: {
    ...tunnelKeys.alpn,
    valueHint: "ID[,ID...]",
    description: "Protocol ids (ALPN) to offer, in order of preference; the server must agree to one of them",
  },
  "alpn-optional": { type: "boolean", group: "TLS", description: "Go on where the server agrees to none of --alpn" },
  starttls: { ...tunnelKeys.starttls, description: "Come to TLS in the protocol's own way" },
  ...server,
  proxy: {
    ...server.proxy,
    description: `${server.proxy.description}; or none (default: https_proxy and all_proxy, but for no_proxy)`,
  },
  "proxy-cacert": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    group: "Target",
    description: "Trusted certificates for an https:// proxy, instead of the system's",
  },
  ...identityFlags,
  ...tokenFlags,
  ...tlsFlags,
  ...connectionFlags,
  ...logFlags,
  ...configFlags,
} as const satisfies ArgDefinitions;

const listeningFlags = {
  listen: { ...tunnelKeys.listen, description: "Where programs come in: HOST:PORT, unix:PATH, systemd:NAME, fd:N" },
  "unsafe-listen": unsafeListen,
  "max-concurrent-conns": serveArgs["max-concurrent-conns"],
} as const satisfies ArgDefinitions;

export const connectArgs = serverFlags;

export const forwardArgs = {
  ...serverFlags,
  ...listeningFlags,
  ...lifeFlags,
  ...statusFlags,
  ...connectionAuditFlags,
  ...syslogFlags,
} as const satisfies ArgDefinitions;

export const execArgs = {
  ...serverFlags,
  ...listeningFlags,
  listen: { ...tunnelKeys.listen, description: "Where the program comes in: HOST:PORT or unix:PATH" },
  preset: {
    type: "string",
    valueHint: "psql|mysql|mongosh|kubectl|none",
    group: "Program",
    description:
      "How the program is told where to connect, where no {host}, {port} or {socket} does (default: its name)",
  },
  env: programFlags.env,
  command: { ...programFlags.command, required: true },
} as const satisfies ArgDefinitions;
