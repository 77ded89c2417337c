/** `--workers`: what further processes of a tunnel tell the first, so that its status and metrics speak for all. */
import type { Runtime } from "../../lib/command/runtime.ts";
import { Workers, type WorkerSide } from "../../lib/service/workers.ts";
import { FIELDS, type Field, type TunnelMetrics } from "./metrics.ts";

/** Milliseconds between two reports. */
const INTERVAL = 1000;

/** Since the last report: how much each count has grown, and how many milliseconds handshakes and lives took. */
interface Report {
  grown: Partial<Record<Field, number>>;
  handshakes: number[];
  lives: number[];
}

/** Reports what `metrics` count, once a second while it changes. */
export function reportCounts(side: WorkerSide, metrics: TunnelMetrics): void {
  const known = new Map<string, Record<Field, number>>();
  const look = () => {
    const reports: Record<string, Report> = {};
    for (const [name, counts] of metrics.tunnels()) {
      const before = known.get(name);
      const now = Object.fromEntries(FIELDS.map((field) => [field, counts[field]])) as Record<Field, number>;
      const grown = FIELDS.filter((field) => now[field] !== (before?.[field] ?? 0));
      if (grown.length === 0) continue;
      known.set(name, now);
      const { handshakes, lives } = counts.takeSamples();
      reports[name] = {
        grown: Object.fromEntries(grown.map((field) => [field, now[field] - (before?.[field] ?? 0)])),
        handshakes,
        lives,
      };
    }
    if (Object.keys(reports).length > 0) side.report(reports);
  };
  metrics.keepSamples();
  setInterval(look, INTERVAL).unref();
}

/** Starts `count` further processes, whose counts are added to `metrics`. */
export function startWorkers({ env, log }: Runtime, count: number, metrics: TunnelMetrics): Promise<Workers> {
  /** What each holds open, by tunnel: taken back when it is gone. */
  const open = new Map<number, Map<string, number>>();
  return Workers.start({
    count,
    env,
    log,
    reported(worker, message) {
      const held = open.get(worker) ?? new Map<string, number>();
      open.set(worker, held);
      for (const [name, { grown, handshakes, lives }] of Object.entries(message as Record<string, Report>)) {
        const counts = metrics.tunnel(name);
        for (const field of FIELDS) counts[field] += grown[field] ?? 0;
        for (const ms of handshakes) counts.handshaken(ms);
        for (const ms of lives) counts.ended(ms);
        held.set(name, (held.get(name) ?? 0) + (grown.open ?? 0));
      }
    },
    gone(worker) {
      for (const [name, count] of open.get(worker) ?? []) metrics.tunnel(name).open -= count;
      open.delete(worker);
    },
  });
}
