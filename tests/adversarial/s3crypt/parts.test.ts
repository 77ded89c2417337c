/** Objects in parts that a storage has swapped, dropped, repeated, cut or mixed: with the manifest nothing of it passes, without it what can be seen. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { ObjectError, type ObjectTrouble } from "../../../commands/s3crypt/object/error.ts";
import type { Layout } from "../../../commands/s3crypt/object/layout.ts";
import { openManifest, sealManifest } from "../../../commands/s3crypt/object/manifest.ts";
import { PartsOpener } from "../../../commands/s3crypt/object/parts.ts";
import { content, cut, ENGINES, keyOf, openWell, S, type Cuts } from "../../support/s3crypt.ts";
import { joined, KEY_ID, layoutOf, makePart, OBJECT_ID, type MadePart } from "../../support/s3crypt-parts.ts";
import { createPrng } from "../prng.ts";

const PLAINS = [2 * S, S + 1, 0, 7, 3 * S - 1].map((size, i) => content(size, 40 + i));
const WHOLE = { objectId: OBJECT_ID, keyId: BigInt(KEY_ID), key: keyOf(KEY_ID) };

describe.each(ENGINES)("by %s", (_, engine) => {
  const parts = PLAINS.map((plain, i) => makePart(engine, i + 1, plain, i + 1));
  const whole = Buffer.concat(PLAINS);
  const layout = layoutOf(parts);
  /** What a storage keeps of an upload, though only one attempt counts: another part 2, of the same length. */
  const retried = makePart(engine, 2, content(S + 1, 99), 50);

  /** The trouble of reading `bytes`; undefined where all is well. Whatever is given was written, in its order. */
  function troubleOf(bytes: Buffer, known: Layout | undefined, plain = whole, cuts: Cuts = "whole") {
    const opener = new PartsOpener(engine, WHOLE, known, () => createHash("md5"));
    const given: Buffer[] = [];
    let trouble: ObjectTrouble | undefined;
    try {
      for (const piece of cut(bytes, cuts)) given.push(Buffer.from(opener.push(piece)));
      given.push(Buffer.from(opener.finish()));
    } catch (error) {
      if (!(error instanceof ObjectError)) throw error;
      trouble = error.trouble;
    }
    const all = Buffer.concat(given);
    expect(all.equals(plain.subarray(0, all.length))).toBe(true);
    if (trouble === undefined) expect(all).toHaveLength(plain.length);
    return trouble;
  }

  test("as it was written it opens, however it comes", () => {
    for (const cuts of ["whole", 1, 5000, createPrng(1), createPrng(2)] as const) {
      expect(troubleOf(joined(parts), layout, whole, cuts)).toBeUndefined();
      expect(troubleOf(joined(parts), undefined, whole, cuts)).toBeUndefined();
      expect(openWell(engine, joined(parts), cuts).equals(whole)).toBe(true);
    }
    expect(new PartsOpener(engine, WHOLE, layout).endProven).toBe(true);
    expect(new PartsOpener(engine, WHOLE).endProven).toBe(false);
  });

  const order = (...indexes: number[]) => indexes.map((i) => parts[i]!);
  const HARM: [name: string, parts: MadePart[], without: ObjectTrouble | undefined][] = [
    ["two swapped", order(1, 0, 2, 3, 4), "forged"],
    ["the last two swapped", order(0, 1, 2, 4, 3), "forged"],
    ["one twice", order(0, 1, 1, 2, 3, 4), "forged"],
    ["the first twice", order(0, 0, 1, 2, 3, 4), "forged"],
    ["the last dropped", order(0, 1, 2, 3), undefined],
    ["the first dropped", order(1, 2, 3, 4), undefined],
    ["one within dropped", order(0, 2, 3, 4), undefined],
    ["one with nothing in it dropped", order(0, 1, 3, 4), undefined],
    ["all but one dropped", order(4), undefined],
    ["one more", [...parts, makePart(engine, 6, content(9, 1), 60)], undefined],
    ["another attempt at a part", [parts[0]!, retried, ...parts.slice(2)], undefined],
    [
      "a part of another object",
      [parts[0]!, makePart(engine, 2, PLAINS[1]!, 2, content(16, 78)), ...parts.slice(2)],
      "forged",
    ],
  ];

  test.each(HARM)("%s", (_name, harmed, without) => {
    const plain = Buffer.concat(harmed.map((part) => part.plain));
    const bytes = joined(harmed);
    expect(["forged", "truncated"]).toContain(troubleOf(bytes, layout, isPrefix(whole, plain) ? whole : plain)!);
    expect(troubleOf(bytes, undefined, plain)).toBe(without);
  });

  test("another attempt is told by the MD5 that its writer named, where nobody has its commitment", () => {
    const forgetful = layoutOf(parts, "commitments");
    expect(troubleOf(joined(parts), forgetful)).toBeUndefined();
    const bytes = joined([parts[0]!, retried, ...parts.slice(2)]);
    expect(troubleOf(bytes, forgetful, Buffer.concat([PLAINS[0]!, retried.plain]))).toBe("forged");
  });

  test("attempts at one part have no key, salt or header in common", () => {
    const [first, second] = [makePart(engine, 1, PLAINS[0]!, 1), makePart(engine, 1, PLAINS[0]!, 2)];
    const pieces = ({ bytes }: MadePart) => [
      bytes.subarray(88, 160),
      bytes.subarray(160, 184),
      bytes.subarray(184, 216),
    ];
    pieces(first).forEach((piece, i) => expect(piece.equals(pieces(second)[i]!)).toBe(false));
  });

  test("cut off at any place near a boundary", () => {
    const bytes = joined(parts);
    const boundaries = layout.parts.flatMap(({ at, sealed }) => [at, at + 160, at + 216, at + sealed]);
    const places = [...new Set(boundaries.flatMap((at) => [-17, -16, -1, 0, 1, 16, 17].map((by) => at + by)))];
    for (const at of places.filter((place) => place >= 0 && place < bytes.length)) {
      const [withManifest, without] = [troubleOf(bytes.subarray(0, at), layout), errorOf(bytes.subarray(0, at))];
      expect(["truncated", "forged"]).toContain(withManifest!);
      if (layout.parts.some((part) => part.at === at)) expect(without).toBeUndefined();
      else expect(["truncated", "forged"]).toContain(without!);
    }
  });

  function errorOf(bytes: Buffer): ObjectTrouble | undefined {
    const opener = new PartsOpener(engine, WHOLE);
    try {
      opener.push(bytes);
      opener.finish();
    } catch (error) {
      return (error as ObjectError).trouble;
    }
    return undefined;
  }

  test("any bit of the headers turned over", () => {
    const bytes = joined(parts.slice(3));
    const own = layoutOf(parts.slice(3));
    for (const { at } of own.parts)
      for (let byte = at; byte < at + 216; byte++)
        for (let bit = 0; bit < 8; bit++) {
          const other = Buffer.from(bytes);
          other[byte]! ^= 1 << bit;
          expect(errorOf(other)).toBeDefined();
        }
  });
});

function isPrefix(whole: Buffer, part: Buffer): boolean {
  return whole.subarray(0, part.length).equals(part);
}

describe("a manifest", () => {
  const key = { id: BigInt(KEY_ID), key: keyOf(KEY_ID) };
  const listed = [1, 2, 9].map((number) => ({
    number,
    plain: 1000 * number,
    md5: Uint8Array.from(content(16, number)),
    commitment: number === 9 ? undefined : Uint8Array.from(content(32, number)),
  }));
  const sealed = sealManifest(OBJECT_ID, listed, key, content(24, 1));

  test("says what was put in", () => {
    const layout = openManifest(sealed, OBJECT_ID, key.id, key.key);
    expect(layout.parts.map(({ number, plain, md5, commitment }) => ({ number, plain, md5, commitment }))).toEqual(
      listed,
    );
    expect(layout).toMatchObject({ proven: true, plain: 12_000 });
  });

  test("with any bit turned over, cut off or made longer, it is none", () => {
    const refused = (bytes: Uint8Array) =>
      expect(() => openManifest(bytes, OBJECT_ID, key.id, key.key)).toThrow(ObjectError);
    for (let byte = 0; byte < sealed.length; byte++) refused(sealed.with(byte, sealed[byte]! ^ (1 << (byte % 8))));
    for (let length = 0; length < sealed.length; length++) refused(sealed.subarray(0, length));
    refused(Buffer.concat([sealed, sealed.subarray(0, 64)]));
    refused(Buffer.concat([sealed, Buffer.alloc(1)]));
  });

  test("of another object, or by another key, it is none", () => {
    expect(() => openManifest(sealed, content(16, 1), key.id, key.key)).toThrow(ObjectError);
    expect(() => openManifest(sealed, OBJECT_ID, 4n, key.key)).toThrow(ObjectError);
    expect(() => openManifest(sealed, OBJECT_ID, key.id, keyOf(4))).toThrow(ObjectError);
  });
});
