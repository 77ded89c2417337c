/** Any range of an object's plaintext is read, whatever the format, at the price of the range; and nothing that is not authentic. */
import { describe, expect, test } from "bun:test";
import { decodeIndex } from "../../../../../commands/s3crypt/object/chain-index.ts";
import { ObjectError, type ObjectTrouble } from "../../../../../commands/s3crypt/object/error.ts";
import type { Demands } from "../../../../../commands/s3crypt/object/open.ts";
import { openRanges, type ObjectRanges } from "../../../../../commands/s3crypt/object/range.ts";
import type { Source } from "../../../../../commands/s3crypt/object/source.ts";
import { createPrng } from "../../../../adversarial/prng.ts";
import { CountingSource } from "../../../../support/counting-source.ts";
import { writeDs2 } from "../../../../support/ds2.ts";
import { LIBSODIUM, libsodiumPath } from "../../../../support/libsodium.ts";
import { leaveOut } from "../../../../support/needs.ts";
import { FAST, MIB, objectOf, read, STRICT, troubleOf } from "../../../../support/s3crypt-ranges.ts";
import { ANY, content, ENGINES, KEYS, keyOf, S, sealAll, sealer } from "../../../../support/s3crypt.ts";

if (libsodiumPath === undefined) leaveOut("ranges of objects beside libsodium", [LIBSODIUM]);
else
  describe.each(ENGINES)("by %s", (_, engine) => {
    test.each([1, 3, 16, 17])("all ranges of small objects, chunks of %i", async (chunkSize) => {
      for (const size of [1, 2, 15, 16, 17, 31, 40]) {
        const plain = content(size, size);
        for (const version of [1, 2] as const) {
          const key = { keyId: 0n, key: keyOf(0) };
          const source = new CountingSource(writeDs2({ version, chunkSize, ...key, plain, final: size % 2 === 0 }));
          const ranges = await openRanges(engine, KEYS, ANY, source);
          expect(ranges.plainSize).toBe(size);
          for (let start = 0; start <= size; start++)
            for (let end = start; end <= size; end++) {
              // Half of them with what the others left, half with nothing.
              const own = (start + end) % 2 === 0 ? ranges : await openRanges(engine, KEYS, ANY, source);
              if (!(await read(own, start, end)).equals(plain.subarray(start, end)))
                throw new Error(`${start} to ${end} of ${size}`);
            }
          expect(ranges.endProven).toBe(size % 2 === 0);
        }
      }
    });

    test.each(["v3", S, 1000, 65_536] as const)("random ranges of larger objects: %p", async (format) => {
      const random = createPrng(77);
      for (const size of [0, 1, S - 1, S, S + 1, 2 * S, 5 * S + 100]) {
        const plain = content(size, size);
        const source = new CountingSource(objectOf(format, plain, engine));
        const ranges = await openRanges(engine, KEYS, format === "v3" ? STRICT : ANY, source);
        expect(ranges.plainSize).toBe(size);
        for (let i = 0; i < 25; i++) {
          const [start, end] = [random.below(size + 1), random.below(size + 1)].toSorted((a, b) => a - b) as [
            number,
            number,
          ];
          expect((await read(ranges, start, end)).equals(plain.subarray(start, end))).toBe(true);
        }
        expect((await read(ranges, 0, size)).equals(plain)).toBe(true);
        expect(ranges.endProven).toBe(size > 0 || format === "v3");
      }
    });

    test("ranges of objects of several windows, with memory bounded", async () => {
      const plain = content(3 * MIB + 5, 20);
      const random = createPrng(20);
      for (const format of ["v3", S, 256] as const) {
        const source = new CountingSource(objectOf(format, plain, engine));
        const ranges = await openRanges(engine, KEYS, STRICT, source);
        for (let i = 0; i < 10; i++) {
          const start = random.below(plain.length);
          const end = start + random.below(plain.length - start);
          expect((await read(ranges, start, end)).equals(plain.subarray(start, end))).toBe(true);
        }
        expect(source.longest).toBeLessThanOrEqual(MIB);
      }
    });
  });

test("what is not encrypted, and what is empty, within what is demanded", async () => {
  const plain = content(3 * MIB, 4);
  const source = new CountingSource(plain);
  const ranges = await openRanges(FAST, KEYS, ANY, source);
  expect(ranges).toMatchObject({ kind: "plaintext", plainSize: plain.length, endProven: false });
  source.reset();
  expect((await read(ranges, 5, 2 * MIB + 5)).equals(plain.subarray(5, 2 * MIB + 5))).toBe(true);
  expect(source.bytes).toBe(2 * MIB);
  expect(await troubleOf(openRanges(FAST, KEYS, STRICT, source), plain)).toBe("plaintext");
  const empty = new CountingSource(Buffer.alloc(0));
  expect(await openRanges(FAST, KEYS, ANY, empty)).toMatchObject({ kind: "empty", plainSize: 0, endProven: false });
  expect(await troubleOf(openRanges(FAST, KEYS, STRICT, empty), plain)).toBe("unproven_end");
});

test("ranges that there are not, and sources of another size", async () => {
  const object = sealAll(sealer("v3", FAST, 0), content(100, 1));
  const ranges = await openRanges(FAST, KEYS, ANY, new CountingSource(object));
  for (const [start, end] of [
    [-1, 5],
    [5, 4],
    [0, 101],
    [101, 101],
    [0.5, 1],
    [0, Number.NaN],
  ] as const)
    await expect(read(ranges, start, end)).rejects.toThrow(RangeError);
  const same = new CountingSource(object);
  expect(await read(ranges, 1, 100, same)).toHaveLength(99);
  expect(same.reads).toBe(1);
  await expect(read(ranges, 0, 1, new CountingSource(object.subarray(0, -1)))).rejects.toThrow(RangeError);
});

test("a source that gives less than it said", async () => {
  const object = sealAll(sealer("ds2", FAST, 0), content(5 * S, 1));
  const short: Source = {
    size: object.length,
    read: (offset, length) => Promise.resolve(object.subarray(offset, offset + length - 1)),
  };
  expect(await troubleOf(openRanges(FAST, KEYS, ANY, short), Buffer.alloc(0))).toBe("truncated");
});

describe("what is read of the source", () => {
  const plain = content(30 * MIB, 30);
  /** What a range may cost: its chunks, with what they take beside their content. */
  const most = (length: number, chunkSize: number) => (Math.ceil(length / chunkSize) + 1) * (chunkSize + 17);

  /** Ranges of several lengths, each as it was, for no more bytes than `cost` says of its length. */
  async function readsHereAndThere(ranges: ObjectRanges, source: CountingSource, cost: (length: number) => number) {
    for (const [start, length] of [
      [0, 1],
      [7 * MIB - 1, 2],
      [12_345_678, 3_000_000],
      [plain.length - 1, 1],
    ] as const) {
      source.reset();
      expect((await read(ranges, start, start + length)).equals(plain.subarray(start, start + length))).toBe(true);
      expect(source.bytes).toBeLessThanOrEqual(cost(length));
    }
  }

  test("v3: the front, the last chunk, and the range", async () => {
    const source = new CountingSource(objectOf("v3", plain, FAST));
    const ranges = await openRanges(FAST, KEYS, STRICT, source);
    expect(source.reads).toBe(2);
    expect(source.bytes).toBeLessThanOrEqual(208 + S + 16);
    await readsHereAndThere(ranges, source, (length) => most(length, S));
  });

  if (libsodiumPath === undefined) return leaveOut("what ranges of objects cost, beside libsodium", [LIBSODIUM]);

  test.each([S, 256])("ds2 in chunks of %i, with a warm index", async (chunkSize) => {
    const object = objectOf(chunkSize, plain, FAST);
    const cold = await openRanges(FAST, KEYS, ANY, new CountingSource(object));
    await read(cold, plain.length - 1, plain.length);
    const kept = cold.index!.encode();
    expect(kept.length).toBeLessThan(600_000);
    const source = new CountingSource(object);
    const ranges = await openRanges(FAST, KEYS, STRICT, source, decodeIndex(kept));
    expect(ranges.endProven).toBe(true);
    // Of the index there may be one slot for several messages: those before the first are read through, in part.
    const slot = ranges.index!.stride * (chunkSize + 17);
    expect(source.bytes).toBeLessThanOrEqual(208 + most(1, chunkSize) + slot);
    await readsHereAndThere(ranges, source, (length) => most(length, chunkSize) + slot);
  });

  test("ds2 without an index: MACs alone where messages are long, everything before where they are short, once", async () => {
    const start = 20 * MIB + 5;
    const long = new CountingSource(objectOf(S, plain, FAST));
    const ranges = await openRanges(FAST, KEYS, ANY, long);
    expect((await read(ranges, start, start + 10)).equals(plain.subarray(start, start + 10))).toBe(true);
    expect(long.bytes).toBeLessThanOrEqual(208 + 8 * Math.floor(start / S) + most(10, S));
    for (const [chunkSize, gap] of [
      [S, 2 * S],
      [256, undefined],
    ] as const) {
      const source = new CountingSource(objectOf(chunkSize, plain, FAST), gap);
      const slow = await openRanges(FAST, KEYS, ANY, source);
      await read(slow, start, start + 10);
      const before = (Math.ceil(start / chunkSize) + slow.index!.stride) * (chunkSize + 17);
      expect(source.bytes).toBeLessThanOrEqual(before + 208 + most(10, chunkSize));
      expect(source.reads).toBeLessThan(40);
      source.reset();
      await read(slow, start - 3 * MIB, start);
      expect(source.bytes).toBeLessThanOrEqual(most(3 * MIB, chunkSize) + slow.index!.stride * (chunkSize + 17));
    }
  });
});

describe("objects that were cut or changed", () => {
  const plain = content(4 * S + 1000, 44);
  const cases = (["v3", "ds2", "ds2, FINAL demanded"] as const).map((name) => {
    const format = name === "v3" ? "v3" : "ds2";
    return [
      name,
      sealAll(sealer(format, FAST, 0), plain),
      format === "v3" ? 208 : 80,
      format === "v3" ? 16 : 17,
    ] as const;
  });

  test.each(cases)("%s: cut off anywhere", async (name, object, start, overhead) => {
    const demands: Demands = { plaintext: false, finalFrom: name === "ds2" ? undefined : 0n };
    for (let at = 0; at < object.length; at++) {
      const near = [0, 1, 2, 3, 4].some((i) => Math.abs(start + i * (S + overhead) - at) < 20);
      if (at >= 300 && !near && at % 97 !== 0) continue;
      const boundary = at >= start && (at - start) % (S + overhead) === 0;
      let expected: ObjectTrouble[] = ["truncated", "forged"];
      if (at === 0) expected = ["unproven_end"];
      else if (at < 32) expected = ["plaintext"];
      else if (boundary) expected = [name === "v3" ? "truncated" : "unproven_end"];
      const trouble = await troubleOf(
        openRanges(FAST, KEYS, demands, new CountingSource(object.subarray(0, at))),
        plain,
      );
      if (name === "ds2" && (at === 0 || boundary)) expect(trouble).toBeUndefined();
      else expect(expected).toContain(trouble!);
    }
  });

  const proven = cases.filter(([name]) => name !== "ds2");
  test.each(proven)("%s: a cut shows before anything is given", async (_, object) => {
    for (const at of [object.length - 1, object.length - 1016, object.length - 2000])
      await expect(openRanges(FAST, KEYS, STRICT, new CountingSource(object.subarray(0, at)))).rejects.toThrow(
        ObjectError,
      );
  });

  test.each(cases)("%s: bits turned over", async (name, object, start) => {
    const demands: Demands = { plaintext: false, finalFrom: name === "ds2" ? undefined : 0n };
    for (let byte = 0; byte < object.length; byte += byte < start ? 1 : 211) {
      const bytes = Buffer.from(object);
      bytes[byte]! ^= 1 << (byte % 8);
      expect(await troubleOf(openRanges(FAST, KEYS, demands, new CountingSource(bytes)), plain)).toBeDefined();
    }
  });

  test.each(cases)("%s: a range beside what was changed is read", async (_, object, start, overhead) => {
    const bytes = Buffer.from(object);
    bytes[start + S + overhead + 100]! ^= 1;
    const ranges = await openRanges(FAST, KEYS, STRICT, new CountingSource(bytes));
    expect((await read(ranges, 3 * S, 4 * S)).equals(plain.subarray(3 * S, 4 * S))).toBe(true);
    expect(await troubleOf(ranges, plain, 2 * S - 1, 2 * S)).toBe("forged");
  });

  test("keys and what follows an end, as when it is read from the beginning", async () => {
    const without = new Map([...KEYS].filter(([id]) => id !== 0n));
    for (const [, object] of cases) {
      expect(await troubleOf(openRanges(FAST, without, ANY, new CountingSource(object)), plain)).toBe("unknown_key");
      const longer = Buffer.concat([object, Buffer.alloc(3 * S)]);
      expect(await troubleOf(openRanges(FAST, KEYS, ANY, new CountingSource(longer)), plain)).toBe("forged");
    }
  });
});
