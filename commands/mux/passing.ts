/** Which listeners of a multiplexer can be left to a carrier, and what it is to lead their clients by. Opens nothing. */
import type { SocketAddress } from "../../lib/net/conn.ts";
import { parseIp, type Ip } from "../../lib/wire/ip.ts";
import type { LoadedPlace } from "./load.ts";
import type { Route } from "./route.ts";
import type { RouteMatch } from "./routes/match.ts";
import { NO_LIMIT, type MuxSettings } from "./settings.ts";

/** What the thread of a carrier is given; it can be cloned. */
export interface PassingWays {
  routes: readonly PassingRoute[];
  /** Bytes. */
  helloLimit: number;
}

interface PassingRoute extends RouteMatch {
  /** By which the thread names it. */
  number: number;
  /** Absent where sessions are to see to its clients. */
  target: PassingTarget | undefined;
}

interface PassingTarget {
  ip: Ip;
  port: number;
}

/**
 * Undefined unless all TLS passes as it is, each route to one address: a carrier has no way to end TLS, to ask policies and
 * resolvers, to check targets, or to wait for who is silent; and it cannot share one limit of connections with sessions.
 */
export function passingWays(
  { endpoint, table, routes }: LoadedPlace,
  settings: MuxSettings,
  numberOf: (route: Route) => number,
): PassingWays | undefined {
  const { acceptProxyFrom, helloLimit, most } = settings;
  if (endpoint.kind !== "tcp" || acceptProxyFrom !== undefined || table.silent !== undefined) return undefined;
  if (most < NO_LIMIT) return undefined;
  if (!routes.every(isPlain)) return undefined;
  const passing = routes.map((route) => passingRoute(route, numberOf(route)));
  const speakTls = passing.filter(({ firstBytes }) => firstBytes.length === 0);
  if (speakTls.length === 0 || !speakTls.every(({ target }) => target !== undefined)) return undefined;
  return { routes: passing, helloLimit };
}

/** Of a listener that a carrier has: sessions see to all of its clients. */
export function noWays({ helloLimit }: MuxSettings): PassingWays {
  return { routes: [], helloLimit };
}

/** Where a target of a carrier is. */
export function passingAddress(route: Route): SocketAddress {
  const { host: ip, port } = route.fixedPlace!;
  return { ip, port };
}

/** Whether it is chosen without patterns. */
function isPlain({ serverNames, patterns }: Route): boolean {
  return patterns.length === 0 && serverNames.every(({ kind }) => kind !== "pattern");
}

function passingRoute(route: Route, number: number): PassingRoute {
  const { name, serverNames, protocolIds, postgres, firstBytes, patterns, refuse } = route;
  const target = targetOf(route);
  return { name, serverNames, protocolIds, postgres, firstBytes, patterns, refuse, number, target };
}

function targetOf({ settings, firstBytes, fixedPlace }: Route): PassingTarget | undefined {
  const { termination, acl, proxyHeader, refuse, postgres, most, health, targets } = settings;
  if (firstBytes.length > 0 || termination !== undefined || acl !== undefined || proxyHeader !== undefined)
    return undefined;
  if (refuse !== undefined || postgres || most !== Infinity || health !== undefined || targets.length !== 1)
    return undefined;
  const ip = fixedPlace && parseIp(fixedPlace.host);
  return ip && { ip, port: fixedPlace.port };
}
