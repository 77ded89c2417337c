/** One change of a keyring at a time. The lock is on the file itself and leaves none behind, whoever dies. */
import { closeSync, fstatSync, openSync, statSync } from "node:fs";
import { EXIT, PortailError } from "../../lib/command/errors.ts";
import type { Logger } from "../../lib/command/log.ts";
import { tryLock } from "../../lib/ffi/file-lock.ts";

/** Milliseconds. A change takes half a second; one that waits for its reader may take for ever. */
const PATIENCE = 10_000;
const PAUSE = 20;

export interface KeyringLock {
  release(): void;
}

/**
 * Waits for the lock on the file `path`, called `name` in messages, for at most `patience` ms. Throws `PortailError`: 75
 * when somebody else keeps it, 77 or 66 when the file cannot be opened.
 */
export async function lockPath(path: string, name: string, log: Logger, patience = PATIENCE): Promise<KeyringLock> {
  const end = performance.now() + patience;
  for (;;) {
    const fd = open(path, name);
    const lock = tryLock(fd);
    if (lock === "unsupported") log.warn("the keyring cannot be locked: change it from one place at a time");
    // Who had the lock before may have put another file in the place of this one.
    if (lock === "unsupported" || (lock === "locked" && isStill(fd, path))) return { release: () => closeSync(fd) };
    closeSync(fd);
    if (performance.now() >= end) throw busy(name);
    if (lock === "busy") await Bun.sleep(PAUSE);
  }
}

/** For writing where that is allowed: network file systems lock no other file. */
function open(path: string, name: string): number {
  try {
    return openSync(path, "r+");
  } catch {
    try {
      return openSync(path, "r");
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new PortailError(`cannot open the keyring ${JSON.stringify(name)}: ${reason}`, {
        code: "identity.keyring_unreadable",
        exit: reason === "EACCES" ? EXIT.noPrivilege : EXIT.noInput,
        cause: error,
      });
    }
  }
}

function isStill(fd: number, path: string): boolean {
  const [own, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return own.ino === there?.ino && own.dev === there.dev;
}

function busy(name: string): PortailError {
  return new PortailError(`another program is changing the keyring ${JSON.stringify(name)}`, {
    code: "s3crypt.keyring_busy",
    exit: EXIT.retry,
    hint: "it may wait for somebody to read the new password from its standard output",
  });
}
