/** Starting pinned processes, waiting for their port, and ending them by their own ids. Measures nothing. */
import { closeSync, openSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { allProcesses, descendants } from "./proc.ts";

/** The proxy under test has a core of its own; load generator and target share the other. */
export const PROXY_CORE = 0;
export const LOAD_CORE = 1;

export interface Running {
  pid: number;
  /** Ends the process and all its descendants, and waits until they are gone. */
  stop(): Promise<void>;
}

const running = new Map<number, Running>();

let closing = false;

/** Ends everything that was started here and has not ended. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running.values()].map((process) => process.stop()));
}

/** As `stopAll`, for good: whatever is under way cannot start anything more. */
export async function shutDown(): Promise<void> {
  closing = true;
  await stopAll();
}

/** Whether `shutDown` has been called: a report of what was interrupted is worth nothing. */
export function isClosing(): boolean {
  return closing;
}

/** To be called directly before a process is spawned. */
export function refuseWhenClosing(): void {
  if (closing) throw new Error("interrupted");
}

/**
 * `argv` pinned to one core, or as it is where that cannot be: the generators' own tests need no pinning, and the
 * benchmark insists on it itself. taskset(1) execs, so that the process id is the program's own.
 */
export function pinned(core: number, argv: readonly string[]): string[] {
  return canPin() ? ["taskset", "-c", String(core), ...argv] : [...argv];
}

/** Whether there are the two cores and the program for it. */
export function canPin(): boolean {
  return cpus().length > Math.max(PROXY_CORE, LOAD_CORE) && Bun.which("taskset") !== null;
}

/** Pins this process too: its own readings of /proc must not disturb the proxy's core. Children are pinned one by one. */
export function pinOurselves(): void {
  const pin = ["taskset", "-acp", String(LOAD_CORE), String(process.pid)];
  if (canPin() && Bun.spawnSync(pin).success) return;
  throw new PortailError("cannot pin the proxies and their load to a core each", {
    code: "bench.cores",
    exit: EXIT.unavailable,
    hint: "the benchmark needs two cores and taskset, of util-linux",
  });
}

export interface DaemonOptions {
  argv: readonly string[];
  /** What accepts connections once the daemon is ready; on 127.0.0.1 unless it is said where. */
  port: number;
  host?: string | undefined;
  /** A table of the firewall, by family and name, that is there then as well. */
  table?: string | undefined;
  /** Where its standard error goes; the end of it is quoted when it does not start. */
  log: string;
  env?: Record<string, string>;
}

/** Starts a daemon on the proxy core and waits until it is ready. Throws, with its last words, if it does not. */
export async function startDaemon({
  argv,
  port,
  host = "127.0.0.1",
  table,
  log,
  env,
}: DaemonOptions): Promise<Running> {
  refuseWhenClosing();
  const stderr = openSync(log, "w");
  const child = Bun.spawn(pinned(PROXY_CORE, argv), {
    stdin: "ignore",
    stdout: "ignore",
    stderr,
    env: { ...process.env, ...env },
  });
  closeSync(stderr);
  const daemon = track(child.pid);
  const alive = () => child.exitCode === null && child.signalCode === null;
  const isThere = () => Bun.spawnSync(["nft", "list", "table", ...table!.split(" ")]).success;
  if ((await comes(alive, () => accepts(host, port))) && (table === undefined || (await comes(alive, isThere))))
    return daemon;
  await daemon.stop();
  throw new Error(`${argv[0]} did not start: ${readFileSync(log, "utf8").trim().slice(-300) || "it said nothing"}`);
}

/** Registers a process so that it is ended, at the latest, with the program. */
export function track(pid: number): Running {
  const process: Running = {
    pid,
    async stop() {
      await endTree(pid);
      running.delete(pid);
    },
  };
  running.set(pid, process);
  return process;
}

async function comes(alive: () => boolean, look: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 200 && alive(); attempt++) {
    if (await look()) return true;
    await Bun.sleep(50);
  }
  return false;
}

async function accepts(hostname: string, port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname, port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/**
 * SIGTERM to the whole tree, SIGKILL to what is left of it a second later, and returns when all of it is gone. The tree
 * is read anew each time, since it may still fork, and kept, since children of a parent that ended are no longer found.
 */
async function endTree(root: number): Promise<void> {
  const tree = new Set([root]);
  for (let turn = 0; turn < 200; turn++) {
    const all = allProcesses();
    const alive = [...tree].flatMap((pid) => descendants(pid, all)).map(({ pid }) => pid);
    if (alive.length === 0) return;
    for (const pid of alive) {
      if (turn === 0 || !tree.has(pid)) signal(pid, "SIGTERM");
      else if (turn >= 20) signal(pid, "SIGKILL");
      tree.add(pid);
    }
    await Bun.sleep(50);
  }
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
