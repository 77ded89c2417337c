/** The rules as values: of `[[rule]]` tables, of `--map`, or the one of the flags. The end of their strings; opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { TableRow } from "../../lib/command/config-tables.ts";
import type { Config, ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { tproxyKeys } from "../../lib/command/tproxy-keys.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { groupId } from "../../lib/ffi/group.ts";
import { userId } from "../../lib/ffi/user.ts";
import { parseAccessRules, type AccessRules } from "../../lib/identity/access.ts";
import { compileDnsGlob } from "../../lib/identity/name-glob.ts";
import { parseProxyUrl, type OutboundProxy } from "../../lib/net/through-proxy.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import { formatIp, parseIp } from "../../lib/wire/ip.ts";
import type { RuleMatch } from "./rule.ts";

export type StartTls = "postgres" | "mysql";

export interface RuleSettings extends RuleMatch {
  /** Addresses that stand for its one name; canonical text. */
  readonly addresses: readonly string[];
  /** Dialled in place of the name; port undefined is the one of `ports`. */
  readonly target: { readonly host: string; readonly port: number | undefined } | undefined;
  readonly authenticate: boolean;
  readonly serverName: string | undefined;
  readonly rules: AccessRules | undefined;
  readonly cnAsName: boolean;
  readonly protocolIds: readonly string[];
  readonly starttls: StartTls | undefined;
  readonly proxy: OutboundProxy | undefined;
  readonly acl: string | undefined;
  /** Path of a module. */
  readonly verifier: string | undefined;
  /** Names of tables; undefined is what the flags say. */
  readonly identity: string | undefined;
  readonly trust: string | undefined;
}

type Keys = ParsedArgs<typeof tproxyKeys>;
type Row = Partial<TableRow<"rule">>;
/** What `parseRules` reads of the flags. */
export type RuleFlags = Keys & { readonly map: readonly string[] };

const DEFAULT_PORTS = ["8443:443"];

/** Throws `PortailError` for values that make no sense, alone or beside the others. */
export function parseRules(given: RuleFlags, config: Config): RuleSettings[] {
  const maps = given.map.map(parseMap);
  const rows = config.tables.rule;
  if (rows.length > 0 && maps.length > 0)
    throw usage("usage.conflict", "--map and [[rule]] exclude each other", "write the name in a [[rule]] table");
  if (rows.length > 0) return rows.map((row, i) => inRule(row, i, () => parseRule(given, row, i)));
  if (maps.length === 0) return [parseRule(given, {}, undefined)];
  if (given["port-map"].length > 0)
    throw usage(
      "usage.conflict",
      "--map and --port-map exclude each other",
      "write the ports in --map: NAME:PORT:PORT",
    );
  return maps.map((row, i) => parseRule(given, row, i));
}

/** `NAME:PORT` or `NAME:PORT:PORT`. */
function parseMap(text: string): { name: string[]; "port-map": string[] } {
  const [, name, ports] = /^([^:]+):(\d{1,5}(?::\d{1,5})?)$/.exec(text) ?? [];
  const found = canonicalHost(name ?? "");
  if (found.host !== undefined && found.ip === undefined && ports !== undefined)
    return { name: [found.host], "port-map": [ports] };
  const hint = "e.g. --map db.example.com:5432, or --map www.example.com:8080:443 for another port of the server";
  throw usage("usage.value", `--map: ${JSON.stringify(text)} is not NAME:PORT`, hint);
}

function parseRule(given: Keys, row: Row, index: number | undefined): RuleSettings {
  const keys = { ...given, ...row };
  const names = (row.name ?? []).map(parseName);
  const addresses = (row.address ?? []).map(parseAddress);
  if (addresses.length > 0 && (names.length !== 1 || names[0]!.includes("*")))
    throw invalid('"address" needs one "name" without *', "write a rule for each name");
  const verify = parseAccessRules(
    {
      all: false,
      cn: keys["verify-cn"],
      ou: keys["verify-ou"],
      dns: keys["verify-dns"],
      ip: keys["verify-ip"],
      uri: keys["verify-uri"],
      spkiPin: keys["verify-spki-pin"],
    },
    "verify",
  );
  if (verify.pinned && keys.verifier !== undefined)
    throw usage("usage.conflict", "--verify-spki-pin and --verifier exclude each other", "a pin needs no verifier");
  return {
    name: names[0] ?? (index === undefined ? "default" : `rule-${index + 1}`),
    names: names.map(compileDnsGlob),
    addresses,
    ports: parsePorts(keys["port-map"].length === 0 ? DEFAULT_PORTS : keys["port-map"]),
    passthrough: keys.passthrough,
    users: parseUsers(row.user ?? [], "user"),
    groups: parseGroups(row.group ?? [], "group"),
    cgroups: (row.cgroup ?? []).map((text) => parseCgroup(text, "cgroup")),
    target: parseTarget(row.target),
    authenticate: !keys["disable-authentication"],
    serverName: parseServerName(keys["override-server-name"]),
    rules: verify.empty ? undefined : verify,
    cnAsName: keys["unsafe-cn-as-name"],
    protocolIds: keys.alpn.map(parseProtocolId),
    starttls: keys.starttls === undefined ? undefined : parseChoice("--starttls", keys.starttls, ["postgres", "mysql"]),
    proxy: keys.proxy === undefined ? undefined : parseProxyUrl(keys.proxy, "--proxy"),
    acl: keys.acl,
    verifier: keys.verifier,
    identity: row.identity,
    trust: row.trust,
  };
}

/** `8443:443,5432`, in one text or several. */
function parsePorts(texts: readonly string[]): Map<number, number> {
  const ports = new Map<number, number>();
  for (const text of texts.flatMap((list) => list.split(","))) {
    const [from = "", to = from, ...more] = text.trim().split(":");
    if (more.length > 0)
      throw usage("usage.value", `--port-map: ${JSON.stringify(text)} is not PORT:PORT`, "e.g. --port-map 8443:443");
    const port = (digits: string) => parseInteger("--port-map", digits, { min: 1, max: 65_535 });
    const captured = port(from);
    if (ports.has(captured))
      throw usage("usage.conflict", `--port-map has port ${captured} twice`, "name each captured port once");
    ports.set(captured, port(to));
  }
  return ports;
}

function parseName(text: string): string {
  const plain = canonicalHost(text.replaceAll("*", "x"));
  if (plain.host === undefined || plain.ip !== undefined)
    throw invalid(`${JSON.stringify(text)} is no name`, "write a DNS name; * stands for one label or a part of it");
  return text.includes("*") ? text.toLowerCase() : plain.host;
}

function parseAddress(text: string): string {
  const ip = parseIp(text);
  if (ip === undefined) throw invalid(`${JSON.stringify(text)} is no address`, "write an IP address, e.g. 198.18.0.1");
  return formatIp(ip);
}

function parseTarget(text: string | undefined): RuleSettings["target"] {
  if (text === undefined) return undefined;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^[\]:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const { host } = canonicalHost(bracketed === undefined ? (plain ?? "") : `[${bracketed}]`);
  if (host === undefined)
    throw invalid(`"target" ${JSON.stringify(text)} is not HOST or HOST:PORT`, "brackets stand around an IPv6 address");
  return { host, port: digits === undefined ? undefined : parseInteger("target", digits, { min: 1, max: 65_535 }) };
}

/** By name or number. Throws `PortailError` (64) for a name that is nobody's. */
export function parseUsers(texts: readonly string[], flag: string): number[] {
  return texts.map((text) => parseId(text, flag, userId, "user"));
}

/** The same of groups. */
export function parseGroups(texts: readonly string[], flag: string): number[] {
  return texts.map((text) => parseId(text, flag, groupId, "group"));
}

function parseId(text: string, flag: string, lookUp: (name: string) => number | undefined, what: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : lookUp(text);
  if (id !== undefined && id < 2 ** 32 - 1) return id;
  const hint = `\`getent ${what === "user" ? "passwd" : "group"}\` lists those that there are; a number is taken too`;
  throw usage("usage.value", `${flag}: there is no ${what} ${JSON.stringify(text)}`, hint);
}

/** Without slashes at its ends. */
export function parseCgroup(text: string, flag: string): string {
  const path = text.replace(/^\/+|\/+$/g, "");
  if (path !== "" && !/["\\\n]/.test(path) && !path.split("/").some((part) => part === "" || /^\.\.?$/.test(part)))
    return path;
  const hint = "write it as /proc/PID/cgroup has it behind 0::, e.g. /system.slice/app.service";
  throw usage("usage.value", `${flag}: ${JSON.stringify(text)} is no path of a control group`, hint);
}

function parseServerName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { host, error } = canonicalHost(text);
  if (host !== undefined) return host;
  const message = `--override-server-name: ${JSON.stringify(text)} is no name of a server: ${error}`;
  throw usage("usage.value", message, "write a DNS name or an IP address, without a port");
}

function parseProtocolId(text: string): string {
  const length = Buffer.byteLength(text);
  if (length > 0 && length < 256) return text;
  throw usage("usage.value", "--alpn: a protocol id has 1 to 255 bytes", "e.g. --alpn postgresql");
}

/** What is wrong with a row is told with its place. */
function inRule<T>(row: Row, index: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const { code, exit, hint, cause } = error;
    const message = `[[rule]] ${JSON.stringify(row.name?.[0] ?? `rule-${index + 1}`)}: ${error.message}`;
    throw new PortailError(message, { code, exit, cause, ...(hint !== undefined && { hint }) });
  }
}

export function invalid(message: string, hint: string): PortailError {
  return new PortailError(message, { code: "config.rule", exit: EXIT.config, hint });
}
