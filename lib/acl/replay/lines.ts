/** Bytes in chunks to lines of text, whatever the chunks' bounds. Not what is in the lines. */

/** Bytes; what is longer is no audit line, and is not kept. */
export const LONGEST_LINE = 1024 * 1024;

const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #take: (line: string) => void;
  readonly #decoder = new TextDecoder();
  /** The beginning of a line whose end has not come. */
  #held: Uint8Array[] = [];
  #heldLength = 0;
  /** Within a line that is too long. */
  #skipping = false;
  /** Lines that were too long. */
  tooLong = 0;

  /** `take` gets each line without its line feed. */
  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(chunk: Uint8Array): void {
    let rest = chunk;
    if (this.#skipping) {
      const end = rest.indexOf(NEWLINE);
      if (end === -1) return;
      this.#skipping = false;
      rest = rest.subarray(end + 1);
    }
    const last = rest.lastIndexOf(NEWLINE);
    if (last !== -1) {
      this.#lines(this.#joined(rest.subarray(0, last)));
      rest = rest.subarray(last + 1);
    }
    this.#hold(rest);
  }

  /** A last line without a line feed is a line. */
  end(): void {
    if (this.#heldLength > 0) this.#lines(this.#joined(new Uint8Array()));
  }

  /** Chunks are decoded whole: a line at a time takes twice as long. */
  #lines(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes);
    for (let at = 0; at <= text.length;) {
      const stop = text.indexOf("\n", at);
      const end = stop === -1 ? text.length : stop;
      if (end - at > LONGEST_LINE) this.tooLong++;
      else this.#take(text.slice(at, end));
      at = end + 1;
    }
  }

  #joined(bytes: Uint8Array): Uint8Array {
    if (this.#heldLength === 0) return bytes;
    const joined = new Uint8Array(this.#heldLength + bytes.length);
    let at = 0;
    for (const part of [...this.#held, bytes]) {
      joined.set(part, at);
      at += part.length;
    }
    this.#held = [];
    this.#heldLength = 0;
    return joined;
  }

  /** A copy, since the reader may use its buffer again. */
  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#held.push(bytes.slice());
    this.#heldLength += bytes.length;
    if (this.#heldLength <= LONGEST_LINE) return;
    this.tooLong++;
    this.#skipping = true;
    this.#held = [];
    this.#heldLength = 0;
  }
}
