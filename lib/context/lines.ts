/** Lines of a stream of bytes, each of a bounded length. Decodes nothing. */

const NEWLINE = 0x0a;

export class Lines {
  readonly #most: number;
  #held: Uint8Array[] = [];
  #size = 0;

  /** `most` bytes without the newline. */
  constructor(most: number) {
    this.#most = most;
  }

  /** The lines that `chunk` completes, without their ends; undefined once one is longer than it may be, its end seen or not. */
  take(chunk: Uint8Array): Uint8Array[] | undefined {
    const lines: Uint8Array[] = [];
    let from = 0;
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      if (this.#size + to - from > this.#most) return undefined;
      lines.push(
        this.#held.length === 0 ? chunk.subarray(from, to) : Buffer.concat([...this.#held, chunk.subarray(from, to)]),
      );
      this.#held = [];
      this.#size = 0;
      from = to + 1;
    }
    if (from < chunk.length) {
      this.#held.push(chunk.subarray(from));
      this.#size += chunk.length - from;
    }
    return this.#size > this.#most ? undefined : lines;
  }
}
