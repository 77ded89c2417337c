/** The test vectors of commands/s3crypt/FORMAT.md: what it says they are is read in them, and written again. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Ds2Sealer } from "../../commands/s3crypt/object/ds2.ts";
import { openRanges } from "../../commands/s3crypt/object/range.ts";
import { V3Sealer } from "../../commands/s3crypt/object/v3.ts";
import { CountingSource } from "../support/counting-source.ts";
import { read } from "../support/s3crypt-ranges.ts";
import { ANY, ENGINES, openAll, sealAll } from "../support/s3crypt.ts";

const TEXT = readFileSync(resolve(import.meta.dir, "../../commands/s3crypt/FORMAT.md"), "utf8");
const VECTORS = new Map(
  [...TEXT.matchAll(/^```hex (\S+)\n([^`]*)^```$/gm)].map(([, name, hex]) => [
    name!,
    Buffer.from(hex!.replaceAll(/\s/g, ""), "hex"),
  ]),
);
const HELLO = Buffer.from("hello");
const KEY = Buffer.alloc(32, 1);
const KEYS = new Map([0n, 7n].map((id) => [id, KEY] as const));
const RANDOM = {
  objectId: Buffer.alloc(16, 3),
  key: Buffer.alloc(32, 4),
  wrappingNonce: Buffer.alloc(24, 5),
  salt: Buffer.alloc(24, 6),
};
const V3 = VECTORS.get("v3")!;
const OBJECTS = [
  ["ds2-v1", VECTORS.get("ds2-v1")!, HELLO, false],
  ["ds2-v2", VECTORS.get("ds2-v2")!, HELLO, true],
  ["v3", V3, HELLO, true],
  ["v3, empty", Buffer.concat([V3.subarray(0, 208), VECTORS.get("v3-empty-chunk")!]), Buffer.alloc(0), true],
] as const;

test.each(OBJECTS)("%s is read", async (_, object, plain, endProven) => {
  for (const [, engine] of ENGINES) {
    const opened = openAll(engine, object, { keys: KEYS });
    expect(opened).toMatchObject({ trouble: undefined, endProven });
    expect(opened.given.equals(plain)).toBe(true);
    const ranges = await openRanges(engine, KEYS, ANY, new CountingSource(object));
    expect((await read(ranges, 0, plain.length)).equals(plain)).toBe(true);
  }
});

test("and written", () => {
  for (const [, { messages, chunks }] of ENGINES) {
    const ds2 = new Ds2Sealer(messages, KEY, 7n, Buffer.alloc(24, 2));
    expect(sealAll(ds2, HELLO).equals(OBJECTS[1][1])).toBe(true);
    for (const [, object, plain] of OBJECTS.slice(2))
      expect(sealAll(new V3Sealer(chunks, KEY, 7n, RANDOM), plain).equals(object)).toBe(true);
  }
});

test("every vector is read", () => {
  expect([...VECTORS.keys()]).toEqual(["ds2-v1", "ds2-v2", "v3", "v3-empty-chunk"]);
});
