/** What Linux's /proc says of a process and its descendants: memory and processor time. Starts and ends nothing. */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of the times in /proc/PID/stat and /proc/stat (proc(5)); 100 on every Linux that Bun runs on. */
export const TICKS_PER_SECOND = 100;

export interface Stat {
  pid: number;
  parent: number;
  /** `Z` and `X` are processes that have ended and wait to be reaped. */
  state: string;
  /** Seconds of user and system time, with those of its children that ended and were waited for. */
  cpuSeconds: number;
}

export interface Memory {
  /** Resident bytes; pages shared with other processes are counted in full. */
  rss: number;
  /** Proportional bytes; a page shared by n processes counts 1/n in each. */
  pss: number;
}

/** Parses /proc/PID/stat (proc(5)). The name in parentheses may hold spaces and parentheses. Undefined if malformed. */
export function parseStat(text: string): Stat | undefined {
  const nameEnd = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  const fields = text.slice(nameEnd + 2).split(" ");
  if (nameEnd === -1 || Number.isNaN(pid) || fields.length < 15) return undefined;
  // Field numbers of proc(5), of which the first after the name is 3.
  const field = (number: number) => Number(fields[number - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { pid, parent: field(4), state: fields[0]!, cpuSeconds: ticks / TICKS_PER_SECOND };
}

/** Parses /proc/PID/smaps_rollup into bytes. Undefined if either line is missing. */
export function parseSmapsRollup(text: string): Memory | undefined {
  const kib = (key: string) => {
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${key}:`));
    return line === undefined ? Number.NaN : Number.parseInt(line.slice(key.length + 1), 10);
  };
  const memory = { rss: kib("Rss") * 1024, pss: kib("Pss") * 1024 };
  return Number.isNaN(memory.rss) || Number.isNaN(memory.pss) ? undefined : memory;
}

/** `root` and its descendants among `all`, without those that have ended. */
export function descendants(root: number, all: readonly Stat[]): Stat[] {
  const found = all.filter((process) => process.pid === root);
  for (const parent of found) {
    found.push(...all.filter((process) => process.parent === parent.pid && process.pid !== root));
  }
  return found.filter((process) => process.state !== "Z" && process.state !== "X");
}

/** Every process of the machine now. */
export function allProcesses(): Stat[] {
  const all: Stat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const stat = parseStat(readOrEmpty(`/proc/${name}/stat`));
    if (stat !== undefined) all.push(stat);
  }
  return all;
}

/** The living processes of the trees under `roots` now. Empty when they have ended. */
export function processTree(...roots: readonly number[]): Stat[] {
  const all = allProcesses();
  return roots.flatMap((root) => descendants(root, all));
}

/** User and system seconds of the trees under `roots` since their start. */
export function cpuSecondsOf(...roots: readonly number[]): number {
  return processTree(...roots).reduce((sum, process) => sum + process.cpuSeconds, 0);
}

/** Memory of all processes of the trees under `roots`, summed. */
export function memoryOf(...roots: readonly number[]): Memory {
  const sum: Memory = { rss: 0, pss: 0 };
  for (const { pid } of processTree(...roots)) {
    const memory = parseSmapsRollup(readOrEmpty(`/proc/${pid}/smaps_rollup`));
    sum.rss += memory?.rss ?? 0;
    sum.pss += memory?.pss ?? 0;
  }
  return sum;
}

/** A process may end between listing and reading: then there is nothing to count. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
