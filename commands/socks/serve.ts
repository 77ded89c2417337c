/** Starts the access proxy, keeps it until it is told to stop, and reloads it in between. */
import { AUDIT_VERSION, type AuditEvent } from "../../lib/audit/event.ts";
import { openAudit, type AuditSink } from "../../lib/audit/sink.ts";
import { PortailError, type ExitStatus } from "../../lib/command/errors.ts";
import type { Runtime } from "../../lib/command/runtime.ts";
import { SourceFiles } from "../../lib/identity/source-files.ts";
import { formatAddress, type Conn, type SocketAddress } from "../../lib/net/conn.ts";
import { openListener, type Listener } from "../../lib/net/listen.ts";
import { ownListeners } from "../../lib/net/own-listeners.ts";
import { openResolver } from "../../lib/net/resolve.ts";
import { liveUntilStopped, type Daemon, type Life, type ReloadOutcome } from "../../lib/service/life.ts";
import type { StatusListener } from "../../lib/service/status.ts";
import type { VarlinkListener } from "../../lib/service/varlink.ts";
import { Client } from "./client.ts";
import { liveView } from "./live.ts";
import { load } from "./load.ts";
import { Proxy } from "./proxy.ts";
import { refuseInherited, type Settings } from "./settings.ts";
import { beginsWithTls } from "./way-in.ts";

/** Serves until SIGTERM; the status says whether all that was open has ended by itself. */
export async function serve(runtime: Runtime, settings: Settings, view: { live: boolean }): Promise<ExitStatus> {
  const { log } = runtime;
  const files = new SourceFiles(runtime);
  const loaded = await load(settings, files);
  for (const warning of loaded.warnings) log.warn(warning);
  const sink = await openAudit(settings.audit, log);
  const recorders: ((event: AuditEvent) => void)[] = [];
  if (sink !== undefined) recorders.push((event) => sink.write(event));
  if (view.live && runtime.stderr.isTTY) recorders.push(liveView(runtime.stderr));
  const resolve = await openResolver(settings.resolvers, settings.dnsTimeout);
  const proxy = new Proxy(settings, loaded, { log, resolve, recorders, env: runtime.env });
  /** To see and to steer up to the end: it closes after all else. */
  let control: VarlinkListener | undefined;
  const open = async (life: Life) => {
    const listeners = await openListeners(runtime, proxy);
    const listen = listeners.map(({ address }) => formatAddress(address));
    const addresses = listeners.map(({ address }) => address);
    const status = await openStatusFor(runtime, proxy, { life, listen: addresses }).catch((error: unknown) => {
      for (const listener of listeners) listener.close();
      throw error;
    });
    control = await openControlFor(runtime, proxy, life).catch((error: unknown) => {
      for (const listener of listeners) listener.close();
      void status?.close();
      throw error;
    });
    const own = status === undefined ? listeners : [...listeners, status];
    proxy.guard = { ...ownListeners(own.map(({ address }) => address)), resolvedBy: "us" };
    recordLife(proxy, { event: "start", listen, policies: proxy.policy.digest });
    proxy.backends.checks.start();
    log.info(`listening on ${listen.join(", ")}`, { policy: settings.acl, policies: proxy.policy.policyCount });
    return daemon(proxy, { listeners, status, files, sink, summary: `listening on ${listen.join(", ")}` });
  };
  const status = await liveUntilStopped(runtime, open, settings.life).finally(() => {
    proxy.backends.close();
    return control?.close();
  });
  recordLife(proxy, { event: "stop", open: proxy.places.open });
  await Promise.all([proxy.closeContext(), sink?.close()]);
  return status;
}

interface Opened {
  listeners: readonly Listener[];
  status: StatusListener | undefined;
  files: SourceFiles;
  sink: AuditSink | undefined;
  summary: string;
}

function daemon(proxy: Proxy, { listeners, status, files, sink, summary }: Opened): Daemon {
  return {
    summary,
    get open() {
      return proxy.places.open;
    },
    reload: () => reload(proxy, files, sink),
    async drain() {
      for (const listener of listeners) listener.close();
      recordLife(proxy, { event: "drain", open: proxy.places.open });
      await Promise.all([proxy.drain(), status?.close()]);
    },
    cut: () => proxy.open.cut(),
  };
}

async function openListeners(runtime: Runtime, proxy: Proxy): Promise<Listener[]> {
  const { keepAlive, wayIn } = proxy.settings;
  const admit = await admission(proxy);
  let warned = 0;
  const accept = (conn: Conn) => {
    if (proxy.hasRoom()) {
      admit(conn);
      return;
    }
    conn.destroy();
    proxy.counts.turnedAway++;
    if (performance.now() - warned < 1000 && warned !== 0) return;
    warned = performance.now();
    proxy.log.warn("connections are refused: the limit of open files is reached", { open: proxy.open.size });
  };
  const listeners: Listener[] = [];
  try {
    for (const endpoint of proxy.settings.listen) {
      listeners.push(await openListener(endpoint, runtime.env, { keepAlive, accept, layered: beginsWithTls(wayIn) }));
      refuseInherited(listeners.at(-1)!, proxy.settings);
    }
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
  return listeners;
}

/** Where nothing stands in front, a client is one at once; TLS is memory that most do without. */
async function admission(proxy: Proxy): Promise<(conn: Conn) => void> {
  const { tls, acceptProxyFrom } = proxy.settings.wayIn;
  if (tls === undefined && acceptProxyFrom === undefined) return (conn) => void Client.admit(proxy, conn);
  const { Entry } = await import("./entry.ts");
  return (conn) => Entry.admit(proxy, conn);
}

/** Without it, nobody could see how the proxy is: where it cannot be had, the proxy does not start. */
async function openStatusFor(
  runtime: Runtime,
  proxy: Proxy,
  { life, listen }: { life: Life; listen: readonly SocketAddress[] },
): Promise<StatusListener | undefined> {
  const { status, keepAlive, wayIn } = proxy.settings;
  if (status === undefined) return undefined;
  // Loaded when it is wanted: node:http and metrics are memory that most do without.
  const [{ openDaemonStatus }, { addProcessMetrics }, { proxyMetrics }, { pacRoute }, { openConnections }] =
    await Promise.all([
      import("../../lib/service/daemon-status.ts"),
      import("../../lib/service/process-metrics.ts"),
      import("./metrics.ts"),
      import("./pac.ts"),
      import("./open-connections.ts"),
    ]);
  const registry = proxyMetrics(proxy);
  addProcessMetrics(registry, life, { command: "socks", version: runtime.version });
  const pac = pacRoute(listen, wayIn.tls !== undefined && !wayIn.tls.plaintext);
  const listener = await openDaemonStatus(runtime, status, {
    command: "socks",
    life,
    registry,
    listen: listen.map(formatAddress),
    routes: new Map([["/proxy.pac", pac]]),
    tls: { identity: () => proxy.tls?.identity, deadlines: proxy.deadlines, keepAlive },
    identities: () => [["shown to clients", proxy.tls?.identity]],
    connections: () => openConnections(proxy),
  });
  proxy.log.info(`status on ${formatAddress(listener.address)}`);
  return listener;
}

/** Loaded when it is wanted, as the status is. */
async function openControlFor(runtime: Runtime, proxy: Proxy, life: Life): Promise<VarlinkListener | undefined> {
  const { control } = proxy.settings;
  if (control === undefined) return undefined;
  const { openControl } = await import("./control.ts");
  const listener = await openControl(runtime, proxy, control, { life, backends: () => proxy.backends });
  runtime.log.info(`control on ${formatAddress(listener.address)}`);
  return listener;
}

/** All or nothing: what cannot be read or does not parse leaves everything as it was. */
async function reload(proxy: Proxy, files: SourceFiles, sink: AuditSink | undefined): Promise<ReloadOutcome> {
  const { settings, log } = proxy;
  try {
    const loaded = await load(settings, files);
    sink?.reopen();
    for (const warning of loaded.warnings) log.warn(warning);
    proxy.swap(loaded);
    proxy.reloadTrouble = undefined;
    const { policy } = loaded;
    log.info("reloaded", { policy: settings.acl, policies: policy.policyCount });
    proxy.record({ ...lifeBase(), event: "reload", outcome: "done", policies: policy.digest });
    return "done";
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const detail = error.detail === undefined ? error.message : `${error.detail}\n${error.message}`;
    proxy.reloadTrouble = detail;
    log.error(`the reload failed, the old policy stays in force: ${detail} [${error.code}]`);
    const kept = { ...lifeBase(), event: "reload", outcome: "kept", policies: proxy.policy.digest } as const;
    proxy.record({ ...kept, error: detail });
    return "kept";
  }
}

function recordLife(
  proxy: Proxy,
  event: { event: "start" | "drain" | "stop"; listen?: string[]; policies?: string; open?: number },
): void {
  proxy.record({ ...lifeBase(), ...event });
}

function lifeBase() {
  return { v: AUDIT_VERSION, time: new Date().toISOString(), command: "socks" } as const;
}
