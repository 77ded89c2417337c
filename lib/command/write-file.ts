/** Gives a file its content, a text that is at hand, whole or not at all: a new file, or new content in the place of the old; several can be staged and committed together. What grows as a stream is for lib/service/whole-file.ts. */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, PortailError } from "./errors.ts";
import { flushFolder, takeAfter } from "./replace-steps.ts";

/** Content that is on the disk, beside where it will stand. Nobody sees it before `commit`. */
export interface StagedFile {
  /**
   * Puts it in its place and flushes the folder. Throws `PortailError`: 73, and the place is as it was; 74 when only the
   * folder cannot be flushed.
   */
  commit(): void;
  /** Removes it; does nothing after `commit`. */
  discard(): void;
}

/** Stable codes for a file that cannot be written, and for one that is there already. */
export interface WriteCodes {
  readonly cannotWrite: string;
  readonly exists: string;
}

/**
 * Writes a temporary file beside `path`, flushes it to the disk and renames it: whoever reads sees the old text or the
 * new one. Mode is kept, and owner where that is permitted; of a symbolic link the target is replaced. Throws
 * `PortailError` (73).
 */
export function replaceFile(path: string, text: string, cannotWrite: string): void {
  const staged = stageReplacement(path, text, cannotWrite);
  try {
    staged.commit();
  } finally {
    staged.discard();
  }
}

/** The first half of `replaceFile`. A program that ends in between, but by a signal, leaves nothing behind. */
export function stageReplacement(path: string, text: string, cannotWrite: string): StagedFile {
  const hint = "the folder must be writable too: a new file is put in the place of the old one";
  return telling(path, { code: cannotWrite, hint }, () => {
    const target = realpathSync(path);
    const scratch = writeScratch(dirname(target), text, (fd) => takeAfter(fd, statOf(target), 0o7777));
    return staged(scratch, () => {
      telling(path, { code: cannotWrite, hint }, () => renameSync(scratch, target));
      flush(path, target, cannotWrite);
    });
  });
}

/**
 * A file for `path`, where there is none and is none when it is committed: nothing is ever overwritten, a symbolic link
 * that leads nowhere neither. Only its owner may read it.
 */
export function stageNewFile(path: string, text: string, codes: WriteCodes): StagedFile {
  const { cannotWrite: code } = codes;
  return telling(path, { code, hint: "the folder must exist and be writable" }, () => {
    const scratch = writeScratch(dirname(path), text, () => {});
    return staged(scratch, () => {
      try {
        putNew(scratch, path, text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EEXIST") throw existing(path, codes.exists, error);
        throw trouble(path, { code }, error);
      }
      flush(path, path, code);
    });
  });
}

/** The error for a file that would be overwritten. */
export function existing(path: string, code: string, cause?: unknown): PortailError {
  return new PortailError(`${JSON.stringify(path)} exists already; nothing was written`, {
    code,
    exit: EXIT.cannotCreate,
    hint: "name another file, or move that one away first",
    cause,
  });
}

/** File systems without hard links, by what link(2) says there. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Of the ways to make a file appear, link(2) alone is whole and refuses to overwrite. */
function putNew(scratch: string, path: string, text: string): void {
  try {
    linkSync(scratch, path);
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    writeExclusively(path, text, () => {});
  }
  rmSync(scratch, { force: true });
}

function staged(scratch: string, put: () => void): StagedFile {
  const discard = () => {
    process.off("exit", discard);
    rmSync(scratch, { force: true });
  };
  process.once("exit", discard);
  return {
    commit() {
      put();
      process.off("exit", discard);
    },
    discard,
  };
}

function writeScratch(folder: string, text: string, prepare: (fd: number) => void): string {
  const name = join(folder, `.portail-${process.pid}-${crypto.randomUUID()}`);
  writeExclusively(name, text, prepare);
  return name;
}

/** A new file on the disk; none where that fails. */
function writeExclusively(name: string, text: string, prepare: (fd: number) => void): void {
  const fd = openSync(name, "wx", 0o600);
  try {
    try {
      prepare(fd);
      writeFileSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    rmSync(name, { force: true });
    throw error;
  }
}

function statOf(path: string): Stats {
  const fd = openSync(path, "r");
  try {
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

function flush(path: string, target: string, code: string): void {
  const cause = flushFolder(dirname(target));
  if (cause === undefined) return;
  const reason = cause.code ?? String(cause);
  throw new PortailError(`${JSON.stringify(path)} is written, but its folder cannot be flushed: ${reason}`, {
    code,
    exit: EXIT.io,
    hint: "after a loss of power the old state could be back",
    cause,
  });
}

interface Told {
  code: string;
  hint?: string;
}

function telling<T>(path: string, told: Told, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw trouble(path, told, error);
  }
}

function trouble(path: string, told: Told, error: unknown): PortailError {
  const reason = (error as { code?: string }).code ?? String(error);
  return new PortailError(`cannot write ${JSON.stringify(path)}: ${reason}`, {
    ...told,
    exit: EXIT.cannotCreate,
    cause: error,
  });
}
