/** Keys of a `[[route]]` table, which `portail mux` reads: whom a route takes, where it leads, and what stands between. */
import type { ArgDefinitions } from "./define.ts";
import { healthKeys } from "./health-keys.ts";
import { tunnelServerKeys } from "./tunnel-keys.ts";

const FOR = "Whom it takes";
const TARGET = "Target";

const {
  "unsafe-target": unsafeTarget,
  "proxy-protocol": proxyProtocol,
  "proxy-protocol-mode": proxyProtocolMode,
  "target-status": _,
  ...allow
} = tunnelServerKeys;

export const muxRouteKeys = {
  name: { type: "string", description: "Name of the route in log, audit and metrics; route-N without it" },
  listen: {
    type: "string",
    multiple: true,
    group: FOR,
    description: "Where its clients come in, in place of --listen",
  },
  "server-name": {
    type: "string",
    multiple: true,
    group: FOR,
    description:
      "Server names (SNI); *.NAME is one label more, **.NAME one or more. Without: what no other route names",
  },
  "server-name-regex": { type: "string", multiple: true, group: FOR, description: "The same by a pattern (RE2)" },
  alpn: {
    type: "string",
    multiple: true,
    group: FOR,
    description:
      'Protocol ids (ALPN); ID* captures one DNS label, ID** takes any rest, "" is none. Without: what no other route takes',
  },
  starttls: {
    type: "string",
    valueHint: "postgres",
    group: FOR,
    description: "Clients come to TLS by PostgreSQL's SSLRequest, or at once with its protocol id",
  },
  "first-bytes": {
    type: "string",
    multiple: true,
    group: FOR,
    description: "Clients without TLS: ssh, http, h2, socks5, socks4, postgres-cancel, postgres-plain, silent",
  },
  "first-bytes-regex": {
    type: "string",
    multiple: true,
    group: FOR,
    description: "The same by a pattern (RE2) on the first bytes",
  },
  refuse: {
    type: "string",
    valueHint: "REASON",
    description:
      "Turn its clients away, for this reason in log and audit, unless they offer another protocol id that does",
  },
  terminate: { type: "boolean", description: "End TLS here; without it, bytes pass as they are" },
  identity: { type: "string", description: "Name of an [identity.NAME] table, in place of --cert and --key" },
  trust: { type: "string", description: "Name of a [trust.NAME] table for clients, in place of --cacert" },
  "client-certificate": {
    type: "string",
    valueHint: "off|optional|required",
    description: "Whether clients give a certificate (off)",
  },
  ...allow,
  acl: { type: "string", description: "An access policy that must allow as well" },
  target: {
    type: "string",
    multiple: true,
    group: TARGET,
    description: "HOST:PORT or unix:PATH; {capture} in HOST. Of several, the first that answers",
  },
  "target-order": {
    type: "string",
    valueHint: "first|rotate",
    group: TARGET,
    description: "Which of several is first",
  },
  health: {
    type: "string",
    valueHint: "none|connect",
    group: TARGET,
    description:
      "Whether targets are checked, by a connection, with TLS where there is any; one that is down gets nobody (none)",
  },
  "health-interval": { ...healthKeys["health-interval"], group: TARGET },
  "health-fall": { ...healthKeys["health-fall"], group: TARGET },
  "health-rise": { ...healthKeys["health-rise"], group: TARGET },
  "target-tls": { type: "boolean", group: TARGET, description: "Speak TLS with the target" },
  "target-starttls": { type: "string", valueHint: "postgres", group: TARGET, description: "Ask for it by SSLRequest" },
  "target-identity": { type: "string", group: TARGET, description: "Name of an [identity.NAME] table to present" },
  "target-trust": {
    type: "string",
    group: TARGET,
    description: "Name of a [trust.NAME] table for the target, in place of the system's authorities",
  },
  "target-server-name": { type: "string", group: TARGET, description: "Name to ask for and demand; else its host" },
  "target-alpn": {
    type: "string",
    multiple: true,
    group: TARGET,
    description: "Protocol ids to offer to the target; without, the one that was agreed upon with the client",
  },
  "unsafe-target": unsafeTarget,
  "proxy-protocol": proxyProtocol,
  "proxy-protocol-mode": proxyProtocolMode,
  "max-concurrent-conns": { type: "string", valueHint: "N", description: "Connections at a time; more are refused" },
} as const satisfies ArgDefinitions;
