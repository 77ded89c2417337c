/** The one table of facts: what a policy may ask, of which type, and which commands know it. Not where the values come from. */
import { type Ip, parseIp } from "../wire/ip.ts";

/**
 * `host` is a string in the canonical form of lib/wire/host.ts; `instant` is milliseconds since 1970 (UTC);
 * `any` is a string, number, boolean or list, checked when it is read.
 */
export type FactType = "string" | "host" | "number" | "boolean" | "address" | "strings" | "instant" | "clock" | "any";

export type FactValue = string | number | boolean | Ip | readonly string[];

export type Command = "socks" | "tproxy" | "tunnel" | "mux" | "s3crypt" | "explain";

export interface FactSpec {
  readonly type: FactType;
  readonly commands: readonly Command[];
  readonly doc: string;
}

const ALL = ["socks", "tproxy", "tunnel", "mux", "s3crypt"] as const;
const PROXIES = ["socks"] as const;
/** Those whose clients may come over TLS: those of a transparent proxy never do. */
const TLS = ["socks", "tunnel", "mux", "s3crypt"] as const;
const HELLO = ["tunnel", "mux"] as const;
const HTTP = ["socks", "s3crypt"] as const;
/** Those that may speak TLS to what they dial. */
const DIALERS = ["socks", "tproxy", "tunnel", "mux"] as const;

const fact = <T extends FactType>(type: T, commands: readonly Command[], doc: string) => ({ type, commands, doc });

/** Every fact with a fixed name. Names and types are part of the interface: a test holds them. */
export const FACTS = {
  command: fact("string", ALL, "the subcommand that asks"),
  "client.ip": fact("address", ALL, "the client's address; from a PROXY header only if its sender is trusted"),
  "client.port": fact("number", ALL, "the client's port"),
  "client.uid": fact("number", ALL, "the user id of a client on this host"),
  "client.gid": fact("number", ALL, "the group id of a client on this host"),
  "client.pid": fact("number", ["tproxy"], "the id of a process of this host that holds the client's socket"),
  "client.executable": fact("string", ["tproxy"], "the path of that process's program"),
  "client.cgroup": fact(
    "string",
    ["tproxy"],
    "that process's control group (version 2), such as /system.slice/app.service",
  ),
  "client.auth": fact(
    "string",
    ALL,
    '"tls" if the connection came in over TLS, with or without a certificate; else "none"',
  ),
  "client.user": fact("string", PROXIES, "the name that the client proved with a password"),
  "client.cn": fact("string", TLS, "common name of the verified client certificate"),
  "client.ou": fact("strings", TLS, "organizational units of the verified client certificate"),
  "client.dns": fact("strings", TLS, "DNS names of the verified client certificate"),
  "client.uri": fact("strings", TLS, "URI names of the verified client certificate"),
  "client.ip_names": fact("strings", TLS, "IP addresses that the verified client certificate names, canonical"),
  "client.email": fact("strings", TLS, "e-mail names of the verified client certificate"),
  "client.spiffe": fact("string", TLS, "the SPIFFE ID of the verified client certificate"),
  "client.issuer": fact("string", TLS, "the issuer's distinguished name (RFC 4514)"),
  "client.serial": fact("string", TLS, "the certificate's serial number, lower-case hex"),
  "client.pin": fact("string", TLS, "SHA-256 of the certificate's public key, base64"),
  "client.not_before": fact("instant", TLS, "from when the verified client certificate is valid"),
  "client.not_after": fact("instant", TLS, "until when the verified client certificate is valid"),
  "upstream.name": fact("host", DIALERS, "the server name for which the upstream's certificate was verified"),
  "upstream.cn": fact("string", DIALERS, "common name of the upstream's verified certificate"),
  "upstream.ou": fact("strings", DIALERS, "organizational units of the upstream's verified certificate"),
  "upstream.dns": fact("strings", DIALERS, "DNS names of the upstream's verified certificate"),
  "upstream.uri": fact("strings", DIALERS, "URI names of the upstream's verified certificate"),
  "upstream.ip_names": fact(
    "strings",
    DIALERS,
    "IP addresses that the upstream's verified certificate names, canonical",
  ),
  "upstream.email": fact("strings", DIALERS, "e-mail names of the upstream's verified certificate"),
  "upstream.spiffe": fact("string", DIALERS, "the SPIFFE ID of the upstream's verified certificate"),
  "upstream.issuer": fact("string", DIALERS, "distinguished name of that certificate's issuer (RFC 4514)"),
  "upstream.serial": fact("string", DIALERS, "that certificate's serial number, lower-case hex"),
  "upstream.pin": fact("string", DIALERS, "SHA-256 of that certificate's public key, base64"),
  "upstream.not_before": fact("instant", DIALERS, "from when the upstream's verified certificate is valid"),
  "upstream.not_after": fact("instant", DIALERS, "until when the upstream's verified certificate is valid"),
  "peer.ip": fact("address", ALL, "the address of the socket, also behind a PROXY header"),
  "listen.port": fact("number", ALL, "the port that was connected to"),
  "proxy.protocol": fact("string", PROXIES, '"http", "socks5" or "socks4"'),
  "proxy.version": fact("string", ["socks"], '"1.0", "1.1" or "2" of HTTP'),
  "proxy.cmd": fact("string", ["socks"], '"tcp_connect" or "udp_associate" on SOCKS'),
  host: fact(
    "host",
    ["socks", "tproxy", "tunnel", "mux", "s3crypt"],
    "the host that was asked for, of a tunnel or mux route its target's; canonical, never the resolved address",
  ),
  port: fact(
    "number",
    ["socks", "tproxy", "tunnel", "mux"],
    "the port that was asked for, of a tunnel or mux route its target's",
  ),
  "dest.ip": fact(
    "address",
    ["socks", "tproxy", "mux"],
    "the address that would be connected; of a mux route whose target has a capture",
  ),
  method: fact("string", HTTP, "the HTTP method"),
  path: fact("string", HTTP, "the path of the HTTP request; empty for CONNECT"),
  query: fact("string", HTTP, "the query of the HTTP request, without the question mark"),
  scheme: fact("string", HTTP, "the scheme of the HTTP request; http for CONNECT"),
  "tls.server_name": fact("host", HELLO, "the server name that the client asked for (SNI)"),
  "tls.protocol_id": fact("string", ["tproxy", "tunnel", "mux"], "the negotiated protocol id (ALPN)"),
  "tls.protocol_ids": fact("strings", HELLO, "the protocol ids that the client offered"),
  "tls.version": fact("string", ALL, '"TLSv1.2" or "TLSv1.3"'),
  "tunnel.name": fact("string", ["tunnel"], "the name of the tunnel in the configuration"),
  "tproxy.rule": fact("string", ["tproxy"], "the name of the rule that took the connection"),
  "mux.route": fact("string", ["mux"], "the name of the route that matched"),
  "route.local": fact("boolean", PROXIES, "true when no backend is used; policies only"),
  "s3.bucket": fact("string", ["s3crypt"], "the bucket"),
  "s3.key": fact("string", ["s3crypt"], "the object's key, decoded"),
  "s3.operation": fact("string", ["s3crypt"], "the S3 operation, as in its documentation: GetObject"),
  "user.name": fact("string", ALL, "the user, from a provider"),
  "user.groups": fact("strings", ALL, "the user's groups, from a provider"),
  "user.email": fact("string", ALL, "the user's e-mail address, from a provider"),
  "device.id": fact("string", ALL, "the device, from a provider"),
  "device.managed": fact("boolean", ALL, "whether the device is in the inventory, from a provider"),
  "geo.country": fact("string", ALL, "ISO 3166 code of the client's country, from a provider"),
  "geo.asn": fact("number", ALL, "number of the client's autonomous system, from a provider"),
  "risk.score": fact("number", ALL, "risk, 0 to 100, from a provider"),
  now: fact("instant", ALL, "the time of the request"),
  time: fact("clock", ALL, "the time of day of `now`, in a zone"),
  weekday: fact("clock", ALL, "the day of the week of `now`, in a zone"),
  "decision.outcome": fact("string", ["explain"], "the outcome to be explained"),
  "decision.policy": fact("string", ["explain"], "the policy that decided"),
  "decision.reason": fact("string", ["explain"], "the code of the reason"),
} as const satisfies Record<string, FactSpec>;

/** Open families: any name beneath is a fact. */
export const FAMILIES = {
  header: {
    type: "string",
    commands: HTTP,
    doc: "a request header by its lower-case name; several lines are joined with a comma",
  },
  user: { type: "any", commands: ALL, doc: "more about the user, from a provider" },
  device: { type: "any", commands: ALL, doc: "more about the device, from a provider" },
  geo: { type: "any", commands: ALL, doc: "more about the place, from a provider" },
  risk: { type: "any", commands: ALL, doc: "more about the risk, from a provider" },
  challenge: { type: "boolean", commands: ALL, doc: "whether the further step of that name was taken" },
} as const satisfies Record<string, FactSpec>;

type Known = typeof FACTS;
type Family = typeof FAMILIES;
export type FactName = keyof Known | `${keyof Family}.${string}`;

interface ValueOf {
  string: string;
  host: string;
  number: number;
  boolean: boolean;
  address: Ip;
  strings: readonly string[];
  instant: number;
  clock: never;
  any: string | number | boolean | readonly string[];
}

/** What is known of one request. An absent key is a missing fact; `dest.ip` absent may also be pending (see Policy). */
export type Facts = { readonly [K in keyof Known]?: ValueOf[Known[K]["type"]] | undefined } & {
  readonly [K in `${Exclude<keyof Family, "header" | "challenge">}.${string}`]?: ValueOf["any"] | undefined;
} & { readonly [K in `header.${string}`]?: string | undefined } & {
  readonly [K in `challenge.${string}`]?: boolean | undefined;
};

/** The fact of that name, or undefined. Header names are matched without regard to case. */
export function lookupFact(name: string): { name: FactName; spec: FactSpec } | undefined {
  if (Object.hasOwn(FACTS, name)) return { name: name as FactName, spec: FACTS[name as keyof Known] };
  const dot = name.indexOf(".");
  const family = dot === -1 ? "" : name.slice(0, dot);
  if (!Object.hasOwn(FAMILIES, family) || dot === name.length - 1) return undefined;
  const exact = family === "header" ? name.toLowerCase() : name;
  return { name: exact as FactName, spec: FAMILIES[family as keyof Family] };
}

/** The fact that holds the value: `time` and `weekday` are read from `now`. */
export function storedFact(name: FactName): FactName {
  return name === "time" || name === "weekday" ? "now" : name;
}

/**
 * A value of the type from JSON (an audit line, a case file, an argument already decoded): addresses are text there and
 * instants text or milliseconds. Undefined when the value is not of the type.
 */
export function valueFromJson(type: FactType | undefined, value: unknown): FactValue | undefined {
  const isList = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (type === "address") return typeof value === "string" ? parseIp(value) : undefined;
  if (type === "strings") return isList ? (value as string[]) : undefined;
  if (type === "instant" && typeof value === "string") return finite(Date.parse(value));
  if (type === "number" || type === "instant") return typeof value === "number" ? finite(value) : undefined;
  if (type === "boolean") return typeof value === "boolean" ? value : undefined;
  if (type === "any" && (typeof value === "boolean" || isList)) return value as boolean | string[];
  if (type === "any" && typeof value === "number") return finite(value);
  return typeof value === "string" && type !== undefined && type !== "clock" ? value : undefined;
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);
