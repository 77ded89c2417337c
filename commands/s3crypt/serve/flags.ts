/** The flags of `portail s3crypt serve`: data, from which argv, configuration and help are made. Those of ds_proxy are among them. */
import { AUDIT_PLACES, auditFullFlag } from "../../../lib/audit/settings.ts";
import type { ArgDefinitions } from "../../../lib/command/define.ts";
import {
  acceptProxyFlags,
  configFlags,
  lifeFlags,
  logFlags,
  statusFlags,
  syslogFlags,
} from "../../../lib/command/flags.ts";
import { identityFlags, tokenFlags, upstreamIdentityFlags, withoutVariables } from "../../../lib/identity/flags.ts";
import { keyFlags } from "../keyring-file.ts";
import { demanding, engineFlag } from "../tool/flags.ts";
import { onceFlags } from "./once-flags.ts";
import { s3Args } from "./s3-flags.ts";

const LIMIT = { type: "string", group: "Limits" } as const;
const TIME = { type: "string", valueHint: "TIME", group: "Limits" } as const;

export const args = {
  listen: {
    type: "string",
    multiple: true,
    default: "127.0.0.1:4444",
    alias: "address",
    env: "DS_ADDRESS",
    valueHint: "ADDRESS",
    group: "Listening",
    description: "Where clients come in: HOST:PORT, [IPV6]:PORT, unix:PATH, systemd:NAME, fd:N; --address is the same",
  },
  ...acceptProxyFlags,
  "client-cert": {
    type: "string",
    valueHint: "off|optional|required",
    group: "Listening",
    description: "Whether clients show a certificate of --cacert; required once that is given",
  },
  ...withoutVariables(identityFlags),
  ...withoutVariables(tokenFlags),
  "upstream-url": {
    type: "string",
    required: true,
    env: "DS_UPSTREAM_URL",
    valueHint: "URL",
    group: "Upstream",
    description: "The storage: http(s)://HOST[:PORT][/PATH]; its path stands before that of every request",
  },
  "connect-url": {
    type: "string",
    env: "DS_CONNECT_URL",
    valueHint: "URL",
    group: "Upstream",
    description: "Connect there instead; names, Host and certificate stay those of --upstream-url",
  },
  "backend-connection-timeout": {
    type: "string",
    default: "1s",
    env: "BACKEND_CONNECTION_TIMEOUT",
    valueHint: "TIME",
    group: "Upstream",
    description: "How long the storage's name and a connection to it may take; a bare number is in seconds",
  },
  "backend-response-timeout": {
    type: "string",
    default: "60s",
    valueHint: "TIME",
    group: "Upstream",
    description: "How long the storage may take from the end of a request to its answer; 0 for ever",
  },
  resolver: {
    type: "string",
    multiple: true,
    valueHint: "IP[:PORT]",
    group: "Upstream",
    description: "Ask this DNS server instead of the system",
  },
  ...upstreamIdentityFlags,
  "bypass-ssl-certificate-check": {
    type: "boolean",
    group: "Upstream",
    description: "Do not verify the storage's certificate: whoever is on the way can be the storage",
  },
  ...keyFlags,
  ...engineFlag,
  "write-format": {
    type: "string",
    default: "ds2",
    valueHint: "ds2|v3",
    group: "Objects",
    description: "How new objects are written: ds2, which ds_proxy reads, or v3, which shows any change and cut",
  },
  ...demanding,
  plaintext: {
    ...demanding.plaintext,
    default: "allow",
    group: "Demands",
    description: "What becomes of an object that is not encrypted: allow or warn, which pass it through, or deny",
  },
  "local-encryption-directory": {
    type: "string",
    env: "DS_LOCAL_ENCRYPTION_DIRECTORY",
    valueHint: "DIR",
    group: "Objects",
    description:
      "Serve PUT and GET /local/encrypt/NAME: encrypt a file there, hand it out once. Nobody is asked who they are",
  },
  ...s3Args,
  ...onceFlags,
  acl: {
    type: "string",
    valueHint: "FILE",
    group: "Policy",
    description: "A policy that must allow each request, beside the storage. Reloaded on SIGHUP",
  },
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Policy",
    description: `Write what became of each request as JSON Lines to ${AUDIT_PLACES}`,
  },
  ...auditFullFlag,
  "handshake-timeout": {
    ...TIME,
    default: "10s",
    description: "How long a client may take for TLS, and for each request head",
  },
  "keep-alive-timeout": {
    ...TIME,
    default: "75s",
    description: "How long a client may keep a connection without a request",
  },
  "idle-timeout": {
    ...TIME,
    default: "5m",
    description: "Cut an exchange in which no byte moved for so long; 0 never",
  },
  "max-conn-lifetime": { ...TIME, default: "0", description: "Cut an exchange of that age; 0 never" },
  "max-concurrent-conns": {
    ...LIMIT,
    default: "0",
    valueHint: "N",
    description: "Clients at a time; 0 is what the limit of open files allows",
  },
  "max-conns-per-client": {
    ...LIMIT,
    default: "0",
    valueHint: "N",
    description: "Connections at a time of one client address; 0 is no limit",
  },
  "max-header-size": { ...LIMIT, default: "64K", valueHint: "SIZE", description: "Size of a request head" },
  keepalive: { ...TIME, default: "60s", description: "TCP keepalive after so much silence; 0 off" },
  ...lifeFlags,
  ...statusFlags,
  ...logFlags,
  ...syslogFlags,
  ...configFlags,
} as const satisfies ArgDefinitions;
