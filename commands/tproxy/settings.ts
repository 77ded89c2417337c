/** What `portail tproxy` was told about the process, as values: the end of all strings. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../lib/audit/settings.ts";
import { usage } from "../../lib/command/argv.ts";
import type { Config, ParsedArgs } from "../../lib/command/define.ts";
import { parseDuration, parseInteger } from "../../lib/command/values.ts";
import { parseIdentityFlags, type IdentitySources } from "../../lib/identity/flags.ts";
import { identityOfTable, trustOfTable } from "../../lib/identity/tables.ts";
import { parseConnection, type ConnectionSettings } from "../../lib/net/connection-flags.ts";
import { parseTls, type TlsTerms } from "../../lib/net/tls-flags.ts";
import { parseCidr, type Cidr } from "../../lib/wire/ip.ts";
import type { captureFlags, carryFlags } from "./flags.ts";
import { invalid, parseCgroup, parseGroups, parseUsers, type RuleSettings } from "./rule-settings.ts";
import type { Capture } from "./table.ts";

/** Of whoever carries connections, however they come. */
export interface CarrySettings extends ConnectionSettings {
  /** Milliseconds. */
  verifierTimeout: number;
  /** Connections at a time. */
  most: number;
  tls: TlsTerms;
  resumption: boolean;
  audit: AuditSettings | undefined;
  /** Authorities of an `https://` proxy; none are the system's. */
  proxyCa: readonly string[];
}

/** Connections where nothing else is said: the limit of open files decides. */
export const NO_LIMIT = 1_000_000;
const FAKE = ["198.18.0.0/15", "fd70:6f72:7461::/48"];
const HOSTS = ["/etc/hosts"];

/** Throws `PortailError` for values that make no sense. */
export function parseCarry(given: ParsedArgs<typeof carryFlags>): CarrySettings {
  const most = given["max-concurrent-conns"];
  return {
    ...parseConnection(given),
    verifierTimeout: parseDuration("--verifier-timeout", given["verifier-timeout"], { min: 1 }),
    most: most === undefined ? NO_LIMIT : parseInteger("--max-concurrent-conns", most, { max: NO_LIMIT }) || NO_LIMIT,
    resumption: given["session-resumption"],
    tls: parseTls(given),
    audit: parseAudit(given),
    proxyCa: given["proxy-cacert"],
  };
}

/** The table of the firewall for `rules`. */
export function parseCapture(given: ParsedArgs<typeof captureFlags>, rules: readonly RuleSettings[]): Capture {
  const dnsPort = parseDnsPort(given);
  const leads = dnsPort !== undefined || rules.some(({ passthrough }) => passthrough);
  return {
    instance: parseInstance(given.instance),
    listenPort: parseInteger("--listen-port", given["listen-port"], { min: 1, max: 65_535 }),
    mark: parseMark(given.mark),
    ports: [...new Set(rules.flatMap(({ ports }) => [...ports.keys()]))].toSorted((a, b) => a - b),
    destinations: given["capture-to"].map((text) => parseNetwork("--capture-to", text)),
    users: parseUsers(given["capture-user"], "--capture-user"),
    groups: parseGroups(given["capture-group"], "--capture-group"),
    cgroups: given["capture-cgroup"].map((text) => parseCgroup(text, "--capture-cgroup")),
    exemptUsers: parseUsers(given["exempt-user"], "--exempt-user"),
    ranges: leads ? parseNames(given).fake : [],
    dns:
      dnsPort === undefined || !given["capture-dns"] ? undefined : { port: dnsPort, ownUser: process.getuid?.() ?? 0 },
  };
}

/** Undefined where no stub resolver is wanted. */
export function parseDnsPort(
  given: Pick<ParsedArgs<typeof captureFlags>, "dns-port" | "capture-dns">,
): number | undefined {
  const { "dns-port": port, "capture-dns": capture } = given;
  if (port !== undefined) return parseInteger("--dns-port", port, { min: 1, max: 65_535 });
  if (capture)
    throw usage("usage.missing", "--capture-dns needs --dns-port", "say where names are answered, e.g. 5300");
  return undefined;
}

export interface NameSettings {
  fake: readonly Cidr[];
  hosts: readonly string[];
}

export function parseNames(given: Pick<ParsedArgs<typeof captureFlags>, "fake-range" | "hosts">): NameSettings {
  const ranges = given["fake-range"];
  return {
    fake: (ranges.length === 0 ? FAKE : ranges).map((text) => parseNetwork("--fake-range", text)),
    hosts: given.hosts.length === 0 ? HOSTS : given.hosts,
  };
}

/** Who we are and whom we believe, for a rule. Throws `PortailError` where it presents a certificate and there is none. */
export function sourcesOf(
  rule: RuleSettings,
  given: ParsedArgs<typeof carryFlags>,
  { tables }: Pick<Config, "tables">,
): IdentitySources {
  const own = parseIdentityFlags(given);
  const identity = rule.identity === undefined ? own.identity : identityOfTable(tables, rule.identity, invalid);
  const trust = rule.trust === undefined ? own.trust : trustOfTable(tables, rule.trust, invalid);
  if (rule.authenticate && identity === undefined)
    throw usage(
      "tproxy.no_identity",
      `there is no certificate to present${rule.name === "default" ? "" : ` for ${JSON.stringify(rule.name)}`}`,
      "give --keystore, or --cert and --key, or present none with --disable-authentication",
    );
  // A list that nobody is held against would be believed to be in force.
  if (rule.rules?.pinned && trust.crl.length > 0)
    throw usage(
      "usage.conflict",
      "--crl and --verify-spki-pin exclude each other",
      "leave --crl out, or verify certificates by their chain",
    );
  return { identity: rule.authenticate ? identity : undefined, trust };
}

/** It becomes a part of the table's name. */
function parseInstance(text: string | undefined): string | undefined {
  if (text === undefined || /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text)) return text;
  const hint = "write small letters, digits, _ and -, 32 at most";
  throw usage("usage.value", `--instance: ${JSON.stringify(text)} is no name of an instance`, hint);
}

function parseMark(text: string): number {
  const mark = /^(?:0x[0-9a-fA-F]{1,8}|\d{1,10})$/.test(text) ? Number(text) : 0;
  if (mark > 0 && mark < 2 ** 32) return mark;
  throw usage("usage.value", `--mark: ${JSON.stringify(text)} is no mark`, "write a number from 1, e.g. 0x706f7274");
}

function parseNetwork(flag: string, text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return cidr;
  throw usage("usage.value", `${flag}: ${JSON.stringify(text)} is no network`, "write ADDRESS or ADDRESS/LENGTH");
}
