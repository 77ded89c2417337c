/** Metrics that every daemon has: its version, its life, and what it takes of the machine. Read only when somebody looks. */
import { readdirSync } from "node:fs";
import { currentAudit } from "../audit/sink.ts";
import { heldConnections } from "../net/gate.ts";
import { descriptorLimit } from "./descriptors.ts";
import type { Life } from "./life.ts";
import type { Registry } from "./metrics.ts";

/** Adds them to `registry`; `command` as it is typed, e.g. `socks`. */
export function addProcessMetrics(registry: Registry, life: Life, about: { command: string; version: string }): void {
  registry.read("gauge", "build_info", "Always 1; its labels say what runs", () => [[about, 1]]);
  registry.read("gauge", "start_time_seconds", "When the daemon started, since the epoch", () => {
    return life.started.getTime() / 1000;
  });
  addAudit(registry);
  registry.read("counter", "reloads_total", "Reloads, by whether the new was taken or the old kept", () => {
    return Object.entries(life.reloads).map(([outcome, count]) => [{ outcome }, count] as const);
  });
  registry.read(
    "gauge",
    "last_reload_timestamp_seconds",
    "When the last reload ended, since the epoch; 0 before it",
    () => {
      return (life.lastReload?.time.getTime() ?? 0) / 1000;
    },
  );
  registry.read("gauge", "last_reload_successful", "Whether the last reload was taken; 1 before it", () => {
    return life.lastReload?.outcome === "kept" ? 0 : 1;
  });
  registry.read("counter", "cpu_seconds_total", "Processor time of the process, user and system", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  registry.read("gauge", "resident_memory_bytes", "Memory of the process", () => process.memoryUsage.rss());
  registry.read("gauge", "open_fds", "Open file descriptors", openDescriptors);
  registry.read("gauge", "max_fds", "The limit of open file descriptors", descriptorLimit);
}

/** Of the sink, where there is one. */
function addAudit(registry: Registry): void {
  const sink = currentAudit();
  if (sink === undefined) return;
  registry.read("counter", "audit_lost_lines_total", "Audit lines that could not be written", () => sink.lost);
  registry.read("gauge", "audit_waiting_lines", "Audit lines that wait to be written", () => sink.waiting);
  registry.read("gauge", "audit_failing", "Whether the audit's place takes nothing at present", () => {
    return sink.failing === undefined ? 0 : 1;
  });
  registry.read("gauge", "held_connections", "Clients that wait until the audit can be written", heldConnections);
}

/** 0 where the system does not tell, or has no descriptor left to tell with. */
function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return 0;
  }
}
