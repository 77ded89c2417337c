/** Gives a file new content, whole or not at all. Makes no new files. */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";

/**
 * Writes a temporary file beside `path`, flushes it to the disk and renames it: whoever reads sees the old text or the
 * new one. Mode is kept, and owner where that is permitted; of a symbolic link the target is replaced. Throws
 * `PortailError` (73).
 */
export function replaceFile(path: string, text: string): void {
  let scratch: string | undefined;
  try {
    const target = realpathSync(path);
    const folder = dirname(target);
    const name = join(folder, `.portail-${process.pid}-${crypto.randomUUID()}`);
    const fd = openSync(name, "wx", 0o600);
    scratch = name;
    try {
      takeAfter(fd, target);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(name, target);
    scratch = undefined;
    flushFolder(folder);
  } catch (error) {
    if (scratch !== undefined) rmSync(scratch, { force: true });
    const reason = (error as { code?: string }).code ?? String(error);
    throw new PortailError(`cannot write ${JSON.stringify(path)}: ${reason}`, {
      code: "acl.cannot_write",
      exit: EXIT.cannotCreate,
      hint: "the folder must be writable too: a new file is put in the place of the old one",
      cause: error,
    });
  }
}

/** Owner first, since changing it takes bits off the mode. */
function takeAfter(fd: number, target: string): void {
  const old = openSync(target, "r");
  try {
    const { mode, uid, gid } = fstatSync(old);
    const own = fstatSync(fd);
    if (own.uid !== uid || own.gid !== gid) {
      try {
        fchownSync(fd, uid, gid);
      } catch {
        // Not ours to give away: the file becomes the caller's.
      }
    }
    fchmodSync(fd, mode & 0o7777);
  } finally {
    closeSync(old);
  }
}

/** Without this, the rename itself could be lost with the power. */
function flushFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
