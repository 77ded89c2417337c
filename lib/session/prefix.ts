/** The first bytes of a stream, gathered until they make a message. Sets no bound: that is the message's. */
import { after, NOTHING } from "./front.ts";

export class Prefix {
  #held: Uint8Array = NOTHING;
  /** Behind `#held`, with room for more; absent while `#held` is what the peer sent, uncopied. */
  #memory: Uint8Array | undefined;

  get bytes(): Uint8Array {
    return this.#held;
  }

  /** Answers all that is held. What comes byte by byte is copied a few times, not once a byte. */
  append(bytes: Uint8Array): Uint8Array {
    if (this.#held.length === 0) {
      this.#held = bytes;
      this.#memory = undefined;
      return bytes;
    }
    const length = this.#held.length + bytes.length;
    if (this.#memory === undefined || this.#memory.length < length) {
      this.#memory = new Uint8Array(Math.max(256, 2 * length));
      this.#memory.set(this.#held);
    }
    this.#memory.set(bytes, this.#held.length);
    this.#held = this.#memory.subarray(0, length);
    return this.#held;
  }

  /** Takes a message of `length` bytes off, and answers what stands behind it, which is held no more. */
  rest(length: number): Uint8Array {
    const rest = after(this.#held, length);
    this.#held = NOTHING;
    this.#memory = undefined;
    return rest;
  }
}
