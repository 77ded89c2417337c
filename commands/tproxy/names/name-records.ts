/** What keeps names and the numbers of their addresses over a restart: a file to which each new pair is added before anybody is told of it. */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Logger } from "../../../lib/command/log.ts";
import { flushFolder, takeAfter } from "../../../lib/command/replace-steps.ts";
import { tryLock } from "../../../lib/ffi/file-lock.ts";
import type { AddressRange } from "./address-range.ts";
import { headOf, parseNameFile } from "./name-file.ts";

type Pairs = Iterable<readonly [number: number, name: string]>;

export interface NameRecords {
  /** What was kept before, the longest unused first; one pair for each number and each name. */
  readonly read: Pairs;
  /** Keeps a pair. With `instead` the number had another name before. False where it could not be kept: then it must not be used. */
  assign(number: number, name: string, instead: boolean): boolean;
  /** After `assign`: writes the file anew where much of it is out of date. */
  tidy(pairs: () => Pairs): void;
  close(pairs: () => Pairs): void;
}

/** For who does not want them kept. */
export const FORGETFUL: NameRecords = { read: [], assign: () => true, tidy() {}, close() {} };

/**
 * Opens the file `path`, or makes it; nobody else opens it meanwhile. Throws `PortailError`: 75 when somebody else has it, 65
 * for what is no such file or one of other ranges, 73 when it cannot be written.
 */
export function openNameRecords(path: string, ranges: readonly AddressRange[], log: Logger): NameRecords {
  return new NameFile(path, ranges, log);
}

/** Lines beyond twice the pairs before the file is written anew. */
const SLACK = 500;

class NameFile implements NameRecords {
  readonly read: ReadonlyMap<number, string>;
  readonly #path: string;
  readonly #head: string;
  readonly #log: Logger;
  #fd: number;
  #length: number;
  /** Lines of pairs, and those of them that count. */
  #lines = 0;
  #pairs = 0;
  #flushing: "no" | "once" | "again" = "no";
  #troubled = false;

  constructor(path: string, ranges: readonly AddressRange[], log: Logger) {
    this.#log = log;
    this.#head = headOf(ranges);
    [this.#path, this.#fd] = open(path, log);
    try {
      this.read = parseNameFile(readFileSync(this.#fd), this.#head, path);
      this.#length = 0;
      this.#replace(this.read);
    } catch (error) {
      closeSync(this.#fd);
      throw error instanceof PortailError ? error : cannotWrite(path, error);
    }
  }

  assign(number: number, name: string, instead: boolean): boolean {
    const line = Buffer.from(`${number} ${name}\n`);
    try {
      if (writeSync(this.#fd, line) !== line.length) throw new Error("ENOSPC");
      // After a loss of power the old name must not come back.
      if (instead) fdatasyncSync(this.#fd);
    } catch (error) {
      this.#complain(error);
      this.#cut();
      return false;
    }
    this.#troubled = false;
    this.#length += line.length;
    this.#lines++;
    if (!instead) this.#pairs++;
    this.#flushSoon();
    return true;
  }

  /** Half a line would be taken for a broken file. */
  #cut(): void {
    try {
      ftruncateSync(this.#fd, this.#length);
    } catch {
      // The next line that can be written will be behind it, and the reader sees that.
    }
  }

  #complain(error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    const reason = (error as { code?: string }).code ?? String(error);
    this.#log.error(`cannot keep names in ${JSON.stringify(this.#path)}: new ones get no address`, { reason });
  }

  /** What the system has is safe from our own end, but not from that of the machine. */
  #flushSoon(): void {
    if (this.#flushing !== "no") {
      this.#flushing = "again";
      return;
    }
    this.#flushing = "once";
    const fd = this.#fd;
    fdatasync(fd, () => {
      const again = this.#flushing === "again";
      this.#flushing = "no";
      if (again && this.#fd === fd) this.#flushSoon();
    });
  }

  tidy(pairs: () => Pairs): void {
    if (this.#lines > 2 * this.#pairs + SLACK) this.#attempt(pairs);
  }

  /** The old file is as good as the new one. */
  #attempt(pairs: () => Pairs): void {
    try {
      this.#replace(pairs());
    } catch (error) {
      this.#log.warn(`cannot write ${JSON.stringify(this.#path)} anew`, { reason: String(error) });
    }
  }

  /** Puts a new file in the place of the old one, which is locked before anybody can see it. */
  #replace(pairs: Pairs): void {
    let [text, count] = [this.#head, 0];
    for (const [number, name] of pairs) {
      text += `${number} ${name}\n`;
      count++;
    }
    const folder = dirname(this.#path);
    const scratch = join(folder, `.portail-${process.pid}-${crypto.randomUUID()}`);
    const fd = openSync(scratch, "ax", 0o600);
    try {
      takeAfter(fd, fstatSync(this.#fd), 0o777);
      tryLock(fd);
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
      fsyncSync(fd);
      renameSync(scratch, this.#path);
      this.#length = bytes.length;
    } catch (error) {
      closeSync(fd);
      rmSync(scratch, { force: true });
      throw error;
    }
    flushFolder(folder);
    closeSync(this.#fd);
    [this.#fd, this.#lines, this.#pairs] = [fd, count, count];
  }

  close(pairs: () => Pairs): void {
    this.#attempt(pairs);
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** The path without symbolic links, and the file, locked. */
function open(path: string, log: Logger): [path: string, fd: number] {
  // Who had the lock before may have put another file in the place of this one.
  for (let attempt = 0; attempt < 10; attempt++) {
    let fd: number;
    let real: string;
    try {
      fd = openSync(path, "a+", 0o600);
      real = realpathSync(path);
    } catch (error) {
      throw cannotWrite(path, error);
    }
    if (!fstatSync(fd).isFile()) {
      closeSync(fd);
      throw cannotWrite(path, { code: "it is no file" });
    }
    const lock = tryLock(fd);
    if (lock === "unsupported") log.warn(`${JSON.stringify(path)} cannot be locked: let one process have it at a time`);
    if (lock !== "busy" && isStill(fd, real)) return [real, fd];
    closeSync(fd);
    if (lock === "busy") break;
  }
  throw new PortailError(`another process keeps its names in ${JSON.stringify(path)}`, {
    code: "tproxy.state_busy",
    exit: EXIT.retry,
    hint: "give each a --state of its own, or end the other first",
  });
}

function isStill(fd: number, path: string): boolean {
  const [own, there] = [fstatSync(fd), statSync(path, { throwIfNoEntry: false })];
  return own.ino === there?.ino && own.dev === there.dev;
}

function cannotWrite(path: string, error: unknown): PortailError {
  const reason = (error as { code?: string }).code ?? String(error);
  return new PortailError(`cannot keep names in ${JSON.stringify(path)}: ${reason}`, {
    code: "tproxy.state_unwritable",
    exit: EXIT.cannotCreate,
    hint: "the folder must exist and be writable: a new file is put in the place of the old one",
    cause: error,
  });
}
