/** What `portail socks` was told, as values: the end of all strings. Opens nothing. */
import { defaultTunnels } from "../../lib/service/descriptors.ts";
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
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import type { Limits } from "../../lib/service/limits.ts";
import type { args } from "./flags.ts";
import { parseWayIn, provesByCertificate, type WayIn } from "./way-in.ts";

export interface Settings {
  listen: Endpoint[];
  /** Whether anybody may be let in: clients prove who they are, or the operator said so. */
  open: boolean;
  wayIn: WayIn;
  acl: string;
  users: string | undefined;
  audit: string | undefined;
  resolvers: string[];
  /** Milliseconds. */
  dnsTimeout: number;
  handshakeTimeout: number;
  life: LifeOptions;
  status: StatusSettings | undefined;
  /** Bytes of a request head. */
  mostHead: number;
  /** Streams at a time of one HTTP/2 connection. */
  mostStreams: number;
  keepAlive: KeepAlive;
  dialer: Dialer;
  relay: RelayLimits;
  limits: Limits;
}

/** Throws `PortailError` for a value that makes no sense, alone or beside the others. */
export function parseSettings(given: ParsedArgs<typeof args>): Settings {
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
    users: given.users,
    audit: given.audit,
    resolvers: given.resolver,
    dnsTimeout: duration("dns-timeout", 1),
    handshakeTimeout: duration("handshake-timeout", 1),
    life: parseLife(given),
    status: checkStatus(parseStatus(given), wayIn),
    wayIn,
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
    },
  };
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
