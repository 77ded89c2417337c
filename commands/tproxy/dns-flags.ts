/** The flags of `portail tproxy dns`: data. */
import { AUDIT_PLACES, auditFullFlag } from "../../lib/audit/settings.ts";
import type { ArgDefinitions } from "../../lib/command/define.ts";
import { configFlags, lifeFlags, logFlags, statusFlags, syslogFlags } from "../../lib/command/flags.ts";

/** Which names get which addresses; of everything that leads programs by names. */
export const nameFlags = {
  match: {
    type: "string",
    multiple: true,
    valueHint: "NAME",
    group: "Names",
    description: "Give these names an address of --range: a name, *.example.com, **.example.com, or * for every name",
  },
  map: {
    type: "string",
    multiple: true,
    valueHint: "NAME=ADDRESS",
    group: "Names",
    description: "Give this name this address, before anything else; one of each family",
  },
  range: {
    type: "string",
    multiple: true,
    valueHint: "NETWORK",
    group: "Names",
    description: "Addresses that lead nowhere, one network of each family (default: 198.18.0.0/15)",
  },
  state: {
    type: "string",
    valueHint: "FILE",
    group: "Names",
    description: "Keep there which name has which address, so that a restart changes none",
  },
  ttl: {
    type: "string",
    default: "30s",
    valueHint: "TIME",
    group: "Names",
    description: "How long a program may keep an answer",
  },
  "reuse-after": {
    type: "string",
    default: "24h",
    valueHint: "TIME",
    group: "Names",
    description: "How long nobody has asked for a name, past the TTL, before its address may go to another one",
  },
  upstream: {
    type: "string",
    multiple: true,
    valueHint: "IP[:PORT]",
    group: "Other names",
    description: "Resolver for all other names; with several, the next one where one fails (none: they are refused)",
  },
  "upstream-timeout": {
    type: "string",
    default: "2s",
    valueHint: "TIME",
    group: "Other names",
    description: "How long a resolver may take",
  },
  "allow-from": {
    type: "string",
    multiple: true,
    valueHint: "NETWORK",
    group: "Listening",
    description: "Who may ask at an address that is not loopback",
  },
  "max-waiting": {
    type: "string",
    default: "1024",
    valueHint: "N",
    group: "Limits",
    description: "Questions that wait for resolvers at a time; more are answered SERVFAIL",
  },
  "max-dns-conns": {
    type: "string",
    default: "128",
    valueHint: "N",
    group: "Limits",
    description: "TCP connections of clients at a time",
  },
  "dns-idle-timeout": {
    type: "string",
    default: "10s",
    valueHint: "TIME",
    group: "Limits",
    description: "Silence after which a TCP connection is ended",
  },
} as const satisfies ArgDefinitions;

export const dnsArgs = {
  listen: {
    type: "string",
    multiple: true,
    valueHint: "IP:PORT",
    group: "Listening",
    description: "Where to be asked, by UDP and TCP",
  },
  ...nameFlags,
  ...lifeFlags,
  ...statusFlags,
  audit: {
    type: "string",
    valueHint: "DEST",
    group: "Log",
    description: `Write each answer to a name of --match or --map as a JSON line to ${AUDIT_PLACES}`,
  },
  ...auditFullFlag,
  ...logFlags,
  ...syslogFlags,
  ...configFlags,
} as const satisfies ArgDefinitions;
