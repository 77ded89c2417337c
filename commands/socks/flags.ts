/** The flags of `portail socks`: data, from which argv, configuration and help are made. */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import { identityFlags } from "../../lib/identity/flags.ts";
import { configFlags, lifeFlags, logFlags, statusFlags, syslogFlags } from "../../lib/command/flags.ts";
import { controlFlags } from "./control-settings.ts";

export const args = {
  listen: {
    type: "string",
    multiple: true,
    default: "127.0.0.1:1080",
    valueHint: "ADDRESS",
    group: "Listening",
    description: "Where clients come in: HOST:PORT, [IPV6]:PORT, unix:PATH, systemd:NAME, fd:N",
  },
  "unsafe-listen": {
    type: "boolean",
    group: "Listening",
    description: "Listen beyond loopback although clients prove nothing",
  },
  "accept-proxy-from": {
    type: "string",
    multiple: true,
    valueHint: "NETWORK",
    group: "Listening",
    description: "Demand a PROXY header (v1, v2) from these addresses, or unix:, and refuse it from all others",
  },
  tls: {
    type: "string",
    valueHint: "off|optional|required",
    group: "TLS",
    description: "Whether clients come over TLS, on the same port; required once there is a certificate to present",
  },
  "client-cert": {
    type: "string",
    valueHint: "off|optional|required",
    group: "TLS",
    description: "Whether they show a certificate of --cacert; required once that is given",
  },
  "min-tls-version": {
    type: "string",
    default: "TLS1.2",
    valueHint: "TLS1.2|TLS1.3",
    group: "TLS",
    description: "The oldest version that is spoken",
  },
  ...withoutVariables(identityFlags),
  cacert: {
    ...withoutVariables(identityFlags).cacert,
    description:
      "Certificates of the authorities that clients are verified against, never those of the system; without it, they are asked for no certificate",
  },
  users: {
    type: "string",
    valueHint: "FILE",
    group: "Listening",
    description: "Ask clients for a name and password of this file (lines as of htpasswd -nB)",
  },
  acl: {
    type: "string",
    valueHint: "FILE",
    group: "Policy",
    description: "The access policy; builtin:sample is one to try things with. Reloaded on SIGHUP",
  },
  "context-timeout": {
    type: "string",
    default: "5s",
    valueHint: "TIME",
    group: "Policy",
    description: "How long all providers of facts together may take for a request; what is late is missing",
  },
  "explain-acl": {
    type: "string",
    valueHint: "FILE",
    group: "Policy",
    description:
      "A policy that decides whom the reason of a denial is shown; without it nobody is told more than the denial",
  },
  templates: {
    type: "string",
    valueHint: "DIR",
    group: "Policy",
    description: "Folder of the pages (NAME.html) and texts (NAME.txt) that explain-template names",
  },
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Policy",
    description: "Write decisions and ends of connections as JSON Lines to a file, fd:N, or - for standard output",
  },
  "default-backend": {
    type: "string",
    valueHint: "NAME",
    group: "Upstream",
    description:
      "Where requests go that no route of the policy claims: a [backend.NAME] of --config; without it, direct",
  },
  fallback: {
    type: "string",
    default: "none",
    valueHint: "none|direct",
    group: "Upstream",
    description: "When all backends of a request failed: refuse it, or ask the policy whether it may go out directly",
  },
  resolver: {
    type: "string",
    multiple: true,
    valueHint: "IP[:PORT]",
    group: "Upstream",
    description: "Ask this DNS server instead of the system",
  },
  "dns-timeout": {
    type: "string",
    default: "5s",
    valueHint: "TIME",
    group: "Upstream",
    description: "How long a name may take to resolve",
  },
  "connect-timeout": {
    type: "string",
    default: "10s",
    valueHint: "TIME",
    group: "Upstream",
    description: "How long all addresses of a target together may take to answer",
  },
  "handshake-timeout": {
    type: "string",
    default: "10s",
    valueHint: "TIME",
    group: "Limits",
    description: "How long a client may take from its first byte to its whole request",
  },
  "idle-timeout": {
    type: "string",
    default: "0",
    valueHint: "TIME",
    group: "Limits",
    description: "Cut a tunnel in which no byte moved for so long; 0 never",
  },
  "max-conn-lifetime": {
    type: "string",
    default: "0",
    valueHint: "TIME",
    group: "Limits",
    description: "Cut a tunnel of that age; 0 never",
  },
  "close-timeout": {
    type: "string",
    default: "0",
    valueHint: "TIME",
    group: "Limits",
    description: "Cut a tunnel so long after one side ended its direction; 0 never",
  },
  "max-concurrent-conns": {
    type: "string",
    default: "0",
    valueHint: "N",
    group: "Limits",
    description: "Tunnels at a time; 0 is what the limit of open files allows",
  },
  "max-conns-per-client": {
    type: "string",
    default: "0",
    valueHint: "N",
    group: "Limits",
    description: "Tunnels at a time of one client address; 0 is no limit",
  },
  "max-conns-per-user": {
    type: "string",
    default: "0",
    valueHint: "N",
    group: "Limits",
    description: "Tunnels at a time of one user, by password or certificate; 0 is no limit",
  },
  "max-requests-per-client": {
    type: "string",
    default: "0",
    valueHint: "N",
    group: "Limits",
    description: "Requests in a second of one client address; 0 is no limit",
  },
  "max-header-size": {
    type: "string",
    default: "64K",
    valueHint: "SIZE",
    group: "Limits",
    description: "Size of an HTTP request head",
  },
  "max-streams": {
    type: "string",
    default: "128",
    valueHint: "N",
    group: "Limits",
    description: "Tunnels and requests at a time within one HTTP/2 connection",
  },
  keepalive: {
    type: "string",
    default: "60s",
    valueHint: "TIME",
    group: "Limits",
    description: "Silence after which TCP probes whether a peer is still there; 0 never",
  },
  udp: {
    type: "boolean",
    group: "UDP",
    description: "Relay datagrams for SOCKS5 clients (UDP ASSOCIATE) where a policy names proxy.cmd",
  },
  "udp-address": {
    type: "string",
    multiple: true,
    valueHint: "IP",
    group: "UDP",
    description: "Where clients are told to send datagrams, if not to the address that they connected to",
  },
  "udp-idle-timeout": {
    type: "string",
    default: "5m",
    valueHint: "TIME",
    group: "UDP",
    description: "End an association without a datagram for so long; 0 never",
  },
  ...controlFlags,
  ...lifeFlags,
  ...statusFlags,
  live: {
    type: "boolean",
    default: true,
    group: "Log",
    description: "Show decisions as they are made, when standard error is a terminal",
  },
  ...logFlags,
  ...syslogFlags,
  ...configFlags,
} as const satisfies ArgDefinitions;

/** A variable that is meant for a tunnel must not put TLS in front of a proxy. */
function withoutVariables<A extends ArgDefinitions>(flags: A): A {
  const plain = Object.entries(flags).map(([name, flag]) => [name, { ...flag, env: undefined }]);
  return Object.fromEntries(plain) as A;
}
