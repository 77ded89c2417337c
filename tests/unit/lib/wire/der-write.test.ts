/** What is written as DER is what der.ts reads. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { bitStringBytes, contentOf, DerReader, integerBytes, oidText, TAG } from "../../../../lib/wire/der.ts";
import { bitString, element, objectIdentifier, sequence, unsignedInteger } from "../../../../lib/wire/der-write.ts";
import { digestInfo, ecdsaSignature, ecPublicKey, ed25519PublicKey } from "../../../../lib/wire/token-keys.ts";

const only = (bytes: Uint8Array, tag: number) => {
  const reader = new DerReader(bytes);
  const found = reader.read(tag);
  reader.finish();
  return found;
};

test("elements of any length", () => {
  for (const length of [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000]) {
    const content = new Uint8Array(length).fill(7);
    expect(contentOf(only(element(TAG.octetString, content), TAG.octetString))).toEqual(content);
  }
});

test("numbers, without zeros that say nothing, and never negative", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 300n }), fc.nat(4), (value, zeros) => {
      const digits = value.toString(16);
      const hex = "00".repeat(zeros) + (digits.length % 2 === 0 ? digits : `0${digits}`);
      const read = integerBytes(only(unsignedInteger(Buffer.from(hex, "hex")), TAG.integer));
      expect(BigInt(`0x${Buffer.from(read).toString("hex")}`)).toBe(value);
      expect(read[0]! < 0x80).toBe(true);
    }),
  );
});

test("object identifiers", () => {
  for (const text of ["1.2.840.113549.1.1.1", "2.5.29.17", "1.3.101.112", "2.16.840.1.101.3.4.2.1"])
    expect(oidText(only(objectIdentifier(text), TAG.oid))).toBe(text);
});

test("an ECDSA signature is two numbers (RFC 3279 section 2.2.3)", () => {
  const raw = Buffer.from(`${"00".repeat(31)}07${"ff".repeat(32)}`, "hex");
  const reader = DerReader.within(only(ecdsaSignature(raw), TAG.sequence));
  expect(Buffer.from(integerBytes(reader.read(TAG.integer))).toString("hex")).toBe("07");
  expect(Buffer.from(integerBytes(reader.read(TAG.integer))).toString("hex")).toBe(`00${"ff".repeat(32)}`);
  reader.finish();
});

test("a DigestInfo is that of RFC 8017 section 9.2, note 1", () => {
  const prefix = "3031300d060960864801650304020105000420";
  expect(Buffer.from(digestInfo("sha256", new Uint8Array(32))).toString("hex")).toBe(prefix + "00".repeat(32));
});

test("points of tokens that wrap them, and of those that do not, are one key", () => {
  const point = Uint8Array.from([0x04, ...Array.from({ length: 64 }, (_, i) => i)]);
  const params = objectIdentifier("1.2.840.10045.3.1.7");
  const wrapped = element(TAG.octetString, point);
  expect(ecPublicKey(params, wrapped)).toEqual(ecPublicKey(params, point));
  const edwards = new Uint8Array(32).fill(4);
  expect(ed25519PublicKey(element(TAG.octetString, edwards))).toEqual(ed25519PublicKey(edwards));
  const spki = DerReader.within(only(ed25519PublicKey(edwards), TAG.sequence));
  spki.read(TAG.sequence);
  expect(bitStringBytes(spki.read(TAG.bitString)).bytes).toEqual(edwards);
});

test("a bit string of whole bytes in a sequence", () => {
  const inner = DerReader.within(only(sequence(bitString(Uint8Array.of(1, 2))), TAG.sequence));
  expect(bitStringBytes(inner.read(TAG.bitString))).toEqual({ bytes: Uint8Array.of(1, 2), unused: 0 });
});
