/** Objects that were cut, changed, shuffled or mixed: refused for the right reason, and nothing is given that was not written so. */
import { describe, expect, test } from "bun:test";
import type { ObjectTrouble } from "../../../commands/s3crypt/object/error.ts";
import type { Demands } from "../../../commands/s3crypt/object/open.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { LIBSODIUM, libsodiumPath } from "../../support/libsodium.ts";
import { writeDs2 } from "../../support/ds2.ts";
import { leaveOut } from "../../support/needs.ts";
import { content, ENGINES, KEYS, keyOf, openAll, S, sealAll, sealer, type Cuts } from "../../support/s3crypt.ts";
import { createPrng } from "../prng.ts";

const KEY_ID = 5;
const PLAIN = content(4 * S + 1000, 1);
/** With a last chunk that is as long as any. */
const FULL = content(5 * S, 2);
const LOOSE: Demands = { plaintext: false, finalFrom: undefined };
const STRICT: Demands = { plaintext: false, finalFrom: 5n };

interface Kind {
  name: string;
  format: "ds2" | "v3";
  demands: Demands;
  /** Where the first chunk begins. */
  start: number;
  /** What a chunk takes beside its content. */
  overhead: number;
  /** What cutting off whole chunks gives; undefined: only that the end is not proven. */
  atBoundary: ObjectTrouble | undefined;
}

const KINDS: Kind[] = [
  { name: "v3", format: "v3", demands: LOOSE, start: 208, overhead: 16, atBoundary: "truncated" },
  { name: "ds2, FINAL demanded", format: "ds2", demands: STRICT, start: 80, overhead: 17, atBoundary: "unproven_end" },
  { name: "ds2", format: "ds2", demands: LOOSE, start: 80, overhead: 17, atBoundary: undefined },
];

const CASES = ENGINES.flatMap(([by, engine]) => KINDS.map((kind) => [`${kind.name} by ${by}`, kind, engine] as const));
/** The slow engine meets a part of what the fast one meets: which chunk opens is up to it, the rest is not. */
const SPARSE = 7;
const LONG = process.env["PORTAIL_LONG"] === "1";
/** Of all places far from where chunks meet, one in so many is tried. */
const STEP = LONG ? 1 : 97;
const ROUNDS = LONG ? 20_000 : 1000;
const everyOf = (engine: Engine) => (engine === ENGINES.at(-1)![1] ? 1 : SPARSE);

describe.each(CASES)("%s", (_, { format, demands, start, overhead, atBoundary }, engine) => {
  const object = sealAll(sealer(format, engine, KEY_ID), PLAIN);
  const full = sealAll(sealer(format, engine, KEY_ID, 77), FULL);
  const other = sealAll(sealer(format, engine, KEY_ID, 500), FULL);
  const sealedChunk = S + overhead;
  const boundaries = [0, 1, 2, 3, 4, 5].map((i) => Math.min(start + i * sealedChunk, object.length));
  const chunksOf = (bytes: Uint8Array) =>
    Array.from({ length: Math.ceil((bytes.length - start) / sealedChunk) }, (_no, i) =>
      bytes.subarray(start + i * sealedChunk, start + (i + 1) * sealedChunk),
    );
  /** The chunks of `bytes` in other company. */
  const rebuilt = (bytes: Uint8Array, chunks: readonly Uint8Array[]) =>
    Buffer.concat([bytes.subarray(0, start), ...chunks]);
  let turn = 0;
  const random = createPrng();
  const seed = `seed ${random.seed}`;

  /** Opens it in another way each time, and holds what is given against `plain`: nothing but its first chunks may come out. */
  function opened(bytes: Uint8Array, plain: Uint8Array = PLAIN, cuts?: Cuts, keys = KEYS) {
    const ways: Cuts[] = [5000, "whole", random];
    const outcome = openAll(engine, bytes, { demands, cuts: cuts ?? ways[turn++ % 3]!, keys });
    const { given, trouble, endProven } = outcome;
    if (!given.equals(plain.subarray(0, given.length))) throw new Error(`${seed}: what was given was never written`);
    if (given.length % S !== 0 && given.length !== plain.length)
      throw new Error(`${seed}: ${given.length} bytes are no chunks`);
    if (trouble === undefined && endProven && given.length !== plain.length)
      throw new Error(`${seed}: taken for the whole`);
    return outcome;
  }

  function refused(bytes: Uint8Array, troubles: readonly ObjectTrouble[], what: string, plain: Uint8Array = PLAIN) {
    const { trouble } = opened(bytes, plain);
    if (trouble === undefined || !troubles.includes(trouble.trouble))
      throw new Error(`${seed}, ${what}: ${trouble?.trouble ?? "taken"}, not ${troubles.join(" or ")}`);
    if (trouble.message === "") throw new Error(`${what}: nothing is said`);
  }

  test("as it was written it opens", () => {
    for (const cuts of ["whole", 1, 5000, random] as const) {
      const { given, trouble, endProven } = opened(object, PLAIN, cuts);
      expect(trouble).toBeUndefined();
      expect(given.equals(PLAIN)).toBe(true);
      expect(endProven).toBe(true);
    }
  });

  const every = everyOf(engine);
  const isNear = (at: number) => boundaries.some((boundary) => Math.abs(boundary - at) <= 20);
  const cuts = [...object.keys()].filter((at) => at < 300 || at % (STEP * every) === 0 || isNear(at));

  test(`cut off at ${cuts.length} places`, () => {
    for (const at of cuts) {
      const bytes = object.subarray(0, at);
      const rest = (at - start) % sealedChunk;
      if (at === 0 && demands.finalFrom === undefined) {
        expect(opened(bytes)).toMatchObject({ kind: "empty", endProven: false, trouble: undefined });
      } else if (at === 0) refused(bytes, ["unproven_end"], "nothing");
      else if (at < 32) refused(bytes, ["plaintext"], `${at} bytes`);
      else if (at < start || (rest > 0 && rest <= overhead - (format === "v3" ? 1 : 0)))
        refused(bytes, ["truncated"], `${at} bytes`);
      else if (rest > 0) refused(bytes, ["forged"], `${at} bytes`);
      else if (atBoundary !== undefined) refused(bytes, [atBoundary], `${at} bytes`);
      else {
        const { trouble, endProven, given } = opened(bytes);
        expect(trouble).toBeUndefined();
        expect(endProven).toBe(false);
        expect(given).toHaveLength(((at - start) / sealedChunk) * S);
      }
    }
  });

  test("cut off at a chunk that is as long as any", () => {
    for (let count = 0; count < 5; count++) {
      const bytes = full.subarray(0, start + count * sealedChunk);
      if (atBoundary !== undefined) refused(bytes, [atBoundary], `${count} chunks`, FULL);
      else expect(opened(bytes, FULL)).toMatchObject({ trouble: undefined, endProven: false });
    }
  });

  /** What a bit of the header leads to. */
  function troublesOf(byte: number, bit: number): ObjectTrouble[] {
    if (byte < 32) return ["plaintext"];
    // Versions 1 to 3 become one another.
    if (byte < 40) return byte === 32 && bit < 2 ? ["forged", "header", "unknown_key"] : ["header"];
    if (byte < 48) {
      const chunkSize = S ^ (2 ** ((byte - 40) * 8 + bit));
      const taken = byte < 43 && chunkSize >= 1 && chunkSize <= 2 ** 24;
      return format === "ds2" && taken ? ["forged"] : ["header"];
    }
    if (byte < 56) return byte === 48 && KEYS.has(BigInt(KEY_ID ^ (1 << bit))) ? ["forged"] : ["unknown_key"];
    // Flags that are not known, parts without their flag and the flag without a part.
    if (format === "v3" && byte >= 56 && byte < 64) return ["header"];
    return ["forged"];
  }

  test("any bit of what stands in front of the chunks turned over", () => {
    for (let byte = 0; byte < start; byte++)
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(object);
        bytes[byte]! ^= 1 << bit;
        refused(bytes, troublesOf(byte, bit), `bit ${bit} of byte ${byte}`);
      }
  });

  test("bits of the chunks turned over", () => {
    for (let byte = start; byte < object.length; byte++) {
      const near = isNear(byte);
      if (!near && byte % (STEP * every) !== 0) continue;
      for (const bit of near && every === 1 ? [0, 1, 2, 3, 4, 5, 6, 7] : [random.below(8)]) {
        const bytes = Buffer.from(object);
        bytes[byte]! ^= 1 << bit;
        refused(bytes, ["forged"], `bit ${bit} of byte ${byte}`);
      }
    }
  });

  test.each([["with a short last chunk", object, PLAIN] as const, ["with a long one", full, FULL] as const])(
    "chunks swapped, repeated, dropped: %s",
    (_name, bytes, plain) => {
      const chunks = chunksOf(bytes);
      expect(chunks).toHaveLength(format === "v3" && plain === FULL ? 6 : 5);
      const last = chunks.length - 1;
      for (let i = 0; i <= last; i++) {
        for (let j = i + 1; j <= last; j++) {
          const swapped = [...chunks];
          [swapped[i], swapped[j]] = [chunks[j]!, chunks[i]!];
          refused(rebuilt(bytes, swapped), ["forged"], `${i} and ${j} swapped`, plain);
        }
        for (let to = 0; to <= chunks.length; to++) {
          refused(rebuilt(bytes, chunks.toSpliced(to, 0, chunks[i]!)), ["forged"], `${i} again as ${to}`, plain);
        }
        const dropped = rebuilt(bytes, chunks.toSpliced(i, 1));
        if (i < last) refused(dropped, ["forged"], `${i} dropped`, plain);
        else if (atBoundary !== undefined) refused(dropped, [atBoundary], "the last dropped", plain);
        else expect(opened(dropped, plain)).toMatchObject({ trouble: undefined, endProven: false });
      }
    },
  );

  test.each([["with a short last chunk", object, PLAIN] as const, ["with a long one", full, FULL] as const])(
    "something appended: %s",
    (_name, bytes, plain) => {
      for (const length of [1, 15, 16, 17, 18, 32, 1000, S - 1, S, sealedChunk, sealedChunk + 1, 3 * sealedChunk])
        for (const garbage of [Buffer.alloc(length), content(length, length)])
          refused(Buffer.concat([bytes, garbage]), ["forged"], `${length} bytes`, plain);
      refused(Buffer.concat([bytes, bytes]), ["forged"], "itself", plain);
    },
  );

  test("chunks of another object by the same key", () => {
    const [own, others] = [chunksOf(full), chunksOf(other)];
    for (const [i, chunk] of others.entries())
      refused(rebuilt(full, own.with(i, chunk)), ["forged"], `chunk ${i}`, FULL);
    refused(rebuilt(full, others), ["forged"], "all chunks", FULL);
    // Up to there the two are the same.
    for (let at = format === "v3" ? 68 : 60; at < start; at += 4) {
      const mixed = Buffer.concat([full.subarray(0, at), other.subarray(at)]);
      refused(mixed, ["forged"], `the first ${at} bytes`, FULL);
    }
  });

  test("keys that are not its own", () => {
    const without = new Map([...KEYS].filter(([id]) => id !== BigInt(KEY_ID)));
    expect(opened(object, PLAIN, "whole", without).trouble?.trouble).toBe("unknown_key");
    const wrong = new Map(KEYS).set(BigInt(KEY_ID), keyOf(6));
    const { trouble, given } = opened(object, PLAIN, 5000, wrong);
    expect(trouble?.trouble).toBe("forged");
    expect(given).toHaveLength(0);
    const renamed = Buffer.from(object);
    renamed.writeBigUInt64LE(6n, 48);
    refused(renamed, ["forged"], "the id of another key");
    renamed.writeBigUInt64LE(2n ** 64n - 1n, 48);
    refused(renamed, ["unknown_key"], "the largest id");
  });

  test("byte by byte the same is refused", () => {
    const flipped = Buffer.from(object);
    flipped[start + 2 * sealedChunk + 5]! ^= 1;
    const { trouble, given } = opened(flipped, PLAIN, 1);
    expect(trouble?.trouble).toBe("forged");
    // Two chunks came out before the third was there: the most that is authentic.
    expect(given).toHaveLength(2 * S);
    for (const at of [40, start - 1, start + sealedChunk + 1, start + sealedChunk + 40]) {
      const whole = opened(object.subarray(0, at), PLAIN, "whole").trouble;
      expect(opened(object.subarray(0, at), PLAIN, 1).trouble?.message).toBe(whole!.message);
    }
  });

  test("garbage", () => {
    for (let i = 0; i < ROUNDS; i++) {
      const garbage = random.bytes(random.below(400));
      const kept = [0, 32, 40, 48, 56, 152, start][i % 7]!;
      const bytes = Buffer.concat([object.subarray(0, kept), garbage]);
      const outcome = openAll(engine, bytes, { demands, cuts: random });
      if (object.subarray(0, bytes.length).equals(bytes)) continue;
      // A stream of no messages, whose header no key has made: as good as what is left when all messages are cut off.
      const isBare = atBoundary === undefined && kept >= 56 && bytes.length === start;
      if (isBare && outcome.given.length === 0 && !outcome.endProven) continue;
      if (outcome.trouble === undefined || outcome.given.length > 0)
        throw new Error(`${seed}, round ${i}: ${bytes.toString("hex")} is taken`);
    }
  });

  test("spliced at random", () => {
    for (let i = 0; i < ROUNDS / (5 * every); i++) {
      const [from, to] = [random.below(object.length), random.below(object.length)];
      const bytes = Buffer.concat([object.subarray(0, from), full.subarray(to, to + random.below(40_000))]);
      if (from >= 32) {
        const { trouble } = opened(bytes);
        const boundary = bytes.length === from && (from - start) % sealedChunk === 0;
        if (trouble === undefined && !boundary) throw new Error(`${seed}, ${from} bytes, then from ${to} on: taken`);
      }
    }
  });
});

if (libsodiumPath === undefined) leaveOut("objects without an end beside libsodium", [LIBSODIUM]);
else
  describe.each(ENGINES)("objects of the reference, by %s", (_, engine) => {
    const own = { keyId: 5n, key: keyOf(5), plain: FULL };
    const object = writeDs2({ version: 2, chunkSize: S, ...own });
    const old = writeDs2({ version: 1, chunkSize: 256, ...own, key: keyOf(0) });

    test("have no end that could be proven", () => {
      expect(openAll(engine, object, { demands: LOOSE })).toMatchObject({ trouble: undefined, endProven: false });
      expect(openAll(engine, object, { demands: STRICT }).trouble?.trouble).toBe("unproven_end");
      // The demand begins at an id, and version 1 has none but 0.
      const later = { plaintext: false, finalFrom: 6n };
      expect(openAll(engine, object, { demands: later })).toMatchObject({ trouble: undefined, endProven: false });
      expect(openAll(engine, old, { demands: STRICT })).toMatchObject({ trouble: undefined, endProven: false });
      const all = { plaintext: false, finalFrom: 0n };
      expect(openAll(engine, old, { demands: all }).trouble?.trouble).toBe("unproven_end");
    });

    test("but are cut off within no message unseen, and followed by nothing", () => {
      for (const more of [1, 16, 17])
        expect(openAll(engine, Buffer.concat([object, Buffer.alloc(more)])).trouble?.trouble).toBe("truncated");
      expect(openAll(engine, Buffer.concat([object, Buffer.alloc(18)])).trouble?.trouble).toBe("forged");
      for (let at = old.length - 273; at < old.length; at++)
        expect(openAll(engine, old.subarray(0, at)).trouble === undefined).toBe(at === old.length - 273);
    });
  });

test("what is not encrypted passes where it may, in copies", () => {
  const [, engine] = ENGINES[0]!;
  const allowed = { plaintext: true, finalFrom: 0n };
  for (const text of [
    "x",
    "J'apercus",
    "J'apercus l'audacieux capitaine",
    "J'apercus l'audacieux capitaine!".repeat(9),
  ])
    for (const cuts of ["whole", 1, 7] as const) {
      const bytes = Buffer.from(text);
      expect(openAll(engine, bytes, { demands: LOOSE, cuts }).trouble?.trouble).toBe("plaintext");
      const { given, kind, endProven } = openAll(engine, bytes, { demands: allowed, cuts });
      expect({ text: given.toString(), kind, endProven }).toEqual({ text, kind: "plaintext", endProven: false });
    }
  const magic = Buffer.from("J'apercus l'audacieux capitaine.");
  expect(openAll(engine, magic, { demands: allowed }).trouble?.trouble).toBe("truncated");
});
