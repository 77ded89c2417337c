/** The tables of the configuration file and their keys: the one schema of all commands. Reads no file. */

import type { ArgDefinitions, ParsedArgs } from "./define.ts";
import { healthKeys } from "./health-keys.ts";
import { muxRouteKeys } from "./mux-keys.ts";
import { presetKeys } from "./preset-keys.ts";
import { providerKeys } from "./provider-keys.ts";
import { tproxyRuleKeys } from "./tproxy-keys.ts";
import { tunnelClientKeys, tunnelKeys, tunnelServerKeys } from "./tunnel-keys.ts";

export interface TableSchema {
  /** `named` is `[backend.NAME]`, `list` is `[[listen]]`. */
  shape: "named" | "list";
  keys: ArgDefinitions;
  /** What a row does not have it takes from the flags, so that it has no defaults of its own. */
  inherits?: true;
}

const identity = { type: "string", description: "Name of an [identity.NAME] table" } as const;
const trust = { type: "string", description: "Name of a [trust.NAME] table" } as const;

/** Every table there is. Keys are declared like flags and read the same way. */
export const TABLES = {
  identity: {
    shape: "named",
    keys: {
      cert: { type: "string", description: "Certificate chain, PEM" },
      key: { type: "string", description: "Private key, PEM" },
      keystore: { type: "string", description: "Certificate and key in one file, PEM or PKCS#12" },
      "storepass-file": { type: "string", description: "File with the password of the keystore or key" },
      "pkcs11-module": { type: "string", description: "PKCS#11 module of the token that has the key" },
      "pkcs11-token-label": { type: "string", description: "Name of the token" },
      "pkcs11-pin-file": { type: "string", description: "File with the PIN of the token" },
    },
  },
  trust: {
    shape: "named",
    keys: {
      cacert: { type: "string", multiple: true, description: "Trusted certificates, PEM" },
      crl: { type: "string", multiple: true, description: "Revocation lists" },
    },
  },
  backend: {
    shape: "named",
    keys: {
      target: {
        type: "string",
        description:
          "direct, or the URL of a proxy: http, https, h2c, socks5, socks5+tls, same (as the client speaks), or ssh://HOST",
      },
      dynamic: { type: "boolean", description: "Where it leads is said while the proxy runs" },
      "auth-file": { type: "string", description: "File that holds USER:PASSWORD for the proxy" },
      "http-version": {
        type: "string",
        valueHint: "auto|1.1|2",
        description: "How an HTTP proxy is spoken to; auto is what an https:// one negotiates, and 1.1 for http://",
      },
      "max-connections": {
        type: "string",
        valueHint: "N",
        description:
          "Connections over HTTP/2 at a time, of which each carries as many tunnels as the proxy lets it (32)",
      },
      "server-name": { type: "string", description: "Name that the backend's certificate must carry" },
      "ssh-config": { type: "string", description: "Configuration of OpenSSH in place of the user's own" },
      health: {
        type: "string",
        valueHint: "none|connect|HOST:PORT",
        description: "How it is checked: by a connection to it, or by one through it to a target (none)",
      },
      ...healthKeys,
      identity,
      trust,
    },
  },
  provider: { shape: "named", keys: providerKeys },
  listen: {
    shape: "list",
    keys: {
      address: { type: "string", required: true, description: "Address to listen on" },
      identity,
      trust,
    },
  },
  tunnel: {
    shape: "list",
    inherits: true,
    keys: {
      name: { type: "string", description: "Name of the tunnel in log, audit and metrics" },
      identity,
      trust,
      ...tunnelKeys,
      ...tunnelServerKeys,
      ...tunnelClientKeys,
    },
  },
  route: { shape: "list", keys: muxRouteKeys },
  preset: { shape: "named", keys: presetKeys },
  rule: { shape: "list", inherits: true, keys: tproxyRuleKeys },
} as const satisfies Record<string, TableSchema>;

export type TableName = keyof typeof TABLES;

type Complete<T extends TableName> = ParsedArgs<(typeof TABLES)[T]["keys"]>;

/** One row of a table, typed by its keys. One that inherits has the keys of the file and no others. */
export type TableRow<T extends TableName> = (typeof TABLES)[T] extends { inherits: true }
  ? Partial<Complete<T>>
  : Complete<T>;

/** All tables of a file: rows by name, or in order. */
export type ConfigTables = {
  readonly [T in TableName]: (typeof TABLES)[T]["shape"] extends "named"
    ? ReadonlyMap<string, TableRow<T>>
    : readonly TableRow<T>[];
};

/** What a command gets without a configuration file. */
export function emptyTables(): ConfigTables {
  const none = Object.entries(TABLES).map(([name, { shape }]) => [name, shape === "named" ? new Map() : []]);
  return Object.fromEntries(none) as ConfigTables;
}
