/** Files without a name that get one when they are whole (open(2) O_TMPFILE, linkat(2)): nothing is left of them before. Linux only. */
import { closeSync, constants, openSync } from "node:fs";
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  linkat: { args: ["int", "ptr", "int", "ptr", "int"], returns: "int" },
} as const;

const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
/** Its own bit, and that of a folder, which differs from one architecture to the other. */
const O_TMPFILE = 0o20_000_000 | constants.O_DIRECTORY;

/** A descriptor for writing, in the file system of `folder`; undefined where there is no such thing. */
export function openUnnamed(folder: string, mode: number): number | undefined {
  let fd: number;
  try {
    fd = openSync(folder, constants.O_WRONLY | O_TMPFILE, mode);
  } catch {
    return undefined;
  }
  if (libc() !== undefined) return fd;
  closeSync(fd);
  return undefined;
}

/** Gives it the name, which nothing has. False where it could not. */
export function nameFile(fd: number, path: string): boolean {
  const from = Buffer.from(`/proc/self/fd/${fd}\0`);
  return libc()!.linkat(AT_FDCWD, from, AT_FDCWD, Buffer.from(`${path}\0`), AT_SYMLINK_FOLLOW) === 0;
}

type Calls = NonNullable<ReturnType<typeof openLibc<typeof SYMBOLS>>>;

let opened: Calls | undefined | "no";

function libc(): Calls | undefined {
  opened ??= openLibc(SYMBOLS) ?? "no";
  return opened === "no" ? undefined : opened;
}
