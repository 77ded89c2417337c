/** The status listener of a tunnel: HTTPS with the tunnel's own certificate, as ghostunnel's, and what it answers. */
import type { Runtime } from "../../lib/command/runtime.ts";
import { openDaemonStatus } from "../../lib/service/daemon-status.ts";
import type { Life } from "../../lib/service/life.ts";
import type { Registry } from "../../lib/service/metrics.ts";
import type { Routes, StatusListener } from "../../lib/service/status.ts";
import type { StatusSettings } from "../../lib/service/status-settings.ts";
import type { OpenConnections } from "../../lib/status/status-page.ts";
import { healthOf } from "./health.ts";
import type { Tunnel } from "./tunnel.ts";

interface StatusParts {
  tunnels: readonly Tunnel[];
  listen: readonly string[];
  life: Life;
  registry: Registry;
  /** Metrics in ghostunnel's form. */
  more: Routes;
  /** Milliseconds for a look at the targets. */
  timeout: number;
}

/** Listens where `settings` say. Throws `PortailError` when it cannot: then the tunnel must not start. */
export function openTunnelStatus(
  runtime: Runtime,
  settings: StatusSettings,
  { tunnels, listen, life, registry, more, timeout }: StatusParts,
): Promise<StatusListener> {
  const health = healthOf(tunnels, timeout);
  const address = tunnels.flatMap(({ targets }) => targets.all.map(({ text }) => text)).join(",");
  const owner = tunnels.find(({ identity }) => identity !== undefined) ?? tunnels[0]!;
  const { deadlines, keepAlive } = owner.handshakeOptions();
  return openDaemonStatus(runtime, settings, {
    command: "tunnel",
    life,
    registry,
    listen,
    forward: { address, health },
    routes: more,
    tls: { identity: () => owner.identity, deadlines, keepAlive },
    identities: () => tunnels.map(({ settings: { name, side }, identity }) => [name ?? side, identity]),
    connections: () => openConnections(tunnels),
    reusePort: true,
  });
}

/** Those of this process: further ones only count. */
function openConnections(tunnels: readonly Tunnel[]): OpenConnections {
  return {
    total: tunnels.reduce((sum, { open }) => sum + open.size, 0),
    *[Symbol.iterator]() {
      for (const { open } of tunnels) yield* open;
    },
  };
}
