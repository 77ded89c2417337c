/** What the flags of names say, as values: the end of all strings. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../lib/audit/settings.ts";
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseLife } from "../../lib/command/flags.ts";
import { parseDuration, parseInteger } from "../../lib/command/values.ts";
import type { Candidate } from "../../lib/net/dial.ts";
import { parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import type { LifeOptions } from "../../lib/service/life.ts";
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import { encodeIp } from "../../lib/wire/ip-bytes.ts";
import { formatIp, isUnspecified, parseCidr, parseIp, type Cidr } from "../../lib/wire/ip.ts";
import type { dnsArgs, nameFlags } from "./dns-flags.ts";
import { parseRanges, type AddressRange } from "./names/address-range.ts";
import type { FixedName } from "./names/fake-addresses.ts";
import { compileNames, isHostName, type Lead } from "./names/match.ts";

/** Where one finds them in RFC 2544: networks are tested there, and nobody is. */
const DEFAULT_RANGE = "198.18.0.0/15";
const DNS_PORT = 53;
/** Milliseconds: a week, beyond which programs cut it anyway (RFC 8767 section 4). */
const LONGEST_TTL = 604_800_000;

export interface NameSettings {
  match(name: string): Lead;
  fixed: readonly FixedName[];
  ranges: readonly AddressRange[];
  state: string | undefined;
  /** Seconds. */
  ttl: number;
  /** Milliseconds, the TTL included. */
  rest: number;
  resolvers: readonly Candidate[];
  /** Milliseconds. */
  timeout: number;
  allowFrom: readonly Cidr[];
  mostWaiting: number;
  mostConnections: number;
  idle: number;
}

export interface DnsSettings extends NameSettings {
  listen: readonly Endpoint[];
  audit: AuditSettings | undefined;
  status: StatusSettings | undefined;
  life: LifeOptions;
}

/** Throws `PortailError` for values that make no sense. */
export function parseDns(args: ParsedArgs<typeof dnsArgs>): DnsSettings {
  if (args.listen.length === 0) throw usage("usage.missing", "--listen is required", "e.g. --listen 127.0.0.1:53");
  const settings = parseNames(args);
  if (args.match.length + args.map.length === 0)
    throw usage("usage.missing", "no name is to get an address", "give --match NAME or --map NAME=ADDRESS");
  return {
    ...settings,
    listen: args.listen.map((text) => parseEndpoint(text, "--listen")),
    audit: parseAudit(args),
    status: plainStatus(parseStatus(args)),
    life: parseLife(args),
  };
}

/** There is no certificate to serve it with. */
function plainStatus(status: StatusSettings | undefined): StatusSettings | undefined {
  if (status?.scheme === "https")
    throw usage(
      "status.address",
      "--status: a resolver serves its status over plain HTTP",
      "write HOST:PORT or unix:PATH",
    );
  return status;
}

/** Throws `PortailError` for values that make no sense. */
export function parseNames(args: ParsedArgs<typeof nameFlags>): NameSettings {
  const fixed = parseFixed(args.map);
  const named = new Set(fixed.map(({ name }) => name));
  const matches = compileNames(args.match, "--match");
  const ttl = parseDuration("--ttl", args.ttl, { min: 1000, max: LONGEST_TTL });
  return {
    match: (name) => (named.has(name) ? "here" : matches(name)),
    fixed,
    ranges: parseRanges(args.range.length === 0 ? [DEFAULT_RANGE] : args.range, "--range"),
    state: args.state,
    ttl: Math.floor(ttl / 1000),
    rest: ttl + parseDuration("--reuse-after", args["reuse-after"]),
    resolvers: args.upstream.map(parseResolver),
    timeout: parseDuration("--upstream-timeout", args["upstream-timeout"], { min: 1 }),
    allowFrom: args["allow-from"].map(parseNetwork),
    mostWaiting: parseInteger("--max-waiting", args["max-waiting"], { min: 1, max: 32_768 }),
    mostConnections: parseInteger("--max-dns-conns", args["max-dns-conns"], { min: 1, max: 1_000_000 }),
    idle: parseDuration("--dns-idle-timeout", args["dns-idle-timeout"], { min: 1 }),
  };
}

function parseFixed(texts: readonly string[]): FixedName[] {
  const fixed: FixedName[] = [];
  for (const text of texts) {
    const [, raw = "", address = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const [name, ip] = [raw.toLowerCase(), parseIp(address)];
    if (!isHostName(name) || ip === undefined || isUnspecified(ip))
      throw usage("usage.value", `--map: ${JSON.stringify(text)} is no name with its address`, "write NAME=ADDRESS");
    const other = fixed.find(
      (one) => formatIp(one.ip) === formatIp(ip) || (one.name === name && one.ip.family === ip.family),
    );
    if (other !== undefined)
      throw new PortailError(
        `--map: ${name} and ${other.name} cannot both have ${formatIp(ip)} and ${formatIp(other.ip)}`,
        {
          code: "tproxy.map_twice",
          exit: EXIT.config,
          hint: "an address stands for one name, and a name has one address of each family",
        },
      );
    fixed.push({ name, ip, bytes: Uint8Array.from(encodeIp(ip)) });
  }
  return fixed;
}

function parseResolver(text: string): Candidate {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^[\]:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const ip = parseIp(text) ?? parseIp(bracketed ?? plain ?? "");
  const port = parseIp(text) !== undefined || digits === undefined ? DNS_PORT : Number(digits);
  if (ip === undefined || isUnspecified(ip) || port < 1 || port > 65_535)
    throw usage(
      "usage.value",
      `--upstream: ${JSON.stringify(text)} is no address of a resolver`,
      "write IP, IP:PORT or [IPV6]:PORT; a resolver cannot be named by a name",
    );
  return { ip: formatIp(ip), port };
}

function parseNetwork(text: string): Cidr {
  const network = parseCidr(text);
  if (network !== undefined) return network;
  throw usage("usage.value", `--allow-from: ${JSON.stringify(text)} is no network`, "write BASE/LENGTH or an address");
}
