/** A `[[route]]` table as values: the end of its strings. Opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { TableRow } from "../../lib/command/config-tables.ts";
import type { Config } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { Template } from "../../lib/command/template.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { parseAllowRules, type AccessRules } from "../../lib/identity/access.ts";
import type { IdentitySources } from "../../lib/identity/flags.ts";
import { identityOfTable, NO_TRUST, trustOfTable } from "../../lib/identity/tables.ts";
import { hasCheckRules, parseCheckRules } from "../../lib/net/check-rules.ts";
import { isLoopback, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import type { CheckRules } from "../../lib/net/rise-fall.ts";
import type { TargetEndpoint, TargetOrder } from "../../lib/net/target.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { ProxyMode } from "../../lib/wire/proxy-protocol.ts";
import {
  parseBytesPattern,
  parseFirstBytes,
  parseNamePattern,
  parseProtocolId,
  parseServerName,
  type IdPattern,
  type RouteMatch,
} from "./routes/match.ts";

/** `template` gives the host of each capture. */
export type RouteTarget =
  | { kind: "fixed"; endpoint: TargetEndpoint }
  | { kind: "template"; text: string; host: Template<"capture">; port: number };

export type ClientCertificate = "off" | "optional" | "required";

interface Termination {
  clientCertificate: ClientCertificate;
  /** What the certificate must say; undefined leaves that to the policy. */
  rules: AccessRules | undefined;
  sources: IdentitySources;
}

interface TargetTls {
  /** Undefined is the target's host. */
  serverName: string | undefined;
  /** Undefined offers what was agreed upon with the client. */
  protocolIds: readonly string[] | undefined;
  /** Whether it is asked for by PostgreSQL's SSLRequest. */
  postgres: boolean;
  sources: IdentitySources;
}

export interface RouteSettings extends RouteMatch {
  /** Empty: where all clients come in. */
  listen: readonly Endpoint[];
  targets: readonly RouteTarget[];
  targetOrder: TargetOrder;
  /** Undefined where targets are not checked. */
  health: CheckRules | undefined;
  acl: string | undefined;
  /** Undefined: bytes pass as they are. */
  termination: Termination | undefined;
  targetTls: TargetTls | undefined;
  proxyHeader: ProxyMode | undefined;
  /** Connections at a time. */
  most: number;
}

type Row = TableRow<"route">;

/** Throws `PortailError` (78), with the route's name, for what makes no sense, alone or beside other keys. */
export function parseRoutes(config: Config, own: IdentitySources): RouteSettings[] {
  const names = new Set<string>();
  return config.tables.route.map((row, i) => {
    const name = row.name ?? `route-${i + 1}`;
    return inRoute(name, () => {
      if (names.has(name)) throw invalid("it is there twice", "give each a name of its own");
      names.add(name);
      return parseRoute(row, name, config, own);
    });
  });
}

function parseRoute(row: Row, name: string, config: Config, own: IdentitySources): RouteSettings {
  const match = parseMatch(row, name);
  const plain = match.firstBytes.length + match.patterns.length > 0;
  const targets = row.target.map(parseTarget);
  if (match.refuse !== undefined) refuseBesideRefusal(row);
  else if (targets.length === 0) throw invalid("there is no target", 'write target = "HOST:PORT"');
  const termination = parseTermination(row, plain, config, own);
  const targetTls = parseTargetTls(row, config);
  if (targetTls !== undefined && !plain && termination === undefined)
    throw invalid('"target-tls" needs "terminate"', "what passes as it is, is in TLS already");
  if (termination !== undefined && targetTls === undefined)
    for (const target of targets) refuseFarTarget(target, row["unsafe-target"]);
  if (targets.some(({ kind }) => kind === "template")) refuseOpenTemplate(match, row);
  const most = row["max-concurrent-conns"];
  return {
    ...match,
    listen: row.listen.map(parseListen),
    targets,
    targetOrder: parseChoice("target-order", row["target-order"] ?? "first", ["first", "rotate"]),
    health: parseHealth(row, targets),
    acl: row.acl,
    termination,
    targetTls,
    proxyHeader: parseProxyHeader(row),
    most: most === undefined ? Infinity : parseInteger("max-concurrent-conns", most, { min: 1 }),
  };
}

function parseMatch(row: Row, name: string): RouteMatch {
  const match = {
    name,
    serverNames: [...row["server-name"].map(parseServerName), ...row["server-name-regex"].map(parseNamePattern)],
    protocolIds: row.alpn.map(parseProtocolId),
    postgres: row.starttls !== undefined && parseChoice("starttls", row.starttls, ["postgres"]) === "postgres",
    firstBytes: row["first-bytes"].map(parseFirstBytes),
    patterns: row["first-bytes-regex"].map(parseBytesPattern),
    refuse: row.refuse,
  };
  const plain = match.firstBytes.length + match.patterns.length > 0;
  if (plain && (match.serverNames.length > 0 || match.protocolIds.length > 0 || match.postgres))
    throw invalid("clients without TLS have no server name and no protocol id", "write a route for each of the two");
  return match;
}

function refuseBesideRefusal(row: Row): void {
  const other = row.target.length > 0 ? "target" : row.terminate ? "terminate" : undefined;
  if (other !== undefined)
    throw invalid(`"refuse" and "${other}" exclude each other`, "clients of a route that refuses are led nowhere");
}

function parseListen(text: string): Endpoint {
  const endpoint = parseEndpoint(text, "listen");
  if (endpoint.kind === "stdio") throw invalid("stdio is not a place to listen on", "write HOST:PORT or unix:PATH");
  return endpoint;
}

function parseTarget(text: string): RouteTarget {
  if (!text.includes("{")) return { kind: "fixed", endpoint: parsePlace(text) };
  const template = Template.parse(text, ["capture"], "target");
  const place = parsePlace(template.expand({ capture: "a" }));
  const colon = text.lastIndexOf(":");
  if (place.kind !== "tcp" || text.includes("[") || text.slice(colon).includes("{"))
    throw invalid(`target ${JSON.stringify(text)}: a capture can only be in a host`, "e.g. {capture}.example:3025");
  const host = Template.parse(text.slice(0, colon), ["capture"] as const, "target");
  return { kind: "template", text, host, port: place.port };
}

function parsePlace(text: string): TargetEndpoint {
  const endpoint = parseEndpoint(text, "target");
  const { kind } = endpoint;
  if (kind === "unix" || (kind === "tcp" && endpoint.port !== 0 && !text.startsWith(":"))) return endpoint;
  throw invalid(`target ${JSON.stringify(text)} cannot be connected to`, "write HOST:PORT, from port 1, or unix:PATH");
}

function parseTermination(row: Row, plain: boolean, config: Config, own: IdentitySources): Termination | undefined {
  const rules = parseAllowRules(row);
  const asked = row["client-certificate"];
  const clientCertificate = parseChoice("client-certificate", asked ?? "off", ["off", "optional", "required"]);
  if (!row.terminate) {
    const beside = Object.entries({ "client-certificate": asked, identity: row.identity, trust: row.trust });
    const alone = beside.find(([, value]) => value !== undefined)?.[0] ?? (rules.empty ? undefined : "allow-*");
    if (alone !== undefined) throw invalid(`"${alone}" needs "terminate"`, "only where TLS ends are certificates seen");
    return undefined;
  }
  if (plain) throw invalid('"terminate" needs TLS', "clients that are told by their first bytes speak none");
  if (!rules.empty && clientCertificate !== "required")
    throw invalid("the allow-* keys need a certificate of every client", 'write client-certificate = "required"');
  if (rules.empty && clientCertificate === "required" && row.acl === undefined)
    throw invalid("nothing says which clients may connect", "write allow-all, another allow-* key, or acl");
  const sources = {
    identity: row.identity === undefined ? own.identity : identityOfTable(config.tables, row.identity, invalid),
    trust: row.trust === undefined ? own.trust : trustOfTable(config.tables, row.trust, invalid),
  };
  if (sources.identity === undefined)
    throw invalid("there is no certificate to present", "write identity = NAME, or give --cert and --key");
  return { clientCertificate, rules: rules.empty ? undefined : rules, sources };
}

function parseTargetTls(row: Row, config: Config): TargetTls | undefined {
  const { "target-identity": identity, "target-trust": trust, "target-server-name": name } = row;
  const starttls = row["target-starttls"];
  if (!row["target-tls"]) {
    const beside = { "target-identity": identity, "target-trust": trust, "target-server-name": name };
    const alone = Object.entries({ ...beside, "target-starttls": starttls }).find(([, value]) => value !== undefined);
    if (alone !== undefined || row["target-alpn"].length > 0)
      throw invalid(`"${alone?.[0] ?? "target-alpn"}" needs "target-tls"`, "write target-tls = true");
    return undefined;
  }
  const canonical = name === undefined ? undefined : canonicalHost(name);
  if (canonical?.error !== undefined)
    throw invalid(`target-server-name: ${JSON.stringify(name)} is no name: ${canonical.error}`, "write a DNS name");
  return {
    serverName: canonical?.host,
    protocolIds: row["target-alpn"].length === 0 ? undefined : row["target-alpn"],
    postgres: starttls !== undefined && parseChoice("target-starttls", starttls, ["postgres"]) === "postgres",
    sources: {
      identity: identity === undefined ? undefined : identityOfTable(config.tables, identity, invalid),
      trust: trust === undefined ? NO_TRUST : trustOfTable(config.tables, trust, invalid),
    },
  };
}

function parseHealth(row: Row, targets: readonly RouteTarget[]): CheckRules | undefined {
  if (parseChoice("health", row.health ?? "none", ["none", "connect"]) === "none") {
    if (!hasCheckRules(row)) return undefined;
    throw invalid("health-interval, health-fall and health-rise are for health, which is none", WRITE_HEALTH);
  }
  if (!targets.some(({ kind }) => kind === "fixed"))
    throw invalid("there is no target to be checked", "leave health out: with a capture, clients name the target");
  return parseCheckRules(row, "");
}

const WRITE_HEALTH = 'write health = "connect"';

function parseProxyHeader(row: Row): ProxyMode | undefined {
  const mode = row["proxy-protocol-mode"];
  if (mode === undefined) return row["proxy-protocol"] ? "conn" : undefined;
  return parseChoice("proxy-protocol-mode", mode, ["conn", "tls", "tls-full"]);
}

/** What came over TLS would go on in the clear. */
function refuseFarTarget(target: RouteTarget, unsafe: boolean): void {
  if (unsafe || (target.kind === "fixed" && (target.endpoint.kind === "unix" || isLoopback(target.endpoint.host))))
    return;
  throw invalid(
    "the target is beyond this host, where connections go on in the clear",
    "write target-tls = true, or unsafe-target = true",
  );
}

/** Clients choose where they are led. */
function refuseOpenTemplate(match: RouteMatch, row: Row): void {
  if (row.acl === undefined)
    throw invalid("a target with a capture needs an acl", "write acl = FILE: it says where clients may be led");
  if (match.protocolIds.length === 0 || !match.protocolIds.every(captures) || match.postgres)
    throw invalid("there is nothing to capture", 'write alpn = "PREFIX*", and no ids without a single *');
}

function captures(id: IdPattern): boolean {
  return id.kind === "prefix" && id.captures;
}

function invalid(message: string, hint: string): PortailError {
  return new PortailError(message, { code: "mux.route", exit: EXIT.config, hint });
}

/** What is wrong with a route is told with its name. */
function inRoute<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const { code, hint, cause } = error;
    const message = `[[route]] ${JSON.stringify(name)}: ${error.message}`;
    throw new PortailError(message, { code, exit: EXIT.config, cause, ...(hint !== undefined && { hint }) });
  }
}

/** The error for a command without a single route. */
export function noRoutes(): PortailError {
  return usage(
    "mux.no_route",
    "there is no route",
    "write a [[route]] table for each in the file of --config, or give --preset",
  );
}
