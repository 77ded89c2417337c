/** Where the bytes of an object come from: a file, or standard input. Reads ahead, so that the next bytes come while these are worked on. */
import { closeSync, fstatSync, openSync, read } from "node:fs";
import { promisify } from "node:util";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { libc } from "../../../lib/ffi/libc.ts";

const readBytes = promisify(read);

/** Bytes of one read. */
export const PIECE = 1024 * 1024;
/** One that is being filled, one that is being worked on, and one that may still be on its way out. */
const BUFFERS = 3;

export class Source {
  /** Bytes in all; undefined where that is not known ahead. */
  readonly size: number | undefined;
  /** For messages. */
  readonly name: string;
  readonly #fd: number;
  #taken = 0;

  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.name = name;
    const stat = fstatSync(fd);
    this.size = stat.isFile() ? stat.size : undefined;
    if (stat.isDirectory()) throw cannotRead(name, "EISDIR");
    if (stat.isFIFO()) libc()?.widenPipe(fd, PIECE);
  }

  /** Bytes that were handed out. */
  get taken(): number {
    return this.#taken;
  }

  /** Whether `fd` leads to the same file, to which more would be added as it is read. */
  isFileOf(fd: number): boolean {
    const [own, other] = [fstatSync(this.#fd), fstatSync(fd)];
    return own.isFile() && own.dev === other.dev && own.ino === other.ino;
  }

  /** What there is up to the end; each piece is good until two more were asked for. Throws `PortailError` (74). */
  async *pieces(): AsyncGenerator<Uint8Array> {
    const buffers = Array.from({ length: BUFFERS }, () => new Uint8Array(PIECE));
    let pending = this.#read(buffers[0]!);
    for (let turn = 0; ; turn++) {
      const length = await pending;
      if (length === 0) return;
      pending = this.#read(buffers[(turn + 1) % BUFFERS]!);
      // Whoever stops asking never sees what became of it.
      pending.catch(() => {});
      this.#taken += length;
      yield buffers[turn % BUFFERS]!.subarray(0, length);
    }
  }

  /** `length` bytes from `offset` on, or what there is of them. For files. */
  async at(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const count = await this.#read(bytes.subarray(filled), offset + filled);
      if (count === 0) break;
      filled += count;
    }
    this.#taken += filled;
    return bytes.subarray(0, filled);
  }

  close(): void {
    closeSync(this.#fd);
  }

  async #read(into: Uint8Array, position: number | null = null): Promise<number> {
    for (;;) {
      try {
        return (await readBytes(this.#fd, into, 0, into.length, position)).bytesRead;
      } catch (error) {
        const { code = String(error) } = error as { code?: string };
        // Whoever gave us the descriptor does not want to wait at it: we do.
        if (code !== "EAGAIN") throw cannotRead(this.name, code);
        await Bun.sleep(1);
      }
    }
  }
}

/** Opens the file. Throws `PortailError` (66). */
export function openSource(path: string): Source {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw cannotRead(path, (error as { code?: string }).code ?? String(error));
  }
  try {
    return new Source(fd, path);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function cannotRead(name: string, code: string): PortailError {
  const opened = code === "EIO";
  return new PortailError(`cannot read ${JSON.stringify(name)}: ${code}`, {
    code: "input.unreadable",
    exit: opened ? EXIT.io : EXIT.noInput,
  });
}
