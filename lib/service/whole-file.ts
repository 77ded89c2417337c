/** A file that grows as a stream and appears under its name when it is whole, or never: what is killed, or runs out of room, leaves what was there before. Text that is at hand is for lib/command/write-file.ts. */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  write,
  type Stats,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { EXIT, PortailError } from "../command/errors.ts";
import { flushFolder, takeAfter } from "../command/replace-steps.ts";
import { nameFile, openUnnamed } from "../ffi/unnamed-file.ts";

const writeBytes = promisify(write);
/** Before the umask. */
const MODE = 0o666;

/** Where bytes go, in order. */
export interface Sink {
  /** Resolves when the system has taken them. Rejects with a `PortailError`. */
  write(bytes: Uint8Array): Promise<void>;
  /** All was written and is right: it may be seen. */
  commit(): void;
  /** It is not: nothing of it is to be seen, where that can still be helped. */
  abandon(): void;
}

/**
 * To what is open already, such as standard output: what was written was written. `name` is for messages. With `quiet`
 * nothing is said of a reader that has left.
 */
export class OpenSink implements Sink {
  readonly #fd: number;
  readonly #name: string;
  readonly #quiet: boolean;

  constructor(fd: number, name: string, quiet = false) {
    this.#fd = fd;
    this.#name = name;
    this.#quiet = quiet;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await writeAll(this.#fd, bytes, this.#name, { quiet: this.#quiet });
  }

  commit(): void {}

  abandon(): void {}
}

/**
 * Opens the file `path` for writing; a device or a named pipe there is written as it is. A file there keeps its mode, and
 * its owner where that is permitted; a link that leads nowhere is left alone. Throws `PortailError` (73).
 */
export function openWhole(path: string): Sink {
  try {
    const at = statOf(path);
    if (at?.isDirectory()) throw cannot(path, "it is a folder");
    if (at === undefined && lstatSync(path, { throwIfNoEntry: false }) !== undefined)
      throw cannot(path, "it is a link that leads nowhere");
    if (at !== undefined && !at.isFile()) return new OpenSink(openSync(path, constants.O_WRONLY), path);
    return new WholeFile(path, at);
  } catch (error) {
    if (error instanceof PortailError) throw error;
    throw cannot(path, (error as { code?: string }).code ?? String(error));
  }
}

class WholeFile implements Sink {
  /** As it was asked for. */
  readonly #name: string;
  /** Behind links. */
  readonly #path: string;
  readonly #exists: boolean;
  readonly #fd: number;
  /** The name that it has meanwhile, where it must have one. */
  #temporary: string | undefined;
  #over = false;

  constructor(name: string, at: Stats | undefined) {
    this.#name = name;
    this.#path = at === undefined ? name : realpathSync(name);
    this.#exists = at !== undefined;
    const mode = at === undefined ? MODE : at.mode & 0o600;
    const folder = dirname(this.#path);
    const unnamed = openUnnamed(folder, mode);
    if (unnamed === undefined) this.#temporary = this.#beside();
    this.#fd = unnamed ?? openSync(this.#temporary!, "wx", mode);
    process.once("exit", this.#leave);
    if (at !== undefined) takeAfter(this.#fd, at, 0o777);
  }

  async write(bytes: Uint8Array): Promise<void> {
    const full = "the file system is full; nothing was left there";
    await writeAll(this.#fd, bytes, this.#name, { full });
  }

  commit(): void {
    try {
      fsyncSync(this.#fd);
      this.#appear();
    } catch (error) {
      this.abandon();
      throw cannot(this.#name, (error as { code?: string }).code ?? String(error));
    }
    this.#done();
    closeSync(this.#fd);
    syncFolder(dirname(this.#path), this.#name);
  }

  /** A name that is free is taken at once; another is changed from one file to the next by a rename. */
  #appear(): void {
    if (this.#temporary === undefined) {
      if (!this.#exists && nameFile(this.#fd, this.#path)) return;
      const beside = this.#beside();
      if (!nameFile(this.#fd, beside)) throw new Error("it cannot be given its name");
      this.#temporary = beside;
    }
    renameSync(this.#temporary, this.#path);
    this.#temporary = undefined;
  }

  abandon(): void {
    if (this.#over) return;
    this.#leave();
    this.#done();
    try {
      closeSync(this.#fd);
    } catch {
      // It is closed already.
    }
  }

  readonly #leave = (): void => {
    if (this.#temporary === undefined) return;
    try {
      unlinkSync(this.#temporary);
    } catch {
      // Somebody else took it away.
    }
  };

  #done(): void {
    this.#over = true;
    process.off("exit", this.#leave);
  }

  #beside(): string {
    return join(dirname(this.#path), `.portail-${randomBytes(12).toString("hex")}.part`);
  }
}

/** A folder that may be written to need not be readable (`EACCES`): the file is whole there all the same. */
function syncFolder(folder: string, name: string): void {
  const failure = flushFolder(folder);
  if (failure === undefined || failure.code === "EACCES") return;
  const code = failure.code ?? String(failure);
  throw new PortailError(`${JSON.stringify(name)} is written, but its folder cannot be flushed: ${code}`, {
    code: "output.write",
    exit: EXIT.io,
    hint: "after a loss of power the old state could be back",
  });
}

interface Said {
  /** The hint where there is no more room. */
  readonly full?: string;
  /** Whether nothing is said of a reader that has left. */
  readonly quiet?: boolean;
}

async function writeAll(fd: number, bytes: Uint8Array, name: string, said: Said): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    try {
      at += (await writeBytes(fd, bytes, at, bytes.length - at)).bytesWritten;
    } catch (error) {
      const { code = String(error) } = error as { code?: string };
      if (code === "EAGAIN") await Bun.sleep(1);
      else throw lost(name, code, said);
    }
  }
}

function lost(name: string, code: string, { full, quiet }: Said): PortailError {
  return new PortailError(`cannot write ${JSON.stringify(name)}: ${code}`, {
    code: "output.write",
    exit: EXIT.io,
    ...(code === "ENOSPC" && full !== undefined && { hint: full }),
    quiet: quiet === true && code === "EPIPE",
  });
}

function cannot(name: string, why: string): PortailError {
  return new PortailError(`cannot create ${JSON.stringify(name)}: ${why}`, {
    code: "output.create",
    exit: EXIT.cannotCreate,
  });
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}
