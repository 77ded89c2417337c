/** Objects of version 3: Python's, written from commands/s3crypt/FORMAT.md, are read here, ours are read by it, and their lengths are as commands/s3crypt/FORMAT.md says. */
import { beforeAll, describe, expect, test } from "bun:test";
import { decodeHeader } from "../../commands/s3crypt/object/header.ts";
import { openManifest, sealManifest } from "../../commands/s3crypt/object/manifest.ts";
import { PartsOpener } from "../../commands/s3crypt/object/parts.ts";
import { v3Length, v3PlainLength } from "../../commands/s3crypt/object/v3.ts";
import { openRanges } from "../../commands/s3crypt/object/range.ts";
import { createPrng } from "../adversarial/prng.ts";
import { CountingSource } from "../support/counting-source.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { pythonLibrary } from "../support/python-library.ts";
import { STRICT, troubleOf } from "../support/s3crypt-ranges.ts";
import { CRYPTOGRAPHY, python, type Order } from "../support/s3crypt-v3.ts";
import {
  content,
  ENGINES,
  keyOf,
  KEYS,
  openAll,
  S,
  sealAll,
  sealer,
  SIZES,
  v3Random as randomOf,
  type Cuts,
} from "../support/s3crypt.ts";

const HEADER = 152;

/** The order for what our sealer makes of the same randomness. */
function sealing(keyId: number, plain: Uint8Array, more: Record<string, number> = {}): Order {
  const { objectId, key, wrappingNonce, salt } = randomOf(keyId);
  const random = { object_id: objectId, object_key: key, nonce: wrappingNonce, salt };
  return { do: "seal", key: keyOf(keyId), key_id: keyId, plain, ...random, ...more };
}

const NEEDS = [CRYPTOGRAPHY];
if (missing(NEEDS).length > 0) leaveOut("objects of version 3 beside Python", NEEDS);
else
  describe("beside Python's cryptography", () => {
    const sizes = [...SIZES, 5 * S - 16, 5 * S - 1];
    let theirs: Buffer[];
    beforeAll(async () => {
      const orders = sizes.map((size, keyId) => sealing(keyId, content(size, size)));
      theirs = await python([...orders, ...SIZES.map((_size, i) => sealing(i + 5, Buffer.alloc(1)))]);
    }, 60_000);

    describe.each(ENGINES)("by %s", (_, engine) => {
      test.each(sizes.map((size, i) => [size, i] as const))("%i bytes: the same object, byte by byte", (size, i) => {
        const plain = content(size, size);
        const cuts: Cuts = size > 100_000 ? "whole" : createPrng(i + 1);
        expect(sealAll(sealer("v3", engine, i), plain, cuts).equals(theirs[i]!)).toBe(true);
        expect(theirs[i]).toHaveLength(v3Length(size));
        const opened = openAll(engine, theirs[i]!, { demands: STRICT, cuts });
        expect(opened).toMatchObject({ trouble: undefined, endProven: true });
        expect(opened.given.equals(plain)).toBe(true);
        expect(decodeHeader(theirs[i]!, false)).toMatchObject({ format: "v3", keyId: BigInt(i), flags: 0, part: 0 });
      });

      test("ours are read by it, of other keys and randomness", async () => {
        const plains = SIZES.map((size) => content(size, size + 7));
        const unsealing = plains.map((plain, i): Order => {
          const object = sealAll(sealer("v3", engine, 12 - i, 99 + i), plain);
          return { do: "unseal", key: keyOf(12 - i), data: object };
        });
        const read = await python(unsealing);
        expect(read.every((bytes, i) => bytes.equals(plains[i]!))).toBe(true);
      }, 60_000);

      test("the chunks are Cobblestone-256 to a library that has it", async () => {
        const library = await pythonLibrary("cryptography", "50.0.0");
        const plains = SIZES.map((size) => content(size, size + 8));
        const { key } = randomOf(4);
        const objects = plains.map((plain) => sealAll(sealer("v3", engine, 4), plain));
        const context = objects[0]!.subarray(0, HEADER);
        const opening = objects.map((object): Order => ({ do: "peer", key, context, sealed: object.subarray(HEADER) }));
        const sealed = plains.map((plain): Order => ({ do: "peer", key, context, plain }));
        const answers = await python([...opening, ...sealed], library);
        plains.forEach((plain, i) => {
          expect(answers[i]!.equals(plain)).toBe(true);
          const opened = openAll(engine, Buffer.concat([context, answers[plains.length + i]!]), { demands: STRICT });
          expect(opened.trouble).toBeUndefined();
          expect(opened.given.equals(plain)).toBe(true);
        });
      }, 300_000);
    });

    test("parts are an object, one behind the other, and a manifest says which they are", async () => {
      const plains = [S, 0, 5 * S + 1, 7].map((size) => content(size, size));
      const sealed = await python(plains.map((plain, i) => sealing(1, plain, { part: 2 * i + 1, flags: 1 })));
      const { objectId, wrappingNonce } = randomOf(1);
      const parts = plains.map((plain, i) => [2 * i + 1, plain.length, i === 1 ? null : sealed[i]!.toString("base64")]);
      const own = { key: keyOf(1), key_id: 1, object_id: objectId, nonce: wrappingNonce };
      const [manifest] = await python([{ do: "manifest", ...own, parts }]);
      const object = Buffer.concat(sealed);
      const [engine] = ENGINES.map(([, each]) => each);
      expect(openAll(engine!, object, { demands: STRICT }).trouble?.trouble).toBe("unproven_end");
      for (const cuts of ["whole", 1, 5000] as const) {
        const opened = openAll(engine!, object, { cuts });
        expect(opened).toMatchObject({ trouble: undefined, endProven: false });
        expect(opened.given.equals(Buffer.concat(plains))).toBe(true);
      }
      const layout = openManifest(manifest!, objectId, 1n, keyOf(1));
      expect(layout).toMatchObject({ sealed: object.length, plain: 6 * S + 8, proven: true });
      const opener = new PartsOpener(engine!, { objectId, keyId: 1n, key: keyOf(1) }, layout);
      expect(Buffer.concat([opener.push(object), opener.finish()]).equals(Buffer.concat(plains))).toBe(true);
      expect(opener.endProven).toBe(true);
      const again = sealManifest(objectId, layout.parts as never, { id: 1n, key: keyOf(1) }, wrappingNonce);
      expect(Buffer.from(again).equals(manifest!)).toBe(true);
    });

    test("parts, flags that no one knows and other sizes of chunks are refused, although authentic", async () => {
      const fields = [
        { part: 1 },
        { part: 10_001, flags: 1 },
        { flags: 1 },
        { flags: 2 },
        { flags: 2 ** 31 },
        { size: 256 },
      ];
      const objects = await python(fields.map((more) => sealing(1, content(5, 5), more)));
      const messages = objects.map((object) => {
        const { trouble, given } = openAll(ENGINES[0]![1], object);
        expect(trouble?.trouble).toBe("header");
        expect(given).toHaveLength(0);
        return trouble!.message;
      });
      for (const object of objects) {
        const ranges = openRanges(ENGINES[0]![1], KEYS, STRICT, new CountingSource(object));
        expect(await troubleOf(ranges, Buffer.alloc(0))).toBe("header");
      }
      expect(messages).toEqual([
        "the object says that it is part 1, with flags that such a one has not",
        "the object says that it is part 10001, with flags that such a one has not",
        "the object says that it is part 0, with flags that such a one has not",
        "the object has flags that are not known: 10 (binary)",
        "the object has flags that are not known: 10000000000000000000000000000000 (binary)",
        "the object says that its chunks are of 256 bytes, which cannot be",
      ]);
    });
  });

describe("lengths of v3", () => {
  /** The formula of the specification, in other words: what each chunk takes, added up. */
  function added(plain: number): number {
    let length = HEADER + 24 + 32;
    let left = plain;
    for (; left >= S; left -= S) length += S + 16;
    return length + left + 16;
  }

  test("of all plaintexts up to three chunks and more, and back; what is between them is no length", () => {
    expect([0, 1, S - 1, S].map(v3Length)).toEqual([224, 225, 16_607, 16_624]);
    for (let short = 0; short < 224; short++) expect(v3PlainLength(short)).toBeUndefined();
    let last = 223;
    for (let plain = 0; plain <= 3 * S + 5; plain++) {
      const length = v3Length(plain);
      if (length !== added(plain)) throw new Error(`${plain} bytes`);
      if (v3PlainLength(length) !== plain) throw new Error(`back to ${plain} bytes`);
      for (let between = last + 1; between < length; between++)
        if (v3PlainLength(between) !== undefined) throw new Error(`${between} is no length`);
      last = length;
    }
  });

  test("random ones, and the longest", () => {
    const random = createPrng(33);
    for (let i = 0; i < 1000; i++) {
      const plain = random.below(100 * S);
      expect(v3Length(plain)).toBe(added(plain));
      expect(v3PlainLength(added(plain))).toBe(plain);
    }
    const longest = 2 ** 38 * S - 1;
    expect(v3PlainLength(v3Length(longest))).toBe(longest);
    expect(v3PlainLength(v3Length(longest) + 17)).toBeUndefined();
  });
});
