/** Ranges of objects in parts, read by the headers of the parts: the bytes that were asked for, and few others. */
import { describe, expect, test } from "bun:test";
import { ObjectError, type ObjectTrouble } from "../../../../../commands/s3crypt/object/error.ts";
import { decodeHeader } from "../../../../../commands/s3crypt/object/header.ts";
import type { Demands } from "../../../../../commands/s3crypt/object/open.ts";
import { isPart } from "../../../../../commands/s3crypt/object/parts.ts";
import { openPartsRanges } from "../../../../../commands/s3crypt/object/range-parts.ts";
import { content, ENGINES, keyOf, S } from "../../../../support/s3crypt.ts";
import { joined, KEY_ID, makePart, type MadePart } from "../../../../support/s3crypt-parts.ts";

const PLAINS = [2 * S, S + 1, 0, 7, 3 * S - 1].map((size, i) => content(size, 40 + i));
const WHOLE = Buffer.concat(PLAINS);
const KEYS = { get: (id: bigint) => (id === BigInt(KEY_ID) ? keyOf(KEY_ID) : undefined) };
const ANY: Demands = { plaintext: false, finalFrom: undefined };

describe.each(ENGINES)("by %s", (_, engine) => {
  const parts = PLAINS.map((plain, i) => makePart(engine, 3 * i + 1, plain, i + 1));
  let taken = 0;

  function open(bytes: Buffer, demands = ANY, keys: { get(id: bigint): Uint8Array | undefined } = KEYS) {
    const header = decodeHeader(bytes.subarray(0, 160), true);
    if (!isPart(header)) throw new Error("no part");
    const read = async (offset: number, length: number) => {
      taken += length;
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    };
    return openPartsRanges(engine, keys, demands, { size: bytes.length, read }, header);
  }

  async function troubleOf(
    opened: ReturnType<typeof open>,
    start = 0,
    end?: number,
  ): Promise<ObjectTrouble | undefined> {
    try {
      const ranges = await opened;
      for await (const piece of ranges.readRange(start, end ?? ranges.plainSize))
        expect(piece.length).toBeGreaterThan(0);
    } catch (error) {
      if (error instanceof ObjectError) return error.trouble;
      throw error;
    }
    return undefined;
  }

  test("every range between places that matter", async () => {
    const ranges = await open(joined(parts));
    expect([ranges.plainSize, ranges.endProven]).toEqual([WHOLE.length, false]);
    const ends = [0, S, 2 * S, 3 * S, 3 * S + 1, 3 * S + 8, 4 * S + 8, 5 * S + 8, WHOLE.length];
    const places = [...new Set(ends.flatMap((at) => [at - 1, at, at + 1]))].filter(
      (at) => at >= 0 && at <= WHOLE.length,
    );
    for (const start of places)
      for (const end of places.filter((at) => at >= start)) {
        const pieces = await Array.fromAsync(ranges.readRange(start, end));
        expect(Buffer.concat(pieces).equals(WHOLE.subarray(start, end))).toBe(true);
      }
    await expect(ranges.readRange(0, WHOLE.length + 1).next()).rejects.toThrow(RangeError);
  });

  test("a range costs the chunks that it lies in, and the heads of the parts", async () => {
    taken = 0;
    const ranges = await open(joined(parts));
    expect(taken).toBe(parts.length * 216);
    taken = 0;
    await Array.fromAsync(ranges.readRange(WHOLE.length - 1, WHOLE.length));
    expect(taken).toBeLessThanOrEqual(216 + S + 16);
  });

  const order = (...indexes: number[]) => indexes.map((i) => parts[i]!);
  test.each<[string, MadePart[], ObjectTrouble]>([
    ["swapped", order(1, 0, 2, 3, 4), "forged"],
    ["twice", order(0, 1, 1), "forged"],
    ["of another object", [parts[0]!, makePart(engine, 4, PLAINS[1]!, 2, content(16, 78))], "forged"],
  ])("parts that are %s are refused before a byte of any range", async (_name, harmed, trouble) => {
    expect(await troubleOf(open(joined(harmed)), 0, 1)).toBe(trouble);
  });

  test("cut off anywhere but between two parts, or with a byte more, it is refused", async () => {
    const bytes = joined(parts.slice(0, 2));
    for (let length = 160; length < bytes.length; length += 97)
      if (length !== parts[0]!.bytes.length) expect(await troubleOf(open(bytes.subarray(0, length)))).toBe("truncated");
    expect(await troubleOf(open(Buffer.concat([bytes, Buffer.alloc(1)])))).toBe("truncated");
    expect(await troubleOf(open(bytes.subarray(0, parts[0]!.bytes.length)))).toBeUndefined();
  });

  test("a changed chunk is refused where the range has it, and only there", async () => {
    const bytes = joined(parts);
    bytes[216 + S + 20]! ^= 1;
    expect(await troubleOf(open(bytes), 0, S)).toBeUndefined();
    expect(await troubleOf(open(bytes), S, S + 1)).toBe("forged");
    expect(await troubleOf(open(bytes), 2 * S, WHOLE.length)).toBeUndefined();
  });

  test("a changed head of any part is refused, whatever the range", async () => {
    for (const at of [70, 84, 100, 170, 200]) {
      const bytes = joined(parts);
      bytes[parts[0]!.bytes.length + at]! ^= 1;
      expect(await troubleOf(open(bytes), 0, 1)).toBe("forged");
    }
  });

  test("without its key, or where an end must be shown, it does not open", async () => {
    expect(await troubleOf(open(joined(parts), ANY, { get: () => undefined }))).toBe("unknown_key");
    expect(await troubleOf(open(joined(parts), { plaintext: false, finalFrom: BigInt(KEY_ID) }))).toBe("unproven_end");
    expect(await troubleOf(open(joined(parts), { plaintext: false, finalFrom: 4n }))).toBeUndefined();
  });
});
