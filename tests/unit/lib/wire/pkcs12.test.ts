/** The structure of PKCS#12 files of openssl: safes, bags, MAC; and that other files are refused. */
import { describe, expect, test } from "bun:test";
import { DerError } from "../../../../lib/wire/der.ts";
import { decodeBags, decodePkcs12 } from "../../../../lib/wire/pkcs12.ts";
import { needing } from "../../../support/needs.ts";
import { pkcs12, pkcs7 } from "../../../support/pki-forms.ts";
import { authority, derOf } from "../../../support/pki.ts";

needing("PKCS#12 files are taken apart", ["openssl"], () => {
  const leaf = authority().intermediate().issue();

  test("into an encrypted safe of certificates and an open one of an encrypted key", () => {
    const { safes, mac } = decodePkcs12(pkcs12(leaf, { password: "x" }));
    expect(safes.map(({ kind }) => kind)).toEqual(["encrypted", "open"]);
    expect(mac).toMatchObject({ iterations: 2048, digest: { oid: "2.16.840.1.101.3.4.2.1" } });
    const [, open] = safes;
    if (open?.kind !== "open") throw new Error("no open safe");
    expect(decodeBags(open.bags)).toEqual([
      {
        kind: "encrypted-key",
        algorithm: expect.objectContaining({ oid: "1.2.840.113549.1.5.13" }),
        data: expect.anything(),
      },
    ]);
  });

  test("into bags, where nothing is encrypted", () => {
    const { safes, mac } = decodePkcs12(pkcs12(leaf, { cipher: "none", mac: false }));
    expect(mac).toBeUndefined();
    const bags = safes.flatMap((safe) => (safe.kind === "open" ? decodeBags(safe.bags) : []));
    expect(bags.map(({ kind }) => kind)).toEqual(["certificate", "certificate", "key"]);
    const [first] = bags;
    expect(first?.kind === "certificate" && Buffer.from(first.der).equals(leaf.der)).toBe(true);
  });

  describe("and refused", () => {
    test.each([
      ["cut off", pkcs12(leaf).slice(0, -1)],
      ["with more behind", Buffer.concat([pkcs12(leaf), Uint8Array.of(0)])],
      ["where they are PKCS#7", derOf(pkcs7(leaf))],
      ["where they are certificates", leaf.der],
    ])("%s", (_, bytes) => expect(() => decodePkcs12(bytes)).toThrow(DerError));
  });
});

test("bags in bags are read to a depth", () => {
  const wrap = (hex: string, tag: string) => `${tag}82${(hex.length / 2).toString(16).padStart(4, "0")}${hex}`;
  const nested = (depth: number): string => {
    const inner = depth === 0 ? "3000" : nested(depth - 1);
    return wrap(wrap(`060b2a864886f70d010c0a0106${wrap(inner, "a0")}`, "30"), "30");
  };
  expect(decodeBags(Buffer.from(nested(5), "hex"))).toEqual([]);
  expect(() => decodeBags(Buffer.from(nested(20), "hex"))).toThrow("nested too deep");
});
