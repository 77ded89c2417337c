/** Certificates out of PKCS#7 files of openssl, in their order. */
import { expect, test } from "bun:test";
import { DerError } from "../../../../lib/wire/der.ts";
import { pkcs7Certificates } from "../../../../lib/wire/pkcs7.ts";
import { needing } from "../../../support/needs.ts";
import { pkcs7 } from "../../../support/pki-forms.ts";
import { authority, derOf, openssl } from "../../../support/pki.ts";

needing("PKCS#7 files are read", ["openssl"], () => {
  const ca = authority();
  const leaf = ca.intermediate().issue();
  const hex = (list: Uint8Array[]) => list.map((der) => Buffer.from(der).toString("hex"));

  test("with their certificates", () => {
    expect(hex(pkcs7Certificates(derOf(pkcs7(leaf))))).toEqual(hex([leaf.der, ca.intermediate().der]));
  });

  test("with none, where they hold a revocation list alone", () => {
    const lists = openssl(["crl2pkcs7", "-in", "/dev/stdin"], ca.crl());
    expect(pkcs7Certificates(derOf(lists))).toEqual([]);
  });

  test("and refused where they are something else", () => {
    expect(() => pkcs7Certificates(leaf.der)).toThrow(DerError);
    expect(() => pkcs7Certificates(derOf(pkcs7(leaf)).slice(0, -1))).toThrow(DerError);
  });
});
