/** What decryption under a password refuses: costs without end, schemes of others, parameters that are none. */
import { describe, expect, test } from "bun:test";
import { bmpString, decryptPbe, deriveKey, PbeError, pkcs12Key } from "../../../../lib/identity/pbe.ts";
import { DerError, DerReader } from "../../../../lib/wire/der.ts";

const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SCRYPT = "1.3.6.1.4.1.11591.4.11";
const OLD_3DES = "1.2.840.113549.1.12.1.3";
const SALT = "0401aa";

/** A SEQUENCE of what `hex` holds, less than 128 bytes. */
function parameters(hex: string) {
  const content = Buffer.from(hex, "hex");
  return new DerReader(Buffer.concat([Uint8Array.of(0x30, content.length), content])).next();
}

function failure(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof PbeError) return error.kind;
    if (error instanceof DerError) return "damaged";
    throw error;
  }
  throw new Error("it was not refused");
}

const data = new Uint8Array(16);
const old = (hex: string) => () => decryptPbe({ oid: OLD_3DES, parameters: parameters(hex) }, data, "x");
const derive = (oid: string, hex: string) => () => deriveKey({ oid, parameters: parameters(hex) }, "x", 16);

describe("a key is not derived", () => {
  test.each([
    ["with too many iterations", old(`${SALT}02047fffffff`), "unsupported"],
    ["with no iteration", old(`${SALT}020100`), "unsupported"],
    ["with a negative number of them", old(`${SALT}0201ff`), "damaged"],
    ["without a salt", old("020101"), "damaged"],
    ["with too many iterations of PBKDF2", derive(PBKDF2, `${SALT}02047fffffff`), "unsupported"],
    ["with no iteration of PBKDF2", derive(PBKDF2, `${SALT}020100`), "unsupported"],
    ["with a function that is not known", derive(PBKDF2, `${SALT}020101300306012a`), "unsupported"],
    ["with all memory", derive(SCRYPT, `${SALT}02047fffffff020108020101`), "unsupported"],
    ["with all time", derive(SCRYPT, `${SALT}0202020002010102030fffff`), "unsupported"],
    ["with costs that scrypt does not take", derive(SCRYPT, `${SALT}020103020101020101`), "unsupported"],
    ["by another scheme", derive("1.2.3", SALT), "unsupported"],
    ["without parameters", () => deriveKey({ oid: PBKDF2, parameters: undefined }, "x", 16), "unsupported"],
  ])("%s", (_, call, kind) => expect(failure(call)).toBe(kind));
});

describe("nothing is decrypted", () => {
  const zeros = Buffer.alloc(16);
  test.each([
    ["by another scheme", () => decryptPbe({ oid: "1.2.3", parameters: parameters(SALT) }, zeros, "x"), "unsupported"],
    ["without parameters", () => decryptPbe({ oid: PBES2, parameters: undefined }, zeros, "x"), "unsupported"],
    [
      "with parameters of another type",
      () => decryptPbe({ oid: PBES2, parameters: new DerReader(Buffer.from("0500", "hex")).next() }, zeros, "x"),
      "damaged",
    ],
    ["with a wrong password", old(`${SALT}020101`), "wrong"],
    [
      "of a length that no cipher makes",
      () => decryptPbe({ oid: OLD_3DES, parameters: parameters(`${SALT}020101`) }, new Uint8Array(5), "x"),
      "wrong",
    ],
  ])("%s", (_, call, kind) => expect(failure(call)).toBe(kind));
});

test("a password is UTF-16 with two zero bytes behind", () => {
  expect(Buffer.from(bmpString("a€𝄞")).toString("hex")).toBe("006120acd834dd1e0000");
});

test("a key has the length that was asked for", () => {
  for (const length of [0, 1, 20, 21, 64, 65]) {
    expect(pkcs12Key("sha1", bmpString("x"), Uint8Array.of(1), 2, "key", length)).toHaveLength(length);
  }
});
