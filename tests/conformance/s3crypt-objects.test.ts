/** Objects of ds_proxy's format: libsodium's are read here, ours are read by it, and their lengths are as commands/s3crypt/FORMAT.md says. */
import { describe, expect, test } from "bun:test";
import { DS2_CHUNK, ds2Length, ds2PlainLength } from "../../commands/s3crypt/object/ds2.ts";
import { decodeHeader } from "../../commands/s3crypt/object/header.ts";
import { createPrng } from "../adversarial/prng.ts";
import { readDs2, writeDs2 } from "../support/ds2.ts";
import { LIBSODIUM, libsodiumPath } from "../support/libsodium.ts";
import { leaveOut } from "../support/needs.ts";
import { ANY, content, ENGINES, KEYS, keyOf, openAll, S, sealAll, sealer, SIZES } from "../support/s3crypt.ts";

/** What the reference's option for it once allowed, and the one that it writes. */
const CHUNK_SIZES = [1, 16, 17, 256, 1000, S, 65_536];
const STRICT = { plaintext: false, finalFrom: 0n };

if (libsodiumPath === undefined) leaveOut("objects beside libsodium", [LIBSODIUM]);
else
  describe.each(ENGINES)("by %s", (_, engine) => {
    describe.each([1, 2] as const)("libsodium's of version %i are read", (version) => {
      test.each(SIZES)("%i bytes", (size) => {
        const plain = content(size, size);
        const object = writeDs2({ version, chunkSize: S, keyId: 0n, key: keyOf(0), plain });
        const opened = openAll(engine, object);
        expect(opened.trouble).toBeUndefined();
        expect(opened.given.equals(plain)).toBe(true);
        expect(opened.endProven).toBe(false);
      });

      test.each(CHUNK_SIZES)("in chunks of %i", (chunkSize) => {
        for (const chunks of [1, 2, 3]) {
          for (const size of [chunks * chunkSize - 1, chunks * chunkSize, chunks * chunkSize + 1]) {
            const plain = content(size, chunks);
            const final = chunks === 2;
            const object = writeDs2({ version, chunkSize, keyId: 0n, key: keyOf(0), plain, final });
            const opened = openAll(engine, object, { cuts: 1009 });
            expect(opened.trouble).toBeUndefined();
            expect(opened.given.equals(plain)).toBe(true);
            expect(opened.endProven).toBe(final && size > 0);
            if (size === 0) continue;
            const header = decodeHeader(object, true);
            expect(header).toMatchObject({ format: "ds2", version, chunkSize, keyId: 0n });
            if (typeof header !== "object" || header.format !== "ds2") throw new Error("another header");
            expect(ds2PlainLength(object.length, header)).toBe(size);
          }
        }
      });
    });

    test.each([...KEYS])("key %i, both ways", (keyId, key) => {
      const plain = content(40_000, Number(keyId));
      const theirs = writeDs2({ version: 2, chunkSize: S, keyId, key, plain, final: true });
      const opened = openAll(engine, theirs, { demands: STRICT });
      expect(opened).toMatchObject({ trouble: undefined, endProven: true, kind: { version: 2, keyId } });
      expect(opened.given.equals(plain)).toBe(true);
      const read = readDs2(KEYS, sealAll(sealer("ds2", engine, Number(keyId)), plain));
      expect(read.keyId).toBe(keyId);
      expect(read.plain.equals(plain)).toBe(true);
    });

    test.each(SIZES)("ours of %i bytes are read by libsodium, with FINAL on the last message alone", (size) => {
      const plain = content(size, size + 1);
      const object = sealAll(sealer("ds2", engine, 12), plain);
      expect(object.length).toBe(ds2Length(size));
      const { plain: read, tags } = readDs2(KEYS, object);
      expect(read.equals(plain)).toBe(true);
      const count = Math.ceil(size / S);
      expect(tags).toEqual(Array.from({ length: count }, (_no, i) => (i === count - 1 ? 3 : 0)));
    });
  });

test.each(["ds2", "v3"] as const)("both engines write the same bytes: %s", (format) => {
  for (const size of SIZES) {
    const [first, ...others] = ENGINES.map(([, engine]) => sealAll(sealer(format, engine, 3), content(size, 3)));
    expect(others.every((other) => other.equals(first!))).toBe(true);
    for (const [, engine] of ENGINES) expect(openAll(engine, first!, { demands: ANY }).given).toHaveLength(size);
  }
});

describe("lengths of ds2", () => {
  /** The formula of the specification, in other words: what each message takes, added up. */
  function added(header: number, chunkSize: number, plain: number): number {
    let length = header + 24;
    for (let left = plain; left > 0; left -= chunkSize) length += Math.min(left, chunkSize) + 17;
    return length;
  }

  test("of all plaintexts up to three chunks and more, and back; what is between them is no length", () => {
    const header = { format: "ds2", version: 2, chunkSize: DS2_CHUNK, keyId: 0n, length: 56 } as const;
    expect(ds2Length(0)).toBe(0);
    let last = ds2Length(1);
    for (let plain = 1; plain <= 3 * S + 5; plain++) {
      const length = ds2Length(plain);
      if (length !== added(56, S, plain)) throw new Error(`${plain} bytes`);
      if (ds2PlainLength(length, header) !== plain) throw new Error(`back to ${plain} bytes`);
      for (let between = last + 1; between < length; between++)
        if (ds2PlainLength(between, header) !== undefined) throw new Error(`${between} is no length`);
      last = length;
    }
    expect([1, 16_384, 16_385, 32_768, 100_000].map(ds2Length)).toEqual([98, 16_481, 16_499, 32_882, 100_199]);
  });

  test.each(CHUNK_SIZES)("random ones of both versions, chunks of %i", (chunkSize) => {
    const random = createPrng(chunkSize);
    for (const version of [1, 2] as const) {
      const length = version === 1 ? 48 : 56;
      const header = { format: "ds2", version, chunkSize, keyId: 0n, length } as const;
      for (let i = 0; i < 300; i++) {
        const plain = 1 + random.below(20 * chunkSize);
        expect(ds2PlainLength(added(length, chunkSize, plain), header)).toBe(plain);
      }
      for (const short of [0, length, length + 23, length + 25, length + 24 + 17])
        expect(ds2PlainLength(short, header)).toBeUndefined();
      expect(ds2PlainLength(length + 24, header)).toBe(0);
    }
    const header = { format: "ds2", version: 1, chunkSize: 256, keyId: 0n, length: 48 } as const;
    expect(ds2PlainLength(1140, header)).toBe(1000);
  });

  test("far beyond memory", () => {
    const header = { format: "ds2", version: 2, chunkSize: DS2_CHUNK, keyId: 0n, length: 56 } as const;
    for (const plain of [5 * 2 ** 40, 5 * 2 ** 40 + 1, 2 ** 50 - 1])
      expect(ds2PlainLength(ds2Length(plain), header)).toBe(plain);
  });
});
