/** What `portail tunnel` was told about each of its tunnels, as values: the end of all strings. Opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { tunnelClientKeys, tunnelKeys, tunnelServerKeys } from "../../lib/command/tunnel-keys.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { parseAllowRules, parseVerifyRules, type AccessRules } from "../../lib/identity/access.ts";
import { formatEndpoint, isLoopback, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import type { StartTlsProtocol } from "../../lib/net/starttls.ts";
import type { TargetEndpoint, TargetOrder } from "../../lib/net/target.ts";
import { parseProxyUrl, type OutboundProxy } from "../../lib/net/through-proxy.ts";
import { hasReadableCredentials } from "../../lib/service/push.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { ProxyMode } from "../../lib/wire/proxy-protocol.ts";
import { parseProxySources, type ProxySources } from "../../lib/net/accept-proxy.ts";

export type Side = "server" | "client";

/** One tunnel. */
export interface TunnelSettings {
  /** Of `[[tunnel]]`; undefined for the one of the command line. */
  name: string | undefined;
  side: Side;
  listen: Endpoint[];
  targets: TargetEndpoint[];
  targetOrder: TargetOrder;
  /** Server: whether clients must give a certificate. Client: whether we give one. */
  authenticate: boolean;
  /** What the peer's certificate must say; undefined where the flags ask for nothing. */
  rules: AccessRules | undefined;
  acl: string | undefined;
  protocolIds: string[];
  starttls: StartTlsProtocol | undefined;
  /** Undefined where nobody is to send PROXY headers. */
  acceptProxyFrom: ProxySources | undefined;
  /** Sessions at a time. */
  most: number;
  /** Of a server. */
  proxyHeader: ProxyMode | undefined;
  targetStatus: URL | undefined;
  /** Of a client: the name to ask for and to demand; undefined is the target's host. */
  serverName: string | undefined;
  proxy: OutboundProxy | undefined;
  /** A common name counts as the server's name where there is no alternative name. */
  cnAsName: boolean;
}

/** Classes of log lines that are left out. */
export interface Quiet {
  conns: boolean;
  connErrors: boolean;
  handshakeErrors: boolean;
  /** Every line. */
  all: boolean;
}

type Common = ParsedArgs<typeof tunnelKeys>;
type ServerKeys = Common & ParsedArgs<typeof tunnelServerKeys>;
type ClientKeys = Common & ParsedArgs<typeof tunnelClientKeys>;

/** Connections of one tunnel where nothing else is said: the limit of open files decides. */
const NO_LIMIT = 1_000_000;

/** `local`: it listens nowhere (`--stdio`). Throws `PortailError` for a value that makes no sense, alone or beside the others. */
export function parseServer(given: ServerKeys, name: string | undefined, local: boolean): TunnelSettings {
  const common = parseCommon(given, "server", name, local);
  for (const target of common.targets) refuseFarTarget(target, given);
  const access = parseAllowRules(given);
  const authenticate = !given["disable-authentication"];
  if (!authenticate && !access.empty)
    throw conflict(
      "--disable-authentication",
      "the --allow flags",
      "without a certificate there is nothing to allow by",
    );
  if (authenticate && access.empty && common.acl === undefined) {
    throw new PortailError("nothing says which clients may connect", {
      code: "tunnel.no_access_rule",
      exit: EXIT.config,
      hint: "give --allow-all, --allow-cn, --allow-ou, --allow-dns, --allow-uri, --allow-spki-pin or --acl; or --disable-authentication",
    });
  }
  return {
    ...common,
    authenticate,
    rules: access.empty ? undefined : access,
    proxyHeader: parseProxyHeader(given),
    targetStatus: parseStatusUrl(given["target-status"]),
    serverName: undefined,
    proxy: undefined,
    cnAsName: false,
  };
}

/** The same for a client; `local` when it listens nowhere (`--stdio`, or a program of its own). */
export function parseClient(given: ClientKeys, name: string | undefined, local: boolean): TunnelSettings {
  const common = parseCommon(given, "client", name, local);
  for (const listen of common.listen) refuseOpenListen(listen, given);
  return {
    ...common,
    authenticate: !given["disable-authentication"],
    rules: parseVerifyRules(given),
    proxyHeader: undefined,
    targetStatus: undefined,
    serverName: parseServerName(given["override-server-name"]),
    proxy: parseProxy(given.proxy, common.targets),
    cnAsName: given["unsafe-cn-as-name"],
  };
}

type CommonSettings = Omit<
  TunnelSettings,
  "authenticate" | "rules" | "proxyHeader" | "targetStatus" | "serverName" | "proxy" | "cnAsName"
>;

function parseCommon(given: Common, side: Side, name: string | undefined, local: boolean): CommonSettings {
  if (given.listen.length === 0 && !local)
    throw usage("usage.missing", "--listen is required", "where clients come in, e.g. --listen localhost:8443");
  if (given.target.length === 0)
    throw usage("usage.missing", "--target is required", "where connections go, e.g. --target localhost:8080");
  if (given.listen.length > 0 && local)
    throw conflict("--stdio", "--listen", "leave --listen out: the client is standard input and output");
  const most = given["max-concurrent-conns"];
  return {
    name,
    side,
    listen: given.listen.map((text) => parseListen(text)),
    targets: given.target.map((text) => parseTarget(text)),
    targetOrder: parseChoice("--target-order", given["target-order"] ?? "first", ["first", "rotate"]),
    acl: given.acl,
    protocolIds: given.alpn.map(parseProtocolId),
    starttls: given.starttls === undefined ? undefined : parseChoice("--starttls", given.starttls, ["postgres"]),
    acceptProxyFrom: parseAcceptProxyFrom(given["accept-proxy-from"]),
    most: most === undefined ? NO_LIMIT : parseInteger("--max-concurrent-conns", most, { max: NO_LIMIT }) || NO_LIMIT,
  };
}

function parseListen(text: string): Endpoint {
  const endpoint = parseEndpoint(text, "--listen");
  if (endpoint.kind === "stdio")
    throw usage("usage.value", "--listen: stdio is not a place to listen on", "use --stdio");
  return endpoint;
}

function parseTarget(text: string): TargetEndpoint {
  const endpoint = parseEndpoint(text, "--target");
  const { kind } = endpoint;
  if (kind === "unix" || (kind === "tcp" && endpoint.port !== 0 && !text.startsWith(":"))) return endpoint;
  throw usage(
    "usage.value",
    `--target: ${JSON.stringify(text)} cannot be connected to`,
    "write HOST:PORT, with a port from 1, or unix:PATH",
  );
}

function parseProtocolId(text: string): string {
  const length = Buffer.byteLength(text);
  if (length > 0 && length < 256) return text;
  throw usage("usage.value", "--alpn: a protocol id has 1 to 255 bytes", "e.g. --alpn postgresql");
}

function parseAcceptProxyFrom(texts: readonly string[]): ProxySources | undefined {
  return texts.length === 0 ? undefined : parseProxySources(texts, "--accept-proxy-from");
}

function parseProxyHeader(given: ServerKeys): ProxyMode | undefined {
  const mode = given["proxy-protocol-mode"];
  if (mode === undefined) return given["proxy-protocol"] ? "conn" : undefined;
  if (given["proxy-protocol"])
    throw conflict("--proxy-protocol", "--proxy-protocol-mode", "the former is --proxy-protocol-mode=conn");
  return parseChoice("--proxy-protocol-mode", mode, ["conn", "tls", "tls-full"]);
}

/** In the form in which it is sent and compared. */
function parseServerName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { host, error } = canonicalHost(text);
  if (host !== undefined) return host;
  const message = `--override-server-name: ${JSON.stringify(text)} is no name of a server: ${error}`;
  throw usage("usage.value", message, "write a DNS name or an IP address, without a port");
}

function parseProxy(text: string | undefined, targets: readonly TargetEndpoint[]): OutboundProxy | undefined {
  if (text === undefined) return undefined;
  if (targets.some(({ kind }) => kind === "unix"))
    throw conflict("--proxy", "--target unix:PATH", "a proxy leads to HOST:PORT only");
  return parseProxyUrl(text, "--proxy");
}

function parseStatusUrl(text: string | undefined): URL | undefined {
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && !hasReadableCredentials(url)) {
    const hint = "a % in user or password is written as %25";
    throw usage("usage.value", "--target-status: user and password are not percent-encoded UTF-8", hint);
  }
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  const hint = "write the URL as the target knows it, e.g. http://localhost:8080/health";
  throw usage("usage.value", `--target-status: ${JSON.stringify(text)} is no http:// or https:// URL`, hint);
}

/** Beyond this host the connection goes on in the clear. */
function refuseFarTarget(target: TargetEndpoint, given: ServerKeys): void {
  if (target.kind === "unix" || given["unsafe-target"] || isLoopback(target.host)) return;
  throw new PortailError(
    `--target ${formatEndpoint(target)} is beyond this host, where connections go on in the clear`,
    {
      code: "tunnel.unsafe_target",
      exit: EXIT.usage,
      hint: "use localhost, 127.0.0.1, [::1] or unix:PATH, or say --unsafe-target",
    },
  );
}

/** Whoever reaches the port uses this identity. */
function refuseOpenListen(listen: Endpoint, given: ClientKeys): void {
  if (listen.kind !== "tcp" || given["unsafe-listen"] || isLoopback(listen.host)) return;
  throw new PortailError(`--listen ${formatEndpoint(listen)} lends this identity to everybody who can reach it`, {
    code: "tunnel.unsafe_listen",
    exit: EXIT.usage,
    hint: "use localhost, 127.0.0.1, [::1], unix:PATH or systemd:NAME, or say --unsafe-listen",
  });
}

/** The error for flags of which only one may be given. */
export function conflict(one: string, other: string, hint: string): PortailError {
  return usage("usage.conflict", `${one} and ${other} exclude each other`, hint);
}

/** `all` is everything but errors of our own. */
export function parseQuiet(classes: readonly string[]): Quiet {
  const known = classes.map((text) => parseChoice("--quiet", text, ["all", "conns", "conn-errs", "handshake-errs"]));
  const all = known.includes("all");
  return {
    all,
    conns: all || known.includes("conns"),
    connErrors: all || known.includes("conn-errs"),
    handshakeErrors: all || known.includes("handshake-errs"),
  };
}
