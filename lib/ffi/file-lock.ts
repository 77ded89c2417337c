/** flock(2): a lock that dies with the process that holds it. Never waits. */
import { openLibc } from "./libc.ts";
import { errorName } from "./unix-socket.ts";

const SYMBOLS = {
  flock: { args: ["int", "int"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** Of Linux. */
const LOCK_EX = 2;
const LOCK_NB = 4;

/** `busy`: somebody else has it. `unsupported`: neither this system nor this file system has such locks. */
export type Lock = "locked" | "busy" | "unsupported";

let opened: ReturnType<typeof calls> | "no";

/** Locks the open file `fd` until it is closed. */
export function tryLock(fd: number): Lock {
  opened ??= calls() ?? "no";
  if (opened === "no") return "unsupported";
  const { flock, __errno_location: errno } = opened;
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return "locked";
  return errorName(errno()) === "EAGAIN" ? "busy" : "unsupported";
}

const calls = () => openLibc(SYMBOLS);
