/** What `portail mux connect`, `forward` and `exec` were told, as values: the end of all strings. Opens nothing. */
import { usage } from "../../lib/command/argv.ts";
import type { ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseChoice, parseInteger } from "../../lib/command/values.ts";
import { parseVerifyRules } from "../../lib/identity/access.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import { parseConnection } from "../../lib/net/connection-flags.ts";
import { formatEndpoint, isLoopback, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import { environmentProxy } from "../../lib/net/environment-proxy.ts";
import type { Environment } from "../../lib/net/listen.ts";
import type { TargetEndpoint } from "../../lib/net/target.ts";
import { parseTls } from "../../lib/net/tls-flags.ts";
import { parseProxyUrl, type OutboundProxy } from "../../lib/net/through-proxy.ts";
import type { WrapSettings } from "../../lib/service/wrap-settings.ts";
import { canonicalHost } from "../../lib/wire/host.ts";
import type { connectArgs, forwardArgs } from "./client-flags.ts";

type Given = ParsedArgs<typeof connectArgs>;
type Listening = Pick<ParsedArgs<typeof forwardArgs>, "listen" | "unsafe-listen" | "max-concurrent-conns">;

/** Connections where nothing else is said: the limit of open files decides. */
const NO_LIMIT = 1_000_000;
/** Said of `--proxy`: not that of the environment either. */
const NO_PROXY = "none";

/** Listens nowhere. Throws `PortailError` for values that make no sense, alone or beside the others. */
export function parseServer(given: Given, env: Environment): WrapSettings {
  const target = parseTarget(given.server);
  const protocolIds = parseProtocolIds(given.alpn);
  if (given["alpn-optional"] && protocolIds.length === 0)
    throw usage("usage.missing", "--alpn-optional needs --alpn", "name the protocol ids that are offered");
  const proxy = parseProxy(given, target, env);
  const sources = parseIdentityFlags(given);
  const rules = parseVerifyRules(given);
  if (rules?.pinned === true && sources.trust.crl.length > 0)
    throw usage("usage.conflict", "--crl and --verify-spki-pin exclude each other", "a pin verifies no chain");
  return {
    listen: [],
    target,
    serverName: parseServerName(given["server-name"]),
    protocolIds,
    confirmed: protocolIds.length > 0 && !given["alpn-optional"],
    starttls: given.starttls === undefined ? undefined : parseChoice("--starttls", given.starttls, ["postgres"]),
    rules,
    cnAsName: given["unsafe-cn-as-name"],
    proxy,
    sources,
    proxyCa: given["proxy-cacert"],
    tls: parseTls(given),
    most: NO_LIMIT,
    ...parseConnection(given),
  };
}

/** With the listeners that were asked for, if any. Throws as `parseServer`. */
export function parseListening(given: Given & Listening, env: Environment): WrapSettings {
  const most = given["max-concurrent-conns"];
  return {
    ...parseServer(given, env),
    listen: given.listen.map((text) => parseListen(text, given["unsafe-listen"])),
    most: most === undefined ? NO_LIMIT : parseInteger("--max-concurrent-conns", most, { max: NO_LIMIT }) || NO_LIMIT,
  };
}

function parseTarget(text: string): TargetEndpoint {
  const endpoint = parseEndpoint(text, "SERVER");
  const { kind } = endpoint;
  if (kind === "unix" || (kind === "tcp" && endpoint.port !== 0 && !text.startsWith(":"))) return endpoint;
  const hint = "write HOST:PORT, with a port from 1, or unix:PATH";
  throw usage("usage.value", `SERVER: ${JSON.stringify(text)} cannot be connected to`, hint);
}

/** Whoever reaches the port uses this identity. */
function parseListen(text: string, unsafe: boolean): Endpoint {
  const endpoint = parseEndpoint(text, "--listen");
  if (endpoint.kind === "stdio")
    throw usage(
      "usage.value",
      "--listen: stdio is not a place to listen on",
      "`portail mux connect` is on standard input and output",
    );
  if (endpoint.kind !== "tcp" || unsafe || isLoopback(endpoint.host)) return endpoint;
  throw new PortailError(`--listen ${formatEndpoint(endpoint)} lends this identity to everybody who can reach it`, {
    code: "mux.unsafe_listen",
    exit: EXIT.usage,
    hint: "use localhost, 127.0.0.1, [::1], unix:PATH or systemd:NAME, or say --unsafe-listen",
  });
}

/** Repeated or as lists, each once. */
function parseProtocolIds(texts: readonly string[]): string[] {
  const ids = texts.flatMap((text) => text.split(",").map((id) => id.trim()));
  const wrong = ids.find((id) => id === "" || Buffer.byteLength(id) > 255);
  if (wrong !== undefined)
    throw usage(
      "usage.value",
      "--alpn: a protocol id has 1 to 255 bytes",
      "e.g. --alpn postgresql, or --alpn h2,http/1.1",
    );
  return [...new Set(ids)];
}

/** In the form in which it is sent and compared. */
function parseServerName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const { host, error } = canonicalHost(text);
  if (host !== undefined) return host;
  const message = `--server-name: ${JSON.stringify(text)} is no name of a server: ${error}`;
  throw usage("usage.value", message, "write a DNS name or an IP address, without a port");
}

/** Of the flag, which counts more, or of the environment. */
function parseProxy(given: Given, target: TargetEndpoint, env: Environment): OutboundProxy | undefined {
  const { proxy: text, "proxy-cacert": ca } = given;
  const named = text === undefined || text === NO_PROXY ? undefined : parseProxyUrl(text, "--proxy");
  if (named !== undefined && target.kind === "unix")
    throw usage("usage.conflict", "--proxy and unix:PATH exclude each other", "a proxy leads to HOST:PORT only");
  const proxy = text === undefined && target.kind === "tcp" ? environmentProxy(env, target) : named;
  if (ca.length > 0 && proxy?.tls !== true)
    throw usage("usage.missing", "--proxy-cacert needs a proxy over TLS", "give --proxy https://HOST:PORT too");
  return proxy;
}
