/** What `portail tunnel` was told about the process: limits, life, log, and the list of its tunnels. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../lib/audit/settings.ts";
import { usage } from "../../lib/command/argv.ts";
import type { Config, ParsedArgs } from "../../lib/command/define.ts";
import type { TableRow } from "../../lib/command/config-tables.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseLife } from "../../lib/command/flags.ts";
import { parseInteger } from "../../lib/command/values.ts";
import { parseIdentityFlags, type IdentitySources } from "../../lib/identity/flags.ts";
import { identityOfTable, trustOfTable } from "../../lib/identity/tables.ts";
import type { AccessPrefix } from "../../lib/identity/access.ts";
import { parseConnection, type ConnectionSettings } from "../../lib/net/connection-flags.ts";
import { formatEndpoint } from "../../lib/net/endpoint.ts";
import { parseTls, parseTlsVersion } from "../../lib/net/tls-flags.ts";
import type { LifeOptions } from "../../lib/service/life.ts";
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import { cipherList } from "./cipher-groups.ts";
import { tunnelClientKeys, tunnelServerKeys } from "../../lib/command/tunnel-keys.ts";
import type { clientArgs, serverArgs } from "./flags.ts";
import type { TlsSettings, TunnelFiles, TunnelPlan } from "./load.ts";
import { parsePushSettings, type PushSettings } from "./push.ts";
import { refuseOthers } from "./refused.ts";
import { conflict, parseClient, parseQuiet, parseServer, type Quiet, type TunnelSettings } from "./settings.ts";

export interface ProcessSettings extends ConnectionSettings {
  tunnels: TunnelPlan[];
  quiet: Quiet;
  audit: AuditSettings | undefined;
  skipResolve: boolean;
  resumption: boolean;
  /** Processes in all. */
  workers: number;
  life: LifeOptions;
  status: StatusSettings | undefined;
  push: PushSettings;
}

type Given = ParsedArgs<typeof serverArgs> | ParsedArgs<typeof clientArgs>;

/** Throws `PortailError` for values that make no sense, alone or beside the others. */
export function parseServerProcess(given: ParsedArgs<typeof serverArgs>, config: Config): ProcessSettings {
  refuseOthers(given);
  refuseBesideStdio(given, config);
  const rows = rowsOf(given, config, Object.keys(CLIENT_ONLY), "server");
  const tunnels = rows.map(({ keys, name, row }) =>
    inRow(name, () => {
      const settings = parseServer(keys, name, given.stdio);
      const from = needIdentity(filesOf(given, config, row), "server");
      refuseUnusedLists(from, settings, "allow");
      return { settings, from };
    }),
  );
  return refuseUnshareable({ ...parseProcess(given), tunnels });
}

/** The same for a client; `local` when it listens nowhere of its own. */
export function parseClientProcess(
  given: ParsedArgs<typeof clientArgs>,
  config: Config,
  local: boolean,
): ProcessSettings {
  refuseOthers(given);
  refuseBesideStdio(given, config);
  const rows = rowsOf(given, config, Object.keys(SERVER_ONLY), "client");
  const tunnels = rows.map(({ keys, name, row }) =>
    inRow(name, () => {
      const settings = parseClient(keys, name, local);
      const from = filesOf(given, config, row);
      if (settings.authenticate) needIdentity(from, "client");
      else if (from.sources.identity !== undefined)
        throw conflict(
          "--disable-authentication",
          "an identity",
          "leave out --keystore, --cert and --key, also from the environment",
        );
      refuseUnusedLists(from, settings, "verify");
      return { settings, from };
    }),
  );
  if (given["proxy-cacert"].length > 0 && !tunnels.some(({ settings }) => settings.proxy?.tls))
    throw usage("usage.missing", "--proxy-cacert needs a proxy over TLS", "give --proxy https://HOST:PORT too");
  return refuseUnshareable({ ...parseProcess(given), tunnels });
}

function parseProcess(given: Given): Omit<ProcessSettings, "tunnels"> {
  return {
    quiet: parseQuiet(given.quiet),
    audit: parseAudit(given),
    skipResolve: given["skip-resolve"],
    resumption: given["session-resumption"],
    workers: parseInteger("--workers", given.workers, { min: 1, max: 256 }),
    ...parseConnection(given),
    life: parseLife(given),
    status: parseStatus(given),
    push: parsePushSettings(given),
  };
}

/** There is one standard input, and nobody to ask for a status between its two ends. */
function refuseBesideStdio({ stdio, status, workers }: Given, { tables }: Config): void {
  if (!stdio) return;
  if (workers !== "1") throw conflict("--stdio", "--workers", "leave --workers out: there is one connection");
  if (status !== undefined)
    throw conflict("--stdio", "--status", "leave --status out: the one connection is its own status");
  if (tables.tunnel.length > 1)
    throw usage("usage.conflict", "--stdio carries one tunnel", "leave one [[tunnel]] table");
}

const SERVER_ONLY: Readonly<Record<string, unknown>> = tunnelServerKeys;
const CLIENT_ONLY: Readonly<Record<string, unknown>> = tunnelClientKeys;

interface Row<K> {
  keys: K;
  name: string | undefined;
  row: TableRow<"tunnel"> | undefined;
}

/** The tunnels: of the file's tables, each over the flags; without tables the one of the flags. */
function rowsOf<K extends Given>(given: K, config: Config, foreign: readonly string[], side: string): Row<K>[] {
  const rows = config.tables.tunnel;
  if (rows.length === 0) return [{ keys: given, name: undefined, row: undefined }];
  const names = new Set<string>();
  return rows.map((row, i) => {
    const name = row.name ?? `tunnel-${i + 1}`;
    const where = `[[tunnel]] ${JSON.stringify(name)}`;
    if (names.has(name)) throw invalidRow(`${where} is there twice`, "give each a name of its own");
    names.add(name);
    const alien = foreign.find((key) => Object.hasOwn(row, key));
    if (alien !== undefined) {
      const other = side === "server" ? "client" : "server";
      throw invalidRow(`${where}: "${alien}" is not for a ${side}`, `it belongs to "portail tunnel ${other}"`);
    }
    return { keys: { ...given, ...row }, name, row };
  });
}

/** What is wrong with a row is told with its name. */
function inRow<T>(name: string | undefined, parse: () => T): T {
  if (name === undefined) return parse();
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const { code, exit, hint, cause } = error;
    const message = `[[tunnel]] ${JSON.stringify(name)}: ${error.message}`;
    throw new PortailError(message, { code, exit, cause, ...(hint !== undefined && { hint }) });
  }
}

function invalidRow(message: string, hint?: string): PortailError {
  return new PortailError(message, { code: "config.tunnel", exit: EXIT.config, ...(hint && { hint }) });
}

/** The identity and the trust of a tunnel: of the tables that it names, or of the flags. */
function filesOf(given: Given, config: Config, row: TableRow<"tunnel"> | undefined): TunnelFiles {
  const { identity, trust } = parseIdentityFlags(given);
  const sources: IdentitySources = {
    identity: row?.identity === undefined ? identity : identityOfTable(config.tables, row.identity, invalidRow),
    trust: row?.trust === undefined ? trust : trustOfTable(config.tables, row.trust, invalidRow),
  };
  return { sources, proxyCa: "proxy-cacert" in given ? given["proxy-cacert"] : [], tls: tlsSettings(given) };
}

/** Several processes can listen at one TCP port; they cannot share a path, a socket that was passed, or a port of chance. */
function refuseUnshareable(settings: ProcessSettings): ProcessSettings {
  if (settings.workers === 1) return settings;
  for (const listen of settings.tunnels.flatMap((plan) => plan.settings.listen)) {
    if (listen.kind === "tcp" && listen.port !== 0) continue;
    throw usage(
      "usage.conflict",
      `--workers and --listen ${formatEndpoint(listen)} exclude each other`,
      "listen at HOST:PORT",
    );
  }
  const { audit } = settings;
  if (audit?.place.kind === "stdout" || audit?.place.kind === "fd")
    throw usage(
      "usage.conflict",
      `--workers and --audit ${audit.destination} exclude each other`,
      "give the audit a file",
    );
  return settings;
}

function needIdentity(files: TunnelFiles, side: string): TunnelFiles {
  if (files.sources.identity !== undefined) return files;
  const or = side === "client" ? ", or present none with --disable-authentication" : "";
  throw usage(
    "tunnel.no_identity",
    "there is no certificate to present",
    `give --keystore, or --cert and --key, or --pkcs11-module${or}`,
  );
}

/** A list that nobody is held against would be believed to be in force. */
function refuseUnusedLists(files: TunnelFiles, settings: TunnelSettings, prefix: AccessPrefix): void {
  if (files.sources.trust.crl.length === 0) return;
  const hint = "leave --crl out, or verify certificates by their chain";
  if (settings.rules?.pinned) throw conflict("--crl", `--${prefix}-spki-pin`, hint);
  if (settings.side === "server" && !settings.authenticate) throw conflict("--crl", "--disable-authentication", hint);
}

function tlsSettings(given: Given): TlsSettings {
  const terms = parseTls(given);
  const maxVersion = parseTlsVersion("--max-tls-version", given["max-tls-version"]);
  if (terms.minVersion > maxVersion)
    throw usage("usage.conflict", "--min-tls-version is above --max-tls-version", "no version is between them");
  if (maxVersion === "TLSv1.2" && terms.groups === "X25519MLKEM768")
    throw conflict("--tls-groups X25519MLKEM768", "--max-tls-version TLS1.2", "that key exchange is of TLS 1.3");
  return {
    ...terms,
    maxVersion,
    ciphers: cipherList(given["cipher-suites"], given["allow-unsafe-cipher-suites"]),
    tickets: given["session-resumption"],
  };
}
