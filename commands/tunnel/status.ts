/** The status listener of a tunnel: HTTPS with the tunnel's own certificate, as ghostunnel's, and what it answers. */
import type { Runtime } from "../../lib/command/runtime.ts";
import type { Conn } from "../../lib/net/conn.ts";
import { secure } from "../../lib/net/tls.ts";
import { createContext, type TlsContext } from "../../lib/net/tls-context.ts";
import { TlsFailure } from "../../lib/net/tls-failure.ts";
import type { Life } from "../../lib/service/life.ts";
import type { Registry } from "../../lib/service/metrics.ts";
import { openStatus, type Routes, type StatusListener } from "../../lib/service/status.ts";
import { routesOf } from "../../lib/service/status-routes.ts";
import type { StatusSettings } from "../../lib/service/status-settings.ts";
import { healthOf } from "./health.ts";
import type { Tunnel } from "./tunnel.ts";

export interface StatusParts {
  tunnels: readonly Tunnel[];
  listen: readonly string[];
  life: Life;
  registry: Registry;
  /** Metrics in ghostunnel's form. */
  more: Routes;
  /** Milliseconds for a look at the targets. */
  timeout: number;
}

const NOTHING = { bytes: new Uint8Array(0), ended: false };

/** Listens where `settings` say. Throws `PortailError` when it cannot: then the tunnel must not start. */
export function openTunnelStatus(
  { env, log, version }: Runtime,
  settings: StatusSettings,
  { tunnels, listen, life, registry, more, timeout }: StatusParts,
): Promise<StatusListener> {
  const health = healthOf(tunnels, timeout);
  const address = tunnels.flatMap(({ targets }) => targets.all.map(({ text }) => text)).join(",");
  const source = { life, version, listen: listen.join(","), forward: { address, health } };
  const routes = routesOf(source, registry, settings, more);
  const secureStatus = wantsTls(settings, tunnels) ? statusTls(tunnels) : undefined;
  const secured = secureStatus === undefined ? {} : { secure: secureStatus };
  return openStatus(settings.endpoint, env, { routes, log, reusePort: true, ...secured });
}

/** HTTPS unless the operator says otherwise, the address is not of the network, or there is no certificate to serve with. */
function wantsTls({ scheme, endpoint }: StatusSettings, tunnels: readonly Tunnel[]): boolean {
  if (scheme !== undefined) return scheme === "https";
  return endpoint.kind !== "unix" && tunnels.some((tunnel) => tunnel.identity !== undefined);
}

/** With the certificate that is in force at each handshake; visitors are asked for none. */
function statusTls(tunnels: readonly Tunnel[]): (conn: Conn) => Promise<Conn> {
  const owner = tunnels.find((tunnel) => tunnel.identity !== undefined) ?? tunnels[0]!;
  let made: { of: Tunnel["identity"]; context: TlsContext } | undefined;
  return async (conn) => {
    const { identity } = owner;
    if (made?.of !== identity || made === undefined)
      made = { of: identity, context: createContext({ material: identity?.credential }) };
    const options = { ...owner.handshakeOptions(), context: made.context, requestCert: false, verify: false };
    const secured = await secure(conn, NOTHING, true, { ...options, protocolIds: [], sessions: undefined });
    if (secured instanceof TlsFailure) throw new Error(secured.message);
    return secured;
  };
}
