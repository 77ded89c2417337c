/** The bytes of a flood: known at every offset, so that a lost or repeated chunk shows. No socket here. */

/** The first byte of a connection asks the target for more than echoes, which start with a smaller one, see {@link echoByte}. */
export const FLOOD = 0x46;
/** The rest of the connection is a flood for the target to swallow. */
export const SINK = 0x53;
/** A line of JSON is wanted, a {@link Tally}, at once and for every byte that follows. */
export const TALLY = 0x54;

/** The first byte of a TLS record that is a ClientHello (RFC 8446 section 5.1), and the least that one takes. */
export const HANDSHAKE = 0x16;
export const HELLO_LEAST = 64;
/** What the target says to a ClientHello. */
export const HELLO_ANSWER = 0x48;

/** What the target has swallowed since its start. */
export interface Tally {
  bytes: number;
  connections: number;
  /** Of them those that carried other bytes than the pattern. */
  spoilt: number;
}

/** The byte for the n-th echo: it varies, so that a stale answer shows, and never asks for anything. */
export function echoByte(n: number): number {
  return n & 0x3f;
}

/** Prime, so that no buffer size is a multiple of it. */
const PERIOD = 251;
const CHUNK = 1 << 20;
const PATTERN = Uint8Array.from({ length: CHUNK + PERIOD }, (_, i) => i % PERIOD);

/** 1 MiB of the flood from `offset` on. */
export function patternFrom(offset: number): Uint8Array {
  const start = offset % PERIOD;
  return PATTERN.subarray(start, start + CHUNK);
}

/** Whether `bytes` is what stands at `offset`, by its first and last byte: a full comparison would cost what is measured. */
export function fits(offset: number, bytes: Uint8Array): boolean {
  return bytes[0] === offset % PERIOD && bytes.at(-1) === (offset + bytes.length - 1) % PERIOD;
}
