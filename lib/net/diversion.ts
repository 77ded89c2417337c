/** So many bytes of a connection past the stream over it: the content of a long message, when a library has read its head. */
import type { Conn, Early } from "./conn.ts";

/** Bytes read at a time: half the usual second-level cache of a core. */
const PIECE = 256 * 1024;
/** Bytes before the event loop gets its turn again: a few milliseconds of hashing and encryption. */
const MOST = 1024 * 1024;
/** Bytes behind the content that are taken ahead. */
const MOST_BEHIND = 64 * 1024;

export class Diversion {
  readonly #conn: Conn;
  readonly #whole: () => void;
  #left: number;
  /** What came of it and was not asked for yet: a chunk or two, since whoever brings them is paused. */
  readonly #chunks: Uint8Array[] = [];
  #memory: Uint8Array | undefined;
  /** Bytes read since the event loop had its turn. */
  #run = 0;
  #behind: Uint8Array[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** The next `length` bytes, one at least. `whole` runs when the last of them has come. Made by `ConnDuplex.divert`. */
  constructor(conn: Conn, length: number, whole: () => void) {
    this.#conn = conn;
    this.#left = length;
    this.#whole = whole;
  }

  /** The next piece, good until the next call; undefined once all was given. Throws where the connection ends before. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#run >= MOST) await this.#rest();
      const piece = this.#chunks.shift() ?? this.#read();
      if (piece !== undefined || this.isWhole) return piece;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#conn.resume();
      });
      this.#run = 0;
    }
  }

  /** Others have their turn. */
  async #rest(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
    this.#run = 0;
  }

  get isWhole(): boolean {
    return this.#left === 0;
  }

  /** Once it `isWhole`: what came behind it. */
  get behind(): Early {
    const [first] = this.#behind;
    const bytes = this.#behind.length === 1 ? first! : Buffer.concat(this.#behind);
    return { bytes, ended: this.#ended };
  }

  /** Where the connection can: the runtime makes a copy of every chunk that it hands out by itself. */
  #read(): Uint8Array | undefined {
    if (this.isWhole || this.#conn.readInto === undefined) return undefined;
    this.#memory ??= new Uint8Array(PIECE);
    const length = this.#conn.readInto(this.#memory.subarray(0, Math.min(PIECE, this.#left)));
    if (length === 0) return undefined;
    const piece = this.#memory.subarray(0, length);
    this.#run += length;
    this.#count(length);
    return piece;
  }

  #count(length: number): void {
    this.#left -= length;
    if (!this.isWhole) return;
    // An end or a reset that follows is to be noticed.
    this.#conn.resume();
    this.#whole();
  }

  data(chunk: Uint8Array): void {
    if (this.isWhole) {
      this.#keep(chunk);
      return;
    }
    const piece = chunk.subarray(0, this.#left);
    this.#chunks.push(piece);
    if (piece.length < chunk.length) this.#keep(chunk.subarray(piece.length));
    if (piece.length < this.#left) this.#conn.pause();
    this.#count(piece.length);
    this.#wake?.();
  }

  #keep(chunk: Uint8Array): void {
    this.#behind.push(chunk);
    if (this.#behind.reduce((sum, { length }) => sum + length, 0) > MOST_BEHIND) this.#conn.pause();
  }

  /** Whether the end is for whoever comes behind the content. */
  end(): boolean {
    if (this.isWhole) this.#ended = true;
    else this.close(undefined);
    return this.isWhole;
  }

  close(error: Error | undefined): void {
    this.#failure ??= error ?? new Error("the connection ended within the content");
    this.#wake?.();
  }
}
