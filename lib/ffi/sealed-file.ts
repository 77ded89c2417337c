/** Files in memory that nobody can change any more (memfd_create(2), fcntl(2) F_ADD_SEALS). Linux only. */
import { closeSync, writeSync } from "node:fs";
import { openLibc } from "./libc.ts";
import { errorName, type ErrorName } from "./unix-socket.ts";

const SYMBOLS = {
  memfd_create: { args: ["ptr", "u32"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** MFD_CLOEXEC and MFD_ALLOW_SEALING. */
const FLAGS = 3;
const F_ADD_SEALS = 1033;
/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE. */
const SEALS = 15;

let opened: ReturnType<typeof open>;

/** A descriptor of a sealed file that holds `bytes`, the caller's to close; or why there is none. */
export function sealedFile(name: string, bytes: Uint8Array): number | ErrorName {
  const system = (opened ??= open());
  if (system === undefined) return "ENOSYS";
  const fd = system.create(Buffer.from(`${name}\0`), FLAGS);
  if (fd < 0) return errorName(system.errno());
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
  } catch (error) {
    closeSync(fd);
    return (error as { code?: string }).code ?? "EIO";
  }
  if (system.fcntl(fd, F_ADD_SEALS, SEALS) === 0) return fd;
  const error = errorName(system.errno());
  closeSync(fd);
  return error;
}

function open() {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { memfd_create: create, fcntl, __errno_location: errno } = symbols;
  return { create, fcntl, errno };
}
