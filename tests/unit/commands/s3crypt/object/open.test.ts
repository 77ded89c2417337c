/** What an opener gives of a piece in which something is wrong. What is wrong, and that it is found, is in tests/adversarial. */
import { expect, test } from "bun:test";
import { ObjectError } from "../../../../../commands/s3crypt/object/error.ts";
import { ObjectOpener } from "../../../../../commands/s3crypt/object/open.ts";
import { ANY, content, ENGINES, KEYS, S, sealAll, sealer } from "../../../../support/s3crypt.ts";

const PLAIN = content(4 * S + 5, 1);

test.each(
  ENGINES.flatMap(([name, engine]) => (["ds2", "v3"] as const).map((format) => [format, name, engine] as const)),
)("of %s by %s, what stands before the forged message is salvaged", (format, _, engine) => {
  const object = sealAll(sealer(format, engine, 3), PLAIN);
  object[object.length - 2 * S]! ^= 1;
  for (const first of [0, 1000, 2 * S]) {
    const opener = new ObjectOpener(engine, KEYS, ANY);
    const given = Buffer.from(opener.push(object.subarray(0, first)));
    expect(() => opener.push(object.subarray(first))).toThrow(ObjectError);
    expect(Buffer.concat([given, opener.salvaged]).equals(PLAIN.subarray(0, 2 * S))).toBe(true);
  }
});

test.each(ENGINES)("by %s, nothing is salvaged of an object of which all is wrong", (_, engine) => {
  const object = sealAll(sealer("v3", engine, 3), PLAIN);
  object[210]! ^= 1;
  const opener = new ObjectOpener(engine, KEYS, ANY);
  expect(() => opener.push(object)).toThrow(ObjectError);
  expect(opener.salvaged.length).toBe(0);
});
