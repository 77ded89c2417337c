/** Facts beside an object open under its key, for that object, as they were sealed; and in no other case. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { openFacts, sealFacts } from "../../../../../commands/s3crypt/serve/sealed-facts.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const keys = { get: (id: bigint) => (id === 3n ? key : undefined) };
const begun = new Uint8Array(80).fill(1);
const text = sealFacts({ size: 5, md5: new Uint8Array(16) }, { id: 3n, key }, begun, new Uint8Array(24));

test("they come back", () => {
  const size = fc.option(fc.nat(Number.MAX_SAFE_INTEGER), { nil: undefined });
  const md5 = fc.option(bytes(16), { nil: undefined });
  fc.assert(
    fc.property(size, md5, bytes(80), bytes(24), (size, md5, beginning, nonce) => {
      const sealed = sealFacts({ size, md5 }, { id: 3n, key }, beginning, nonce);
      expect(sealed).toMatch(/^[\w.-]{1,200}$/);
      expect(openFacts(sealed, keys, beginning)).toEqual({ size, md5 });
      expect(openFacts(sealed, keys)).toEqual({ size, md5 });
    }),
  );
});

test("of another object, under another key, changed anywhere, or of no such form there are none", () => {
  expect(openFacts(text, keys, begun)).toBeDefined();
  expect(openFacts(text, keys, new Uint8Array(80).fill(2))).toBeUndefined();
  expect(openFacts(text, { get: () => new Uint8Array(32) }, begun)).toBeUndefined();
  expect(openFacts(text, { get: () => undefined }, begun)).toBeUndefined();
  for (let i = 4; i < text.length - 1; i++) {
    const changed = `${text.slice(0, i)}${text[i] === "A" ? "B" : "A"}${text.slice(i + 1)}`;
    expect(openFacts(changed, keys)).toBeUndefined();
  }
  for (const none of [
    "",
    "1.3.",
    "2" + text.slice(1),
    text + "A",
    text.slice(0, -1),
    `1.99999999999999999999.${"A".repeat(108)}`,
  ])
    expect(openFacts(none, keys)).toBeUndefined();
});
