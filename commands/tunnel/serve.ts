/** Opens what a process needs for its tunnels, and runs them until they are told to stop. */
import { openAudit } from "../../lib/audit/sink.ts";
import { EXIT, PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { Dialer, DialError } from "../../lib/net/dial.ts";
import { openResolver } from "../../lib/net/resolve.ts";
import { liveUntilStopped } from "../../lib/service/life.ts";
import { loadTunnel } from "./load.ts";
import { TunnelMetrics } from "./metrics.ts";
import type { ProcessSettings } from "./process.ts";
import { Descriptors } from "../../lib/service/waiting-room.ts";
import { Tunnel, type Shared } from "./tunnel.ts";
import { TunnelProcess, type PlannedTunnel } from "./tunnel-process.ts";

/** Serves until SIGTERM; the status says whether all that was open has ended by itself. */
export async function serve(runtime: Runtime, settings: ProcessSettings): Promise<ExitStatus> {
  const process = await openProcess(runtime, settings);
  const status = await liveUntilStopped(runtime, (life) => process.start(life), settings.life);
  await process.close();
  return status;
}

/** Everything but the listeners: files are read, targets are known. */
export async function openProcess(runtime: Runtime, settings: ProcessSettings): Promise<TunnelProcess> {
  const { log } = runtime;
  const sink = await openAudit(settings.audit, log);
  const shared: Shared = {
    log,
    quiet: settings.quiet,
    sink,
    keepAlive: settings.keepAlive,
    connectTimeout: settings.connectTimeout,
    relayLimits: settings.relayLimits,
    targetTools: {
      dialer: new Dialer(settings.connectTimeout, settings.keepAlive),
      resolve: await openResolver(settings.resolvers, settings.dnsTimeout),
    },
    resumption: settings.resumption,
    descriptors: new Descriptors(),
  };
  const files = new SourceFiles(runtime);
  const metrics = new TunnelMetrics();
  const tunnels: PlannedTunnel[] = [];
  for (const plan of settings.tunnels) {
    const loaded = await loadTunnel(plan, files, log);
    const tunnel = new Tunnel(plan.settings, shared, loaded, metrics.tunnel(plan.settings.name ?? plan.settings.side));
    if (!settings.skipResolve) await refuseUnresolvable(tunnel);
    tunnels.push({ plan, tunnel });
  }
  return new TunnelProcess(runtime, settings, { tunnels, files, metrics, sink });
}

/** A target that does not resolve is a mistake of the command line more often than not. Behind a proxy it is not ours to resolve. */
async function refuseUnresolvable(tunnel: Tunnel): Promise<void> {
  for (const target of tunnel.proxy === undefined ? tunnel.targets.all : [tunnel.proxy.target]) {
    const found = await target.candidates();
    if (!(found instanceof DialError)) continue;
    throw new PortailError(`invalid target address ${JSON.stringify(target.text)}: ${found.message}`, {
      code: "tunnel.target_unresolved",
      exit: EXIT.unavailable,
      hint: "correct --target, or start all the same with --skip-resolve",
    });
  }
}
