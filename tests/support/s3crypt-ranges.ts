/** Ranges of objects read whole, and the troubles with it, for tests. */
import { expect } from "bun:test";
import { ObjectError, type ObjectTrouble } from "../../commands/s3crypt/object/error.ts";
import type { Demands } from "../../commands/s3crypt/object/open.ts";
import type { ObjectRanges } from "../../commands/s3crypt/object/range.ts";
import type { Source } from "../../commands/s3crypt/object/source.ts";
import type { Engine } from "../../lib/cipher/engine.ts";
import { writeDs2 } from "./ds2.ts";
import { ENGINES, keyOf, sealAll, sealer } from "./s3crypt.ts";

export const MIB = 1024 * 1024;
export const STRICT: Demands = { plaintext: false, finalFrom: 0n };
export const FAST = ENGINES.at(-1)![1];

/** All of the range, whose pieces must be small. */
export async function read(ranges: ObjectRanges, start: number, end: number, source?: Source): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of ranges.readRange(start, end, source)) {
    expect(piece.length).toBeLessThanOrEqual(MIB);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The trouble with it, or undefined; what is given before must be of `plain`. */
export async function troubleOf(
  ranges: Promise<ObjectRanges> | ObjectRanges,
  plain: Buffer,
  start = 0,
  end?: number,
): Promise<ObjectTrouble | undefined> {
  let at = start;
  try {
    const opened = await ranges;
    for await (const piece of opened.readRange(start, end ?? opened.plainSize)) {
      if (!plain.subarray(at, at + piece.length).equals(piece)) throw new Error("what was given was never written");
      at += piece.length;
    }
    return undefined;
  } catch (error) {
    if (error instanceof ObjectError) return error.trouble;
    throw error;
  }
}

/** By libsodium in chunks of that size, or of version 3, by data key 0. `final`: whether its end is shown. */
export function objectOf(format: "v3" | number, plain: Uint8Array, engine: Engine, final = true): Buffer {
  if (format === "v3") return sealAll(sealer("v3", engine, 0), plain);
  return writeDs2({ version: 2, chunkSize: format, keyId: 0n, key: keyOf(0), plain, final });
}
