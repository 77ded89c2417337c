/** DNS messages on a stream: two bytes of length before each (RFC 1035 section 4.2.2, RFC 7766). Bytes in, messages out. */

const NOTHING = new Uint8Array(0);

/** Cuts a stream into messages. */
export class DnsFrames {
  readonly #least: number;
  readonly #most: number;
  #held: Uint8Array = NOTHING;

  /** A message of less than `least` or more than `most` bytes ends the stream. */
  constructor(least: number, most: number) {
    this.#least = least;
    this.#most = most;
  }

  /** Bytes that wait for the rest of their message. */
  get held(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): void {
    if (this.#held.length === 0) this.#held = chunk;
    else {
      const both = new Uint8Array(this.#held.length + chunk.length);
      both.set(this.#held);
      both.set(chunk, this.#held.length);
      this.#held = both;
    }
  }

  /** The next message, `more` where it is not whole yet, `bad` for good after a length that is not taken. */
  next(): Uint8Array | "more" | "bad" {
    const held = this.#held;
    if (held.length < 2) return "more";
    const length = held[0]! * 256 + held[1]!;
    if (length < this.#least || length > this.#most) return "bad";
    if (held.length < 2 + length) return "more";
    this.#held = held.length === 2 + length ? NOTHING : held.subarray(2 + length);
    return held.subarray(2, 2 + length);
  }
}

/** A copy of `message`, of at most 65,535 bytes, with its length before it. */
export function frameDns(message: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 + message.length);
  out[0] = message.length >> 8;
  out[1] = message.length;
  out.set(message, 2);
  return out;
}
