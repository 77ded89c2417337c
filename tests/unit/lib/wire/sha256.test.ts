/** SHA-256 in plain JavaScript and the runtime's, against each other and FIPS 180-4 and RFC 4231; and texts that are compared. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { NATIVE_SHA256 } from "../../../../commands/s3crypt/sha256.ts";
import { PLAIN_SHA256, sameText, toHex } from "../../../../lib/wire/sha256.ts";
import { ascii } from "../../../conformance/three-ways.ts";

test.each([
  ["plain", PLAIN_SHA256],
  ["native", NATIVE_SHA256],
])("known values, %s", (_, sha256) => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  expect(toHex(sha256.hash(ascii("abc")))).toBe(abc);
  const pieces = sha256.start();
  pieces.update(ascii("a"));
  pieces.update(ascii("bc"));
  expect(toHex(pieces.digest())).toBe(abc);
  expect(toHex(sha256.hmac(ascii("Jefe"), ascii("what do ya want for nothing?")))).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

test("both make the same", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (key, data) => {
      expect(toHex(PLAIN_SHA256.hash(data))).toBe(toHex(NATIVE_SHA256.hash(data)));
      expect(toHex(PLAIN_SHA256.hmac(key, data))).toBe(toHex(NATIVE_SHA256.hmac(key, data)));
    }),
  );
});

test("texts are the same if they are", () => {
  const text = fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "\0") });
  fc.assert(fc.property(text, text, (a, b) => expect(sameText(a, b)).toBe(a === b)));
});
