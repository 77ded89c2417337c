/** What every daemon answers on its status listener: its state, its metrics, and the order to stop. Listens nowhere. */
import { hostname } from "node:os";
import { currentAudit } from "../audit/sink.ts";
import { heldConnections } from "../net/gate.ts";
import type { HealthCheck } from "./health.ts";
import type { Life } from "./life.ts";
import { EXPOSITION_TYPE, type Registry } from "./metrics.ts";
import type { Route, Routes } from "./status.ts";

export interface StatusSource {
  life: Life;
  /** portail's own version. */
  version: string;
  /** Where clients come in. */
  listen: string;
  /** Where they are led to, and whether it is there; for a daemon that has one such place. */
  forward?: { address: string; health: HealthCheck };
  /** What it says besides, of several such places; it serves whatever that is. */
  more?: () => Record<string, unknown>;
}

/** A time that never was, as programs expect it that read the same page of ghostunnel. */
const NEVER = "0001-01-01T00:00:00Z";

/** `GET /_status`: 200 when the daemon serves and its backend is there, else 503. The keys are ghostunnel's. */
function statusRoute({ life, version, listen, forward, more }: StatusSource): Route {
  return {
    method: "GET",
    async answer() {
      const health = await forward?.health.check();
      const backendOk = health?.ok ?? true;
      const ok = backendOk && (life.state === "listening" || life.state === "reloading");
      const page = {
        ok,
        status: ok ? "ok" : "critical",
        listen_address: listen,
        forward_address: forward?.address ?? "",
        backend_ok: backendOk,
        backend_status: backendOk ? "ok" : "critical",
        backend_error: health?.error,
        time: new Date().toISOString(),
        last_reload: life.lastReload?.time.toISOString() ?? NEVER,
        hostname: hostname(),
        message: life.state,
        revision: version,
        compiler: `bun ${Bun.version}`,
        ...auditState(),
        ...more?.(),
      };
      return { status: ok ? 200 : 503, type: "application/json", body: `${JSON.stringify(page)}\n` };
    },
  };
}

/** Of the sink, where there is one. */
function auditState(): Record<string, unknown> {
  const sink = currentAudit();
  if (sink === undefined) return {};
  const { lost, waiting, failing } = sink;
  return { audit: { ok: failing === undefined, error: failing, lost, waiting, held_connections: heldConnections() } };
}

/** `GET /metrics`, for Prometheus. */
function metricsRoute(registry: Registry): Route {
  return { method: "GET", answer: () => ({ status: 200, type: EXPOSITION_TYPE, body: registry.expose() }) };
}

/** `POST /_shutdown`: as SIGTERM. */
function shutdownRoute(life: Life): Route {
  return {
    method: "POST",
    answer() {
      life.stop("POST /_shutdown");
      return { status: 200, type: "text/plain; charset=utf-8", body: "stopping\n" };
    },
  };
}

/** The routes of every daemon, and `more` of its own. */
export function routesOf(
  source: StatusSource,
  registry: Registry,
  { shutdown }: { shutdown: boolean },
  more: Routes = new Map(),
): Routes {
  return new Map([
    ["/_status", statusRoute(source)],
    ["/metrics", metricsRoute(registry)],
    ...more,
    ...(shutdown ? [["/_shutdown", shutdownRoute(source.life)] as const] : []),
  ]);
}
