/** Where the bytes of an object are had from, in any order. Opens nothing: see range.ts. */
import { ObjectError } from "./error.ts";

export interface Source {
  /** Of the whole object. */
  readonly size: number;
  /**
   * Exactly these bytes, in memory that stays as it is. `until`: where the reads that begin with this one will end, one right behind the other, for a
   * source that can have the next ones on the way.
   */
  read(offset: number, length: number, until: number): Promise<Uint8Array>;
  /** Bytes that are sooner read through than left out by two reads; 4096 where it does not say. */
  readonly gap?: number;
}

/** The most that is read at once, but for one chunk that is longer. */
export const WINDOW = 1024 * 1024;
export const GAP = 4096;

/** Throws `ObjectError` where the source has less than it said. */
export async function readExactly(source: Source, offset: number, length: number, until = offset + length) {
  const bytes = await source.read(offset, length, until);
  if (bytes.length !== length)
    throw new ObjectError(
      "truncated",
      `the object has ${bytes.length} bytes from ${offset} on, where ${length} should be`,
    );
  return bytes;
}

/** The bytes from `start` to `end` in windows of whole chunks of `chunk` bytes; the last chunk may be shorter. */
export async function* windows(source: Source, start: number, end: number, chunk: number) {
  const most = Math.max(1, Math.floor(WINDOW / chunk)) * chunk;
  for (let at = start; at < end; at += most) {
    yield await readExactly(source, at, Math.min(most, end - at), end);
  }
}
