/** The index of a chain of messages: shared by many readers, kept outside, and never trusted. */
import { describe, expect, test } from "bun:test";
import { decodeIndex } from "../../../../../commands/s3crypt/object/chain-index.ts";
import { openRanges } from "../../../../../commands/s3crypt/object/range.ts";
import { createPrng } from "../../../../adversarial/prng.ts";
import { CountingSource } from "../../../../support/counting-source.ts";
import { writeDs2 } from "../../../../support/ds2.ts";
import { LIBSODIUM, libsodiumPath } from "../../../../support/libsodium.ts";
import { leaveOut } from "../../../../support/needs.ts";
import { FAST, MIB, objectOf, read, STRICT, troubleOf } from "../../../../support/s3crypt-ranges.ts";
import { ANY, content, KEYS, keyOf, openAll, S } from "../../../../support/s3crypt.ts";

if (libsodiumPath === undefined) leaveOut("indexes of objects beside libsodium", [LIBSODIUM]);
else {
  describe("an index that many share", () => {
    const plain = content(30 * MIB, 30);

    test("ds2 by many readers at a time: hardly more than the object", async () => {
      const source = new CountingSource(objectOf(S, plain, FAST), Infinity);
      const ranges = await openRanges(FAST, KEYS, ANY, source);
      const step = plain.length / 128;
      const todo = Array.from({ length: 128 }, (_, i) => i * step);
      const reader = async () => {
        for (let start = todo.shift(); start !== undefined; start = todo.shift())
          expect((await read(ranges, start, start + step)).equals(plain.subarray(start, start + step))).toBe(true);
      };
      await Promise.all(Array.from({ length: 16 }, reader));
      expect(source.bytes).toBeLessThan(1.2 * source.size);
    });

    test("what is in front of all readers is looked through once", async () => {
      const source = new CountingSource(objectOf(S, plain, FAST), Infinity);
      const ranges = await openRanges(FAST, KEYS, ANY, source);
      ranges.index!.patience = 1;
      const all = [20, 20, 18, 22].map((at) => read(ranges, at * MIB, (at + 1) * MIB));
      for (const [i, got] of (await Promise.all(all)).entries()) {
        const at = [20, 20, 18, 22][i]! * MIB;
        expect(got.equals(plain.subarray(at, at + MIB))).toBe(true);
      }
      expect(source.bytes).toBeLessThan(27 * MIB);
    });

    test("a reader whose client takes nothing holds up no one", async () => {
      const source = new CountingSource(objectOf(S, plain, FAST), Infinity);
      const ranges = await openRanges(FAST, KEYS, ANY, source);
      ranges.index!.patience = 20;
      const stalled = ranges.readRange(0, 10 * MIB);
      await stalled.next();
      const others = [9, 12, 15].map((at) => read(ranges, at * MIB, (at + 1) * MIB));
      for (const [i, got] of (await Promise.all(others)).entries()) {
        const at = [9, 12, 15][i]! * MIB;
        expect(got.equals(plain.subarray(at, at + MIB))).toBe(true);
      }
      await stalled.return(undefined);
      expect(ranges.index!.coming(200)).toBeUndefined();
    });
  });

  describe("an index that is wrong", () => {
    const plain = content(60 * 256 + 7, 60);
    const object = objectOf(256, plain, FAST);
    const good = async () => {
      const ranges = await openRanges(FAST, KEYS, ANY, new CountingSource(object));
      await read(ranges, 0, plain.length);
      return Buffer.from(ranges.index!.encode());
    };

    test("comes back as it was kept", async () => {
      const kept = await good();
      const index = decodeIndex(kept)!;
      expect(index.firstUnknown(60)).toBe(60);
      expect(Buffer.from(index.encode()).equals(kept)).toBe(true);
      for (let length = 0; length < kept.length; length++)
        expect(decodeIndex(kept.subarray(0, length))).toBeUndefined();
      expect(decodeIndex(Buffer.concat([kept, Buffer.alloc(1)]))).toBeUndefined();
      const random = createPrng(8);
      for (let i = 0; i < 500; i++) decodeIndex(random.bytes(random.below(300)));
    });

    test("is made anew, once, and what is read is right", async () => {
      const kept = await good();
      // Any bit of its links, and of what it says it knows.
      for (let byte = 2 + 80 + 8; byte < kept.length; byte += 3) {
        const bad = Buffer.from(kept);
        bad[byte]! ^= 1 << (byte % 8);
        const index = decodeIndex(bad);
        const source = new CountingSource(object);
        const ranges = await openRanges(FAST, KEYS, STRICT, source, index);
        for (const start of [58 * 256, 5 * 256, 40 * 256 + 9])
          expect((await read(ranges, start, start + 300)).equals(plain.subarray(start, start + 300))).toBe(true);
        expect(source.bytes).toBeLessThan(3 * object.length);
      }
    });

    test("is of another object: not used at all", async () => {
      const other = objectOf(256, content(60 * 256 + 7, 61), FAST);
      const ranges = await openRanges(FAST, KEYS, ANY, new CountingSource(other), decodeIndex(await good()));
      expect(ranges.index!.firstUnknown(60)).toBe(0);
      expect(await read(ranges, 5000, 6000)).toHaveLength(1000);
    });

    test("does not hide what is wrong with the object", async () => {
      for (const message of [0, 1, 30, 59]) {
        const forged = Buffer.from(object);
        forged[80 + message * 273 + 40]! ^= 1;
        for (const first of [0, message]) {
          const source = new CountingSource(forged);
          const ranges = openRanges(FAST, KEYS, ANY, source, decodeIndex(await good()));
          expect(await troubleOf(ranges, plain, first * 256, plain.length)).toBe("forged");
          expect(source.bytes).toBeLessThan(3 * object.length);
        }
        // A MAC that was changed is seen where it stands, and makes what is behind it unreadable.
        const cut = Buffer.from(object);
        cut[80 + message * 273 + 265]! ^= 1;
        expect(await troubleOf(openRanges(FAST, KEYS, ANY, new CountingSource(cut)), plain, message * 256)).toBe(
          "forged",
        );
      }
    });
  });

  test("streams that no writer of objects makes", async () => {
    const plain = content(10 * 256, 12);
    const own = { version: 2, chunkSize: 256, keyId: 0n, key: keyOf(0), plain, final: true } as const;
    // A key that changes on the way: libsodium's readers follow, and so do ours from the beginning on.
    const rekeyed = writeDs2({ ...own, tags: { 4: 2 } });
    expect(openAll(FAST, rekeyed).given.equals(plain)).toBe(true);
    const ranges = await openRanges(FAST, KEYS, ANY, new CountingSource(rekeyed));
    expect((await read(ranges, 0, 1024)).equals(plain.subarray(0, 1024))).toBe(true);
    expect(await troubleOf(ranges, plain)).toBe("header");
    expect(await troubleOf(ranges, plain, 1280)).toBe("forged");
    // An end in the middle.
    const ended = writeDs2({ ...own, tags: { 4: 3 } });
    expect(await troubleOf(openRanges(FAST, KEYS, ANY, new CountingSource(ended)), plain)).toBe("forged");
    expect(openAll(FAST, ended).trouble?.trouble).toBe("forged");
    // A tag that means nothing to a reader.
    const pushed = new CountingSource(writeDs2({ ...own, tags: { 4: 1 } }));
    expect((await read(await openRanges(FAST, KEYS, STRICT, pushed), 0, 2560)).equals(plain)).toBe(true);
  });
}
