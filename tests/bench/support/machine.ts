/** What the figures were measured on: processor, kernel, versions, and what else ran there. Names no host, user or path. */
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type as osType } from "node:os";
import { parseStat, TICKS_PER_SECOND } from "./proc.ts";

/** One line on the machine. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} cores (${model}), ${memory} GiB, ${osType()} ${release()}, Bun ${Bun.version}`;
}

/**
 * Starts to watch what else runs here; the function that is returned says which share (0..1) of all cores' time other
 * programs than this one and its children have taken since.
 */
export function watchOthers(): () => number {
  const before = reading();
  return () => {
    const now = reading();
    const others = now.busy - before.busy - (now.own - before.own);
    return Math.min(1, Math.max(0, others / (now.total - before.total)));
  };
}

/** Parses the first line of /proc/stat (proc(5)) into seconds of all cores; `busy` is user, nice and system time. */
export function parseCpuLine(text: string): { busy: number; total: number } {
  const ticks = text.split("\n", 1)[0]!.trim().split(/ +/).slice(1, 9).map(Number);
  const sum = (list: readonly number[]) => list.reduce((total, value) => total + value, 0) / TICKS_PER_SECOND;
  return { busy: sum(ticks.slice(0, 3)), total: sum(ticks) };
}

function reading(): { busy: number; total: number; own: number } {
  const own = parseStat(readFileSync("/proc/self/stat", "utf8"))?.cpuSeconds ?? 0;
  return { ...parseCpuLine(readFileSync("/proc/stat", "utf8")), own };
}

/** The version of an installed Debian package, or undefined. */
export function packageVersion(name: string): string | undefined {
  const query = Bun.spawnSync(["dpkg-query", "-W", "-f", "${Version}", name], { stderr: "ignore" });
  return query.success ? query.stdout.toString().trim() : undefined;
}
