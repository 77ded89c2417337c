/** What `portail mux serve` was told, as values: the end of all strings. Opens nothing. */
import { parseAudit, type AuditSettings } from "../../lib/audit/settings.ts";
import { usage } from "../../lib/command/argv.ts";
import type { Config, ParsedArgs } from "../../lib/command/define.ts";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import { parseLife } from "../../lib/command/flags.ts";
import { parseDuration, parseInteger, parseSize } from "../../lib/command/values.ts";
import { parseIdentityFlags } from "../../lib/identity/flags.ts";
import { parseProxySources, type ProxySources } from "../../lib/net/accept-proxy.ts";
import { parseConnection, type ConnectionSettings } from "../../lib/net/connection-flags.ts";
import { formatEndpoint, parseEndpoint, type Endpoint } from "../../lib/net/endpoint.ts";
import { parseTls, type TlsTerms } from "../../lib/net/tls-flags.ts";
import type { LifeOptions } from "../../lib/service/life.ts";
import { parseStatus, type StatusSettings } from "../../lib/service/status-settings.ts";
import { LONGEST_HELLO } from "../../lib/wire/hello-records.ts";
import type { routeFlags, serveArgs } from "./flags.ts";
import { withPreset } from "./route-preset.ts";
import { noRoutes, parseRoutes, type RouteSettings } from "./route-settings.ts";

export interface MuxSettings extends ConnectionSettings {
  /** Undefined where nobody is to send PROXY headers. */
  acceptProxyFrom: ProxySources | undefined;
  /** Milliseconds. */
  helloTimeout: number;
  silentTimeout: number;
  /** Bytes. */
  helloLimit: number;
  /** Connections at a time. */
  most: number;
  tls: TlsTerms;
  audit: AuditSettings | undefined;
  life: LifeOptions;
  status: StatusSettings | undefined;
}

/** A listener to be, with the routes of the clients that come in there. */
export interface Place {
  endpoint: Endpoint;
  routes: RouteSettings[];
}

/** Connections where nothing else is said: the limit of open files decides. */
export const NO_LIMIT = 1_000_000;

/** Throws `PortailError` for values that make no sense. */
export function parseMux(given: ParsedArgs<typeof serveArgs>): MuxSettings {
  const duration = (name: keyof typeof serveArgs, min = 0) =>
    parseDuration(`--${name}`, given[name] as string, { min });
  const sources = given["accept-proxy-from"];
  const most = given["max-concurrent-conns"];
  return {
    acceptProxyFrom: sources.length === 0 ? undefined : parseProxySources(sources, "--accept-proxy-from"),
    helloTimeout: duration("hello-timeout", 1),
    silentTimeout: duration("silent-timeout", 1),
    helloLimit: parseSize("--hello-limit", given["hello-limit"], { min: 512, max: LONGEST_HELLO }),
    most: most === undefined ? NO_LIMIT : parseInteger("--max-concurrent-conns", most, { max: NO_LIMIT }) || NO_LIMIT,
    tls: parseTls(given),
    ...parseConnection(given),
    audit: parseAudit(given),
    life: parseLife(given),
    status: parseStatus(given),
  };
}

/** The listeners of a configuration and their routes, in the order of the file. Throws `PortailError`. */
export function parsePlaces(
  given: Pick<ParsedArgs<typeof routeFlags>, "listen"> & Partial<ParsedArgs<typeof serveArgs>>,
  config: Config,
  use: "serve" | "show" = "serve",
): Place[] {
  const { cert, key, keystore, storepass, "storepass-file": file, cacert = [], crl = [] } = given;
  const { "pkcs11-module": module, "pkcs11-token-label": label, "pkcs11-pin": pin, "pkcs11-pin-file": pinFile } = given;
  const token = { "pkcs11-module": module, "pkcs11-token-label": label, "pkcs11-pin": pin, "pkcs11-pin-file": pinFile };
  const own = parseIdentityFlags({ cert, key, keystore, storepass, "storepass-file": file, cacert, crl, ...token });
  const routes = parseRoutes(withPreset(given, config, use), own);
  if (routes.length === 0) throw noRoutes();
  const common = given.listen.map(parseListen);
  const homeless = routes.find(({ listen }) => listen.length === 0);
  if (common.length === 0 && homeless !== undefined)
    throw usage(
      "usage.missing",
      `--listen is required: the route ${JSON.stringify(homeless.name)} has none of its own`,
    );
  const places = new Map<string, Place>();
  for (const endpoint of common) placeOf(places, endpoint);
  for (const route of routes) {
    for (const endpoint of route.listen.length === 0 ? common : route.listen)
      placeOf(places, endpoint).routes.push(route);
  }
  const idle = [...places.values()].find((place) => place.routes.length === 0);
  if (idle !== undefined)
    throw new PortailError(`no route takes clients at ${formatEndpoint(idle.endpoint)}`, {
      code: "mux.no_route",
      exit: EXIT.config,
      hint: "every route has a listen of its own: leave --listen out",
    });
  return [...places.values()];
}

function placeOf(places: Map<string, Place>, endpoint: Endpoint): Place {
  const text = formatEndpoint(endpoint);
  let place = places.get(text);
  if (place === undefined) places.set(text, (place = { endpoint, routes: [] }));
  return place;
}

function parseListen(text: string): Endpoint {
  const endpoint = parseEndpoint(text, "--listen");
  if (endpoint.kind === "stdio")
    throw usage("usage.value", "--listen: stdio is not a place to listen on", "write HOST:PORT or unix:PATH");
  return endpoint;
}
