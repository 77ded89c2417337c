/** The flags of `portail tunnel server` and `client`: data. ghostunnel's names keep their meaning. */
import type { ArgDefinitions } from "../../lib/command/define.ts";
import {
  configFlags,
  connectionAuditFlags,
  lifeFlags,
  logFlags,
  programFlags,
  statusFlags,
} from "../../lib/command/flags.ts";
import { tunnelClientKeys, tunnelKeys, tunnelServerKeys } from "../../lib/command/tunnel-keys.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";
import { connectionFlags } from "../../lib/net/connection-flags.ts";
import { tlsFlags } from "../../lib/net/tls-flags.ts";
import { pushFlags } from "./push.ts";

/** Of all tunnels of the process. */
const processFlags = {
  ...lifeFlags,
  ...statusFlags,
  stdio: {
    type: "boolean",
    group: "Listening",
    description: "Carry standard input and output instead of listening (ssh ProxyCommand, inetd)",
  },
  ...connectionFlags,
  workers: {
    type: "string",
    default: "1",
    valueHint: "N",
    group: "Limits",
    description: "Processes that share the work, for more cores; they listen at the same TCP ports",
  },
  "skip-resolve": {
    type: "boolean",
    group: "Target",
    description: "Start although the target's name does not resolve yet",
  },
  ...tlsFlags,
  "max-tls-version": {
    type: "string",
    default: "TLS1.3",
    valueHint: "TLS1.2|TLS1.3",
    group: "TLS",
    description: "The newest version that is spoken",
  },
  "cipher-suites": {
    type: "string",
    default: "AES,CHACHA",
    valueHint: "LIST",
    group: "TLS",
    description: "Groups of TLS 1.2 suites, in order; those of TLS 1.3 are fixed",
  },
  "allow-unsafe-cipher-suites": { type: "boolean", hidden: true, description: "Permit the group UNSAFE-AZURE" },
  "session-resumption": {
    type: "boolean",
    default: true,
    group: "TLS",
    description: "Resume TLS sessions, which spares most of a handshake",
  },
  ...connectionAuditFlags,
  ...pushFlags,
  quiet: {
    type: "string",
    multiple: true,
    valueHint: "conns|conn-errs|handshake-errs|all",
    group: "Log",
    description: "Leave out of the log: conns, conn-errs, handshake-errs, or all",
  },
  syslog: { type: "boolean", group: "Log", description: "Log to syslog instead of standard error" },
  "log-format": logFlags["log-format"],
  debug: logFlags.debug,
  "disable-landlock": { type: "boolean", hidden: true, description: "Taken for ghostunnel's sake" },
  "use-landlock": { type: "boolean", hidden: true, description: "Taken for ghostunnel's sake" },
  ...configFlags,
} as const satisfies ArgDefinitions;

const later = { type: "string", hidden: true, description: "Not taken yet" } as const;
const laterSwitch = { type: "boolean", hidden: true, description: "Not taken yet" } as const;

/** ghostunnel's flags that are known and refused, each with a hint (refused.ts); its variables for them too. */
const refusedFlags = {
  "use-workload-api": laterSwitch,
  "use-workload-api-addr": { ...later, env: "SPIFFE_ENDPOINT_SOCKET" },
  "use-workload-api-timeout": later,
  "enable-pprof": laterSwitch,
  eventlog: laterSwitch,
  "keychain-identity": later,
  "keychain-issuer": later,
  "keychain-require-token": laterSwitch,
} as const satisfies ArgDefinitions;

export const serverArgs = {
  ...tunnelKeys,
  ...tunnelServerKeys,
  ...identityFlags,
  ...tokenFlags,
  ...processFlags,
  ...refusedFlags,
  "allow-policy": later,
  "allow-query": later,
  "auto-acme-cert": later,
  "auto-acme-email": later,
  "auto-acme-agree-to-tos": laterSwitch,
  "auto-acme-ca": later,
  "auto-acme-testca": later,
  "auto-acme-renew-check-interval": later,
  "auto-acme-alt-tls-alpn-port": later,
} as const satisfies ArgDefinitions;

export const clientArgs = {
  ...tunnelKeys,
  ...tunnelClientKeys,
  ...identityFlags,
  ...tokenFlags,
  "proxy-cacert": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    group: "Target",
    description: "Trusted certificates for an https:// proxy, instead of the system's",
  },
  ...processFlags,
  ...refusedFlags,
  "verify-policy": later,
  "verify-query": later,
  env: programFlags.env,
  command: {
    ...programFlags.command,
    description: "Run this program with the tunnel open, and end with it; {host}, {port} and {socket} are filled in",
  },
} as const satisfies ArgDefinitions;
