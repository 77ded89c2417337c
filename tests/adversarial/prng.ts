/** Random bytes that a printed seed repeats: xorshift32. Not for secrets. */

export interface Prng {
  readonly seed: number;
  /** 0 to `below` - 1. */
  below(below: number): number;
  bytes(length: number): Buffer;
}

/** The seed is `PORTAIL_SEED` where that is set; name it in the message of what fails. */
export function createPrng(seed = Number(process.env["PORTAIL_SEED"] ?? (Date.now() & 0x7fffffff) + 1)): Prng {
  let state = seed | 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  const below = (limit: number) => next() % limit;
  return { seed, below, bytes: (length) => Buffer.from(Array.from({ length }, () => below(256))) };
}
