/** What `portail socks` was told, as values: the end of all strings. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../lib/audit/settings.ts";
import { defaultTunnels } from "../../lib/service/descriptors.ts";
import type { ConfigTables } from "../../lib/command/config-tables.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseLife } from "../../lib/command/flags.ts";
import { parseDuration, parseInteger, parseSize } from "../../lib/command/values.ts";
import { formatEndpoint, isLoopback, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import { Dialer } from "../../lib/net/dial.ts";
import { KeepAlive } from "../../lib/net/keep-alive.ts";
import type { Listener } from "../../lib/net/listen.ts";
import type { RelayLimits } from "../../lib/net/relay.ts";
import type { LifeOptions } from "../../lib/service/life.ts";
import { isUnspecified, parseIp, type Ip } from "../../lib/wire/ip.ts";
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import type { Limits } from "../../lib/service/limits.ts";
import { parseExits, type ExitSettings } from "./exits.ts";
import type { ContextPlan } from "../../lib/context/load.ts";
import { parseControl, type ControlSettings } from "./control-settings.ts";
import type { args } from "./flags.ts";
import { parseWayIn, provesByCertificate, type WayIn } from "./way-in.ts";

export interface Settings {
  listen: Endpoint[];
  /** Whether anybody may be let in: clients prove who they are, or the operator said so. */
  open: boolean;
  wayIn: WayIn;
  exits: ExitSettings;
  acl: string;
  explainAcl: string | undefined;
  /** The folder. */
  templates: string | undefined;
  users: string | undefined;
  /** Providers of facts; set where the configuration names some. */
  context?: ContextPlan | undefined;
  audit: AuditSettings | undefined;
  resolvers: string[];
  /** Milliseconds. */
  dnsTimeout: number;
  handshakeTimeout: number;
  connectTimeout: number;
  life: LifeOptions;
  status: StatusSettings | undefined;
  control: ControlSettings | undefined;
  /** Bytes of a request head. */
  mostHead: number;
  /** Streams at a time of one HTTP/2 connection. */
  mostStreams: number;
  keepAlive: KeepAlive;
  dialer: Dialer;
  relay: RelayLimits;
  limits: Limits;
  /** Requests in a second of one client; 0 is no limit. */
  requestRate: number;
  udp: UdpSettings | undefined;
}

interface UdpSettings {
  /** What clients are told to send to, where it is not what they connected to; one of each family counts. */
  addresses: Ip[];
  /** Milliseconds; 0 is no limit. */
  idle: number;
}

/** Throws `PortailError` for a value that makes no sense, alone or beside the others. */
export function parseSettings(given: ParsedArgs<typeof args>, tables: ConfigTables): Settings {
  if (given.acl === undefined) {
    throw new PortailError("no policy: what may go out is decided by --acl", {
      code: "acl.required",
      exit: EXIT.config,
      hint: "write a policy and give --acl FILE, or try --acl builtin:sample",
    });
  }
  const duration = (name: keyof typeof args & string, least = 0) =>
    parseDuration(`--${name}`, given[name] as string, { min: least });
  const integer = (name: keyof typeof args & string, most: number, least = 0) =>
    parseInteger(`--${name}`, given[name] as string, { min: least, max: most });
  const keepAlive = new KeepAlive(Math.ceil(duration("keepalive") / 1000));
  const listen = given.listen.map((text) => parseEndpoint(text, "--listen"));
  const wayIn = parseWayIn(given);
  const open = given["unsafe-listen"] || given.users !== undefined || provesByCertificate(wayIn);
  if (!open) listen.forEach(refuseOpenDoor);
  return {
    listen,
    open,
    acl: given.acl,
    explainAcl: given["explain-acl"],
    templates: given.templates,
    users: given.users,
    audit: parseAudit(given),
    resolvers: given.resolver,
    dnsTimeout: duration("dns-timeout", 1),
    handshakeTimeout: duration("handshake-timeout", 1),
    life: parseLife(given),
    status: checkStatus(parseStatus(given), wayIn),
    wayIn,
    exits: parseExits(given, tables),
    connectTimeout: duration("connect-timeout", 1),
    control: parseControl(given),
    mostHead: parseSize("--max-header-size", given["max-header-size"], { min: 1024, max: 1024 * 1024 }),
    mostStreams: integer("max-streams", 10_000, 1),
    keepAlive,
    dialer: new Dialer(duration("connect-timeout", 1), keepAlive),
    relay: {
      idle: duration("idle-timeout"),
      lifetime: duration("max-conn-lifetime"),
      halfClosed: duration("close-timeout"),
      poll: true,
    },
    limits: {
      total: integer("max-concurrent-conns", 1_000_000) || defaultTunnels(),
      perClient: integer("max-conns-per-client", 1_000_000),
      perUser: integer("max-conns-per-user", 1_000_000),
    },
    requestRate: integer("max-requests-per-client", 1_000_000),
    udp: parseUdp(given, duration("udp-idle-timeout")),
  };
}

function parseUdp({ udp, "udp-address": addresses }: ParsedArgs<typeof args>, idle: number): UdpSettings | undefined {
  if (udp) return { addresses: addresses.map(parseUdpAddress), idle };
  if (addresses.length === 0) return undefined;
  throw new PortailError("--udp-address says where datagrams are taken, but none are without --udp", {
    code: "udp.off",
    exit: EXIT.config,
    hint: "add --udp, or leave --udp-address out",
  });
}

function parseUdpAddress(text: string): Ip {
  const ip = parseIp(text);
  if (ip !== undefined && !isUnspecified(ip)) return ip;
  throw new PortailError(`--udp-address: ${JSON.stringify(text)} is not an address that clients can send to`, {
    code: "udp.address",
    exit: EXIT.usage,
    hint: "write an IPv4 or IPv6 address, without a port: each association has its own",
  });
}

/** Without a certificate there is none to show. */
function checkStatus(status: StatusSettings | undefined, { tls }: WayIn): StatusSettings | undefined {
  if (status?.scheme !== "https" || tls !== undefined) return status;
  throw new PortailError("--status: there is no certificate for https", {
    code: "status.no_certificate",
    exit: EXIT.config,
    hint: "give --cert and --key; or say http:// or leave the scheme out, and listen on loopback or unix:PATH",
  });
}

/** A proxy that anybody on the network may use lends them this machine's place in it. */
function refuseOpenDoor(endpoint: Endpoint): void {
  if (endpoint.kind === "tcp" && !isLoopback(endpoint.host)) throw openDoor(endpoint);
}

/** The same for a socket that was inherited: where it listens is known only now. */
export function refuseInherited({ endpoint, address }: Listener, { open }: Settings): void {
  if (!open && "ip" in address && !isLoopback(address.ip)) throw openDoor(endpoint);
}

function openDoor(endpoint: Endpoint): PortailError {
  return new PortailError(`--listen ${formatEndpoint(endpoint)} lets everybody in who can reach it`, {
    code: "listen.open_door",
    exit: EXIT.config,
    hint: "listen on 127.0.0.1, [::1], localhost or unix:PATH, ask for passwords with --users FILE or for certificates with --cacert FILE, or say --unsafe-listen",
  });
}
