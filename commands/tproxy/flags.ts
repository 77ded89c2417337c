/** The flags of `portail tproxy`: data. The reference's names keep their meaning; what a rule has of its own is a `[[rule]]` table (lib/command/tproxy-keys.ts). */
import { AUDIT_PLACES, auditFullFlag } from "../../lib/audit/settings.ts";
import type { ArgDefinitions } from "../../lib/command/define.ts";
import { configFlags, lifeFlags, logFlags, statusFlags, syslogFlags } from "../../lib/command/flags.ts";
import { tproxyKeys } from "../../lib/command/tproxy-keys.ts";
import { nameFlags } from "./dns-flags.ts";
import { connectionFlags } from "../../lib/net/connection-flags.ts";
import { tlsFlags } from "../../lib/net/tls-flags.ts";
import { identityFlags, tokenFlags } from "../../lib/identity/flags.ts";

/** Of the reference, which is written in Go. */
const GO = { oneDash: true } as const;
const { cert, key, cacert } = identityFlags;

const capture = { type: "string", multiple: true, group: "Capture" } as const;

/** What is captured, and by what table: of everything that knows the table. */
export const captureFlags = {
  ...tproxyKeys,
  map: {
    ...capture,
    valueHint: "NAME:PORT[:PORT]",
    description: "A name whose connections to a port go on over TLS, to the second port if there is one",
  },
  instance: {
    type: "string",
    valueHint: "NAME",
    group: "Capture",
    description: "Name of this instance, of which each has a table of its own: inet portail-NAME",
  },
  "listen-port": {
    type: "string",
    default: "1019",
    valueHint: "PORT",
    group: "Capture",
    description: "Port of loopback where captured connections go; below 1024, nobody else takes it after a crash",
  },
  mark: {
    type: "string",
    default: "0x706f7274",
    valueHint: "MARK",
    group: "Capture",
    description: "Firewall mark of our own connections, which no instance captures",
  },
  "capture-to": {
    ...capture,
    valueHint: "NETWORK",
    description: "Capture connections to these addresses alone (default: all but loopback)",
  },
  "capture-user": { ...capture, valueHint: "USER", description: "Capture connections of these users alone" },
  "capture-group": { ...capture, valueHint: "GROUP", description: "Capture connections of these groups alone" },
  "capture-cgroup": { ...capture, valueHint: "PATH", description: "Capture connections of these control groups alone" },
  "exempt-user": { ...capture, valueHint: "USER", description: "Leave connections of these users as they are" },
  "fake-range": {
    ...capture,
    valueHint: "NETWORK",
    description:
      "Addresses that are nobody's: one stands for a name, which is resolved (198.18.0.0/15, fd70:6f72:7461::/48)",
  },
  "dns-port": {
    type: "string",
    valueHint: "PORT",
    group: "Names",
    description:
      "Answer questions for names at this port of loopback: those that rules take get addresses of --fake-range",
  },
  "capture-dns": {
    type: "boolean",
    group: "Names",
    description: "Lead the port 53 of whom is captured, but for our own user, to --dns-port",
  },
  hosts: {
    ...capture,
    valueHint: "FILE",
    description: "Take names and their addresses from these hosts files (/etc/hosts)",
  },
  ...configFlags,
} as const satisfies ArgDefinitions;

/** Of whoever carries connections. */
export const carryFlags = {
  ...identityFlags,
  ...tokenFlags,
  "proxy-cacert": {
    type: "string",
    multiple: true,
    valueHint: "FILE",
    group: "Target",
    description: "Trusted certificates for an https:// proxy, instead of the system's",
  },
  ...connectionFlags,
  "verifier-timeout": {
    type: "string",
    default: "2s",
    valueHint: "TIME",
    group: "Limits",
    description: "How long a verifier may think about a server, before that is refused",
  },
  "max-concurrent-conns": {
    type: "string",
    valueHint: "N",
    group: "Limits",
    description: "Connections at a time; more wait until one ends (default: what the limit of open files allows)",
  },
  ...tlsFlags,
  "session-resumption": {
    type: "boolean",
    default: true,
    group: "TLS",
    description: "Resume TLS sessions, which spares most of a handshake",
  },
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Log",
    description: `Write each connection, let through or not, as a JSON line to ${AUDIT_PLACES}`,
  },
  ...auditFullFlag,
  ...logFlags,
} as const satisfies ArgDefinitions;

/** Of the stub resolver, as `portail tproxy dns` has them; those that would mean something else have the prefix. */
const ledFlags = {
  "dns-upstream": { ...nameFlags.upstream, group: "Names" },
  "dns-upstream-timeout": { ...nameFlags["upstream-timeout"], group: "Names" },
  "dns-state": { ...nameFlags.state, group: "Names" },
  "dns-ttl": { ...nameFlags.ttl, group: "Names" },
  "dns-reuse-after": { ...nameFlags["reuse-after"], group: "Names" },
  "max-dns-waiting": nameFlags["max-waiting"],
  "max-dns-conns": nameFlags["max-dns-conns"],
  "dns-idle-timeout": nameFlags["dns-idle-timeout"],
} as const satisfies ArgDefinitions;

/** Of `rules` too, so that it takes the command lines and files of `run` as they are. */
export const runArgs = {
  ...captureFlags,
  ...ledFlags,
  mode: {
    type: "string",
    default: "redirect",
    valueHint: "redirect|anyip",
    group: "Capture",
    description: "By a firewall table, or by routing --fake-range to loopback and listening at its ports",
  },
  cleanup: { type: "boolean", group: "Capture", description: "Remove what an unclean end has left, and end" },
  ...carryFlags,
  cert: { ...cert, ...GO },
  key: { ...key, ...GO },
  cacert: { ...cacert, ...GO },
  ...syslogFlags,
  ...lifeFlags,
  ...statusFlags,
  "cert-checker-plugin": {
    ...GO,
    type: "string",
    alias: "certCheckerPlugin",
    hidden: true,
    description: "Taken for the reference's sake",
  },
  "log-level": {
    ...GO,
    type: "string",
    alias: "logLevel",
    hidden: true,
    description: "Taken for the reference's sake",
  },
} as const satisfies ArgDefinitions;

const { "port-map": _, ...ruleFlags } = tproxyKeys;

export const execArgs = {
  ...ruleFlags,
  map: {
    ...captureFlags.map,
    description: "A name whose connections to a port go on over TLS, to the second port if there is one",
  },
  ...configFlags,
  ...carryFlags,
  command: {
    type: "positional",
    multiple: true,
    behindDashes: true,
    valueHint: "PROGRAM",
    group: "Program",
    description: "Run this program, and end with it",
  },
} as const satisfies ArgDefinitions;
