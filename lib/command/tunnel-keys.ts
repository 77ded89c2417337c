/** Keys of a `[[tunnel]]` table, which are flags of `portail tunnel server|client` too: what one tunnel of a process has of its own. */
import type { ArgDefinitions } from "./define.ts";

const LISTENING = "Listening";
const TARGET = "Target";
const WHO = "Who may connect";
const VERIFY = "What the server must be";

/** Both sides. */
export const tunnelKeys = {
  listen: {
    type: "string",
    multiple: true,
    valueHint: "ADDRESS",
    group: LISTENING,
    description: "Where clients come in: HOST:PORT, [IPV6]:PORT, unix:PATH, systemd:NAME, fd:N",
  },
  target: {
    type: "string",
    multiple: true,
    valueHint: "ADDRESS",
    group: TARGET,
    description: "Where connections go: HOST:PORT or unix:PATH. Of several, the first that is healthy and answers",
  },
  "target-order": {
    type: "string",
    valueHint: "first|rotate",
    group: TARGET,
    description: "With several targets: begin with the first each time, or with the next in turn (default: first)",
  },
  "disable-authentication": {
    type: "boolean",
    group: WHO,
    description: "Server: ask for no client certificate. Client: present none",
  },
  alpn: {
    type: "string",
    multiple: true,
    valueHint: "ID",
    group: "TLS",
    description: "Protocol ids (ALPN) to negotiate, in order of preference",
  },
  starttls: {
    type: "string",
    valueHint: "postgres",
    group: "TLS",
    description: "Come to TLS in the protocol's own way. Server: with clients; client: with the target",
  },
  acl: {
    type: "string",
    valueHint: "FILE",
    group: WHO,
    description: "An access policy that must allow as well; alone it is the access rule. Reloaded on SIGHUP",
  },
  "accept-proxy-from": {
    type: "string",
    multiple: true,
    valueHint: "CIDR",
    group: LISTENING,
    description: "Take the client's address from a PROXY header (v1, v2) of these peers, and of no others",
  },
  "max-concurrent-conns": {
    type: "string",
    valueHint: "N",
    group: "Limits",
    description: "Connections at a time; more wait until one ends (default: what the limit of open files allows)",
  },
} as const satisfies ArgDefinitions;

/** Of `tunnel server`. */
export const tunnelServerKeys = {
  "unsafe-target": {
    type: "boolean",
    group: TARGET,
    description: "Let the target be beyond this host, where connections go on in the clear",
  },
  "target-status": {
    type: "string",
    valueHint: "URL",
    group: TARGET,
    description: "GET this URL through the target's address; the target is healthy when the answer is 200",
  },
  "proxy-protocol": {
    type: "boolean",
    group: TARGET,
    description: "Begin each connection to the target with a PROXY v2 header (as --proxy-protocol-mode=conn)",
  },
  "proxy-protocol-mode": {
    type: "string",
    valueHint: "conn|tls|tls-full",
    group: TARGET,
    description: "What the PROXY v2 header holds: addresses; also TLS version, name and ALPN; also the certificate",
  },
  "allow-all": { type: "boolean", group: WHO, description: "Whoever has a certificate of --cacert" },
  "allow-cn": { type: "string", multiple: true, valueHint: "CN", group: WHO, description: "This common name; * globs" },
  "allow-ou": { type: "string", multiple: true, valueHint: "OU", group: WHO, description: "This organizational unit" },
  "allow-dns": {
    type: "string",
    multiple: true,
    valueHint: "NAME",
    alias: "allow-dns-san",
    group: WHO,
    description: "This DNS name; * stands for one label or a part of it",
  },
  "allow-ip": {
    type: "string",
    multiple: true,
    valueHint: "IP",
    alias: "allow-ip-san",
    group: WHO,
    description: "This IP address in the certificate",
  },
  "allow-uri": {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    alias: "allow-uri-san",
    group: WHO,
    description: "This URI name; * is one segment of the path, ** at the end is the rest",
  },
  "allow-spki-pin": {
    type: "string",
    multiple: true,
    valueHint: "ALGO:BASE64",
    group: WHO,
    description: "This public key (sha256, sha384, sha512), whoever signed its certificate; no chain is verified",
  },
} as const satisfies ArgDefinitions;

/** Of `tunnel client`. */
export const tunnelClientKeys = {
  "unsafe-listen": {
    type: "boolean",
    group: LISTENING,
    description: "Listen beyond loopback: whoever reaches the port then uses this identity",
  },
  "override-server-name": {
    type: "string",
    valueHint: "NAME",
    group: VERIFY,
    description: "Ask for this name and demand it in the certificate, instead of the target's host",
  },
  "unsafe-cn-as-name": {
    type: "boolean",
    group: VERIFY,
    description: "Take the common name as the server's name where a certificate has no alternative names at all",
  },
  proxy: {
    type: "string",
    valueHint: "URL",
    alias: "connect-proxy",
    group: TARGET,
    description: "Reach the target through a proxy: http://, https://, socks5://, with user:password@ if it asks",
  },
  "verify-cn": { type: "string", multiple: true, valueHint: "CN", group: VERIFY, description: "This common name" },
  "verify-ou": { type: "string", multiple: true, valueHint: "OU", group: VERIFY, description: "This unit" },
  "verify-dns": {
    type: "string",
    multiple: true,
    valueHint: "NAME",
    alias: "verify-dns-san",
    group: VERIFY,
    description: "This DNS name",
  },
  "verify-ip": {
    type: "string",
    multiple: true,
    valueHint: "IP",
    alias: "verify-ip-san",
    group: VERIFY,
    description: "This IP address in the certificate",
  },
  "verify-uri": {
    type: "string",
    multiple: true,
    valueHint: "PATTERN",
    alias: "verify-uri-san",
    group: VERIFY,
    description: "This URI name; * is one segment of the path, ** at the end is the rest",
  },
  "verify-spki-pin": {
    type: "string",
    multiple: true,
    valueHint: "ALGO:BASE64",
    group: VERIFY,
    description: "This public key, whoever signed its certificate; chain and name are not verified",
  },
} as const satisfies ArgDefinitions;
