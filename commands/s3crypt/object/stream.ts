/** How objects are made and read piece by piece. Interfaces only; formats are ds2.ts and v3.ts. */

/** Makes one object. What it gives is good until it was called twice more: one piece may be on its way out meanwhile. */
export interface Sealer {
  /** Takes plaintext of any length and gives as much of the object as can be told by now. */
  push(plain: Uint8Array): Uint8Array;
  /** The rest of the object; once. */
  finish(): Uint8Array;
}

/** Reads one object. What it gives is authentic, and good for as long. */
export interface Opener {
  /** Throws `ObjectError`; nothing is to be given to it then. */
  push(sealed: Uint8Array): Uint8Array;
  /** Where `push` threw: what was authentic of that piece, before what was not. */
  readonly salvaged: Uint8Array;
  /** Throws where the object is not whole. */
  finish(): Uint8Array;
  /** After `finish`: whether it is shown that the object ends where its writer ended it. */
  readonly endProven: boolean;
}

/** Cuts what comes in into pieces of one size, with as little copying as may be. */
export class Pieces {
  readonly #size: number;
  readonly #keeps: boolean;
  readonly #held: Uint8Array;
  #length = 0;

  /** `keeps`: a piece is only given away when something follows it, so that the last one is left. */
  constructor(size: number, keeps = false) {
    this.#size = size;
    this.#keeps = keeps;
    this.#held = new Uint8Array(size);
  }

  /** What was not given away. */
  get rest(): Uint8Array {
    return this.#held.subarray(0, this.#length);
  }

  /** The most pieces that `more` bytes can make whole. */
  most(more: number): number {
    return Math.floor((this.#length + more) / this.#size);
  }

  /** Gives each whole piece to `take`, in order; the piece is good for that call. What is left is kept. */
  push(bytes: Uint8Array, take: (piece: Uint8Array) => void): void {
    if (bytes.length === 0) return;
    let at = 0;
    if (this.#length > 0) {
      at = Math.min(bytes.length, this.#size - this.#length);
      this.#held.set(bytes.subarray(0, at), this.#length);
      this.#length += at;
      if (this.#length < this.#size || (this.#keeps && at === bytes.length)) return;
      this.#length = 0;
      take(this.#held);
    }
    const last = this.#keeps ? bytes.length - 1 : bytes.length;
    for (; at + this.#size <= last; at += this.#size) take(bytes.subarray(at, at + this.#size));
    this.#held.set(bytes.subarray(at));
    this.#length = bytes.length - at;
  }
}

export const NOTHING = new Uint8Array(0);

/** Memory for results: two in turn. */
export class Output {
  #last = new Uint8Array(0);
  #next = new Uint8Array(0);

  /** At least `length` bytes. */
  room(length: number): Uint8Array {
    const bytes = this.#next.length < length ? new Uint8Array(length) : this.#next;
    this.#next = this.#last;
    return (this.#last = bytes);
  }
}
