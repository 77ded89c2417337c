/** Folders for one socket each, which only their user can enter; those of processes that were killed are removed by the next one. Listens nowhere. */
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Dialer, DialError } from "../net/dial.ts";
import { KeepAlive } from "../net/keep-alive.ts";

const PREFIX = "portail-exec-";
/** Milliseconds: in a younger one somebody may be about to listen. */
const YOUNG = 60_000;
/** Milliseconds for a connection on this machine. */
const PATIENCE = 1000;

/** Makes one in the folder `place`; it is for the caller to remove. */
export function makeSocketFolder(place: string): string {
  return mkdtempSync(join(place, PREFIX));
}

/**
 * Removes those of this user in `place` that hold nothing, or one socket at which nobody listens: SIGKILL leaves no time to
 * do it. `now` is in milliseconds. What cannot be read or removed stays.
 */
export async function removeLeftFolders(place: string, now: number): Promise<void> {
  for (const name of attempt(() => readdirSync(place)) ?? []) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(place, name);
    if (await isLeft(folder, now)) attempt(() => rmSync(folder, { recursive: true }));
  }
}

async function isLeft(folder: string, now: number): Promise<boolean> {
  const held = attempt(() => {
    const { mtimeMs, uid, mode } = lstatSync(folder);
    const own = uid === process.getuid?.() && (mode & 0o170777) === 0o040700;
    return own && now - mtimeMs > YOUNG ? readdirSync(folder) : undefined;
  });
  if (held === undefined || held.length > 1) return false;
  const [name] = held;
  if (name === undefined) return true;
  const socket = join(folder, name);
  if (attempt(() => lstatSync(socket).isSocket()) !== true) return false;
  // Whoever listens in this network is not troubled; from another one only a connection tells.
  const known = attempt(() => readFileSync("/proc/net/unix", "utf8")) ?? "";
  return !known.includes(` ${socket}\n`) && (await isRefused(socket));
}

async function isRefused(path: string): Promise<boolean> {
  const conn = await new Dialer(PATIENCE, new KeepAlive(0)).openUnix(path);
  if (conn instanceof DialError) return conn.kind === "refused";
  conn.destroy();
  return false;
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
