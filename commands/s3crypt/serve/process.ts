/** Starts the proxy, keeps it until it is told to stop, and reloads it in between. */
import { AUDIT_VERSION, type LifeEvent } from "../../../lib/audit/event.ts";
import { openAudit, type AuditSink } from "../../../lib/audit/sink.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { PortailError, type ExitStatus } from "../../../lib/command/errors.ts";
import type { Runtime } from "../../../lib/command/runtime.ts";
import { SourceFiles } from "../../../lib/identity/source-files.ts";
import { formatAddress, type Conn } from "../../../lib/net/conn.ts";
import type { Endpoint } from "../../../lib/net/endpoint.ts";
import { openListener, type Listener } from "../../../lib/net/listen.ts";
import { openResolver } from "../../../lib/net/resolve.ts";
import { readsBelow } from "../../../lib/net/tls-context.ts";
import { liveUntilStopped, type Daemon, type Life, type ReloadOutcome } from "../../../lib/service/life.ts";
import { openDaemonStatus } from "../../../lib/service/daemon-status.ts";
import { addProcessMetrics } from "../../../lib/service/process-metrics.ts";
import type { StatusListener } from "../../../lib/service/status.ts";
import type { DataKeys } from "../keyring.ts";
import { Client, Front } from "./client.ts";
import { Gateway } from "./gateway.ts";
import { load } from "./load.ts";
import { gatewayMetrics } from "./metrics.ts";
import { PlainDialect } from "./plain-dialect.ts";
import { multipartAction } from "./multipart/actions.ts";
import { openRegistry } from "./registry.ts";
import { S3Dialect } from "./s3-dialect.ts";
import type { S3Settings } from "./s3-settings.ts";
import type { Settings } from "./settings.ts";

export interface Parts {
  readonly engine: Engine;
  /** Opens the keyring anew; what pipes said is remembered in `files`. */
  openKeys(files: SourceFiles): Promise<DataKeys>;
}

function s3Dialect(settings: S3Settings, secret: string): S3Dialect {
  return new S3Dialect(settings, secret, {
    multipart: (asked, request, content) => multipartAction(settings.multipart, asked, request, content),
  });
}

/** Serves until SIGTERM; the status says whether all that was open has ended by itself. */
export async function serve(runtime: Runtime, settings: Settings, { engine, openKeys }: Parts): Promise<ExitStatus> {
  const { log } = runtime;
  const files = new SourceFiles(runtime);
  const loadAll = () => load(settings, files, () => openKeys(files));
  const loaded = await loadAll();
  for (const warning of [...settings.warnings, ...loaded.warnings]) log.warn(warning);
  const sink = await openAudit(settings.audit, log);
  const resolve = await openResolver(settings.resolvers, settings.connectTimeout);
  const { writeOnce, keepAlive } = settings;
  const registry = writeOnce && (await openRegistry(writeOnce, { files, resolve, keepAlive }));
  const gateway = new Gateway(settings, loaded, {
    log,
    resolve,
    engine,
    dialect:
      settings.s3 === undefined ? new PlainDialect(settings.listSizes) : s3Dialect(settings.s3, loaded.s3Secret!),
    registry,
    record: sink && ((event) => sink.write(event)),
    cwd: runtime.cwd,
  });
  const open = async (life: Life): Promise<Daemon> => {
    const listeners = await openListeners(runtime, gateway);
    const { s3 } = settings;
    const atRoot = listeners.slice(settings.listen.length).map(({ address }) => formatAddress(address));
    const listen = listeners.map(({ address }) => formatAddress(address));
    const status = await openStatusFor(runtime, gateway, { life, listen }).catch((error: unknown) => {
      for (const listener of listeners) listener.close();
      throw error;
    });
    const bypassed = [
      ...(settings.unverified ? ["bypass-ssl-certificate-check"] : []),
      ...(writeOnce?.open ? ["write-once-fail"] : []),
      ...(s3?.bypass ? ["bypass-s3-signature-check"] : []),
    ];
    recordLife(gateway, { event: "start", listen, ...(bypassed.length > 0 ? { unsafe: bypassed } : {}) });
    const summary = `listening on ${listen.slice(0, settings.listen.length).join(", ")}`;
    const more = atRoot.length > 0 ? { s3: atRoot.join(", ") } : {};
    log.info(summary, { upstream: settings.upstream.authority, keys: gateway.keys.ids.length, ...more });
    return {
      summary,
      get open() {
        return gateway.open.size;
      },
      reload: () => reload(gateway, loadAll, sink),
      async drain() {
        for (const listener of listeners) listener.close();
        recordLife(gateway, { event: "drain", open: gateway.open.size });
        await Promise.all([gateway.drain(), status?.close()]);
      },
      cut: () => gateway.open.cut(),
    };
  };
  const status = await liveUntilStopped(runtime, open, settings.life);
  registry?.close();
  recordLife(gateway, { event: "stop", open: gateway.open.size });
  await sink?.close();
  return status;
}

async function openListeners(runtime: Runtime, gateway: Gateway): Promise<Listener[]> {
  const { keepAlive, acceptProxyFrom, front, listen, s3 } = gateway.settings;
  const server = new Front(gateway);
  const accept = (conn: Conn, atRoot: boolean) => {
    const holder = { client: "ip" in conn.remote ? conn.remote.ip : "unix:", user: "" };
    if (gateway.places.take(holder)) {
      void new Client(gateway, conn, holder, atRoot).comeIn(server);
      return;
    }
    gateway.counts.turnedAway++;
    conn.destroy();
  };
  const layered = front !== undefined && acceptProxyFrom === undefined && !readsBelow(gateway.front!.context);
  const listeners: Listener[] = [];
  try {
    const open = async (endpoint: Endpoint, atRoot: boolean) => {
      const options = { keepAlive, accept: (conn: Conn) => accept(conn, atRoot), layered };
      listeners.push(await openListener(endpoint, runtime.env, options));
    };
    for (const endpoint of listen) await open(endpoint, false);
    for (const endpoint of s3?.listen ?? []) await open(endpoint, true);
  } catch (error) {
    for (const listener of listeners) listener.close();
    throw error;
  }
  return listeners;
}

/** Where it cannot be had, the proxy does not start. */
async function openStatusFor(
  runtime: Runtime,
  gateway: Gateway,
  { life, listen }: { life: Life; listen: readonly string[] },
): Promise<StatusListener | undefined> {
  const { status, keepAlive } = gateway.settings;
  if (status === undefined) return undefined;
  const registry = gatewayMetrics(gateway);
  addProcessMetrics(registry, life, { command: "s3crypt", version: runtime.version });
  const { open } = gateway;
  const listener = await openDaemonStatus(runtime, status, {
    command: "s3crypt",
    life,
    registry,
    listen,
    tls: { identity: () => gateway.front?.identity, deadlines: gateway.asking, keepAlive },
    identities: () => [
      ["shown to clients", gateway.front?.identity],
      ["shown to the storage", gateway.upstreamIdentity],
    ],
    connections: () => ({ total: open.size, [Symbol.iterator]: () => open[Symbol.iterator]() }),
  });
  runtime.log.info(`status on ${formatAddress(listener.address)}`);
  return listener;
}

/** All or nothing: what cannot be read or does not open leaves everything as it was. */
async function reload(
  gateway: Gateway,
  loadAll: () => ReturnType<typeof load>,
  sink: AuditSink | undefined,
): Promise<ReloadOutcome> {
  const { log, record } = gateway.tools;
  const policies = () => (gateway.policy === undefined ? {} : { policies: gateway.policy.digest });
  try {
    const loaded = await loadAll();
    sink?.reopen();
    for (const warning of loaded.warnings) log.warn(warning);
    gateway.swap(loaded);
    log.info("reloaded", { keys: loaded.keys.ids.length });
    record?.({ ...lifeBase(), event: "reload", outcome: "done", ...policies() });
    return "done";
  } catch (error) {
    if (!(error instanceof PortailError)) throw error;
    const detail = error.detail === undefined ? error.message : `${error.detail}\n${error.message}`;
    log.error(`the reload failed, all stays as it was: ${detail} [${error.code}]`);
    record?.({ ...lifeBase(), event: "reload", outcome: "kept", ...policies(), error: detail });
    return "kept";
  }
}

function recordLife(gateway: Gateway, event: Pick<LifeEvent, "event" | "listen" | "open" | "unsafe">): void {
  const { policy, tools } = gateway;
  tools.record?.({ ...lifeBase(), ...event, ...(policy === undefined ? {} : { policies: policy.digest }) });
}

function lifeBase() {
  return { v: AUDIT_VERSION, time: new Date().toISOString(), command: "s3crypt" } as const;
}
