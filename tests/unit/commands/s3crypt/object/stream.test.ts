/** Objects are made and read piece by piece: where the pieces end changes nothing, and what was given stays as it was. */
import { describe, expect, test } from "bun:test";
import { ObjectError } from "../../../../../commands/s3crypt/object/error.ts";
import { ObjectOpener } from "../../../../../commands/s3crypt/object/open.ts";
import { Output, Pieces } from "../../../../../commands/s3crypt/object/stream.ts";
import { createPrng } from "../../../../adversarial/prng.ts";
import { ANY, content, ENGINES, KEYS, openWell, S, sealAll, sealer } from "../../../../support/s3crypt.ts";

const FORMATS = ["ds2", "v3"] as const;

test.each([false, true])("Pieces gives whole pieces, however it is fed, keeps %p", (keeps) => {
  for (let length = 0; length <= 9; length++)
    for (let splits = 0; splits < 1 << Math.max(0, length - 1); splits++) {
      const pieces = new Pieces(3, keeps);
      const given: string[] = [];
      let from = 0;
      for (let at = 1; at <= length; at++) {
        if (at < length && (splits & (1 << (at - 1))) === 0) continue;
        const most = pieces.most(at - from);
        const before = given.length;
        const fed = Uint8Array.from({ length: at - from }, (_, i) => from + i);
        pieces.push(fed, (piece) => given.push(piece.join()));
        pieces.push(new Uint8Array(0), () => given.push("from nothing"));
        fed.fill(99);
        expect(given.length - before).toBeLessThanOrEqual(most);
        from = at;
      }
      const all = ["0,1,2", "3,4,5", "6,7,8"];
      const count = keeps ? Math.ceil(length / 3) - 1 : Math.floor(length / 3);
      expect(given).toEqual(all.slice(0, Math.max(0, count)));
      expect([...pieces.rest]).toEqual([...Array(length).keys()].slice(given.length * 3));
    }
});

test("Output has room, and leaves the result before alone", () => {
  const output = new Output();
  const random = createPrng(1);
  let last = output.room(4).fill(1);
  for (let i = 2; i < 200; i++) {
    const length = random.below(50);
    const next = output.room(length);
    expect(next.length).toBeGreaterThanOrEqual(length);
    expect(last.every((byte) => byte === i - 1)).toBe(true);
    last = next.fill(i);
  }
});

describe.each(ENGINES)("by %s", (_, engine) => {
  describe.each(FORMATS)("%s", (format) => {
    const plain = content(2 * S + 5, 9);
    const whole = sealAll(sealer(format, engine, 2), plain);

    test("the same object from input in pieces of any length", () => {
      for (const length of [1, 7, 16, 1000, S - 1, S, S + 1, 2 * S, 2 * S + 4])
        expect(sealAll(sealer(format, engine, 2), plain, length).equals(whole)).toBe(true);
      for (let seed = 1; seed < 40; seed++)
        expect(sealAll(sealer(format, engine, 2), plain, createPrng(seed)).equals(whole)).toBe(true);
    });

    test("the same object from input that is split anywhere", () => {
      for (const size of [2 * S + 5, 2 * S, S]) {
        const input = plain.subarray(0, size);
        const expected = sealAll(sealer(format, engine, 2), input);
        for (let at = 0; at <= size; at++) {
          const near = [0, S, 2 * S, size].some((boundary) => Math.abs(boundary - at) <= 20);
          if (!near && at % 487 !== 0) continue;
          const by = sealer(format, engine, 2);
          const parts = [input.subarray(0, at), input.subarray(at)].map((part) => Buffer.from(by.push(part)));
          if (!Buffer.concat([...parts, Buffer.from(by.finish())]).equals(expected))
            throw new Error(`${size} bytes, split at ${at}`);
        }
      }
    });

    test("the same plaintext from an object in pieces of any length, from memory that is used again", () => {
      for (const length of [1, 7, 31, 32, 47, 151, 152, 153, 207, S, S + 16, S + 17, 2 * S])
        expect(openWell(engine, whole, length).equals(plain)).toBe(true);
      for (let seed = 1; seed < 40; seed++) expect(openWell(engine, whole, createPrng(seed)).equals(plain)).toBe(true);
    });

    test("what went wrong once goes wrong ever after", () => {
      const broken = Buffer.from(whole);
      broken[1000]! ^= 1;
      const opener = new ObjectOpener(engine, KEYS, ANY);
      expect(() => opener.push(broken)).toThrow(ObjectError);
      expect(() => opener.push(whole)).toThrow(ObjectError);
      expect(() => opener.push(whole.subarray(-S))).toThrow(ObjectError);
      expect(() => opener.finish()).toThrow(ObjectError);
    });
  });
});

test("what is not encrypted passes from memory that is used again", () => {
  const [, engine] = ENGINES[0]!;
  const plain = content(100_000, 3);
  for (const cuts of [1000, createPrng(5)]) expect(openWell(engine, plain, cuts).equals(plain)).toBe(true);
});
