/** Two steps of giving a file new content, whether it was staged as text (write-file.ts) or grew as a stream (lib/service/whole-file.ts). */
import { closeSync, fchmodSync, fchownSync, fstatSync, fsyncSync, openSync, type Stats } from "node:fs";

/**
 * Gives the open file owner and mode of the one whose place it takes, the owner where that is permitted; `bits` are those
 * of the mode that it takes over. Owner first, since changing it takes bits off the mode.
 */
export function takeAfter(fd: number, { uid, gid, mode }: Stats, bits: number): void {
  const own = fstatSync(fd);
  if (own.uid !== uid || own.gid !== gid) {
    try {
      fchownSync(fd, uid, gid);
    } catch {
      // Not ours to give away: the file becomes the caller's.
    }
  }
  fchmodSync(fd, mode & bits);
}

/**
 * Without this a name that was given in the folder could be lost with the power. Returns the error of the system, if there
 * was one; some file systems have no such thing (`EINVAL`), which is none.
 */
export function flushFolder(folder: string): NodeJS.ErrnoException | undefined {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return undefined;
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    return failure.code === "EINVAL" ? undefined : failure;
  }
}
