/** What a DER file is: one of each kind, made by openssl, and what is none. */
import { expect, test } from "bun:test";
import { kindOfDer, type DerKind } from "../../../../lib/wire/der-kind.ts";
import { needing } from "../../../support/needs.ts";
import { derKey, encryptedKey, pkcs12, pkcs7, traditionalKey } from "../../../support/pki-forms.ts";
import { authority, derOf, inFolder, openssl, opensslBytes, put } from "../../../support/pki.ts";

needing("kinds of DER are told apart", ["openssl"], () => {
  const ca = authority();
  const leaf = ca.issue();
  const rsa = ca.issue({ key: "rsa" });
  const bare = inFolder((folder) => {
    const key = put(folder, "key", leaf.key);
    const request = openssl(["req", "-new", "-key", key, "-subj", "/CN=bare"]);
    return openssl(["x509", "-req", "-signkey", key], request);
  });

  test.each<[string, Uint8Array, DerKind | undefined]>([
    ["a certificate", leaf.der, "certificate"],
    ["an authority's certificate", ca.der, "certificate"],
    ["a certificate without extensions, of version 1 where openssl still makes it", derOf(bare), "certificate"],
    ["a revocation list", derOf(ca.crl()), "crl"],
    ["a revocation list that has entries", derOf(ca.crl({ revoked: [leaf] })), "crl"],
    ["PKCS#7", derOf(pkcs7(leaf)), "pkcs7"],
    ["PKCS#12", pkcs12(leaf), "pkcs12"],
    ["PKCS#12 without a MAC", pkcs12(leaf, { mac: false }), "pkcs12"],
    ["a key", derKey(leaf), "pkcs8"],
    ["an RSA key", derKey(rsa), "pkcs8"],
    ["an Ed25519 key", derKey(ca.issue({ key: "ed25519" })), "pkcs8"],
    ["an encrypted key", derOf(encryptedKey(leaf, "x")), "encrypted-key"],
    ["an RSA key of old", derOf(traditionalKey(rsa)), "pkcs1"],
    ["a key of old", derOf(traditionalKey(leaf)), "sec1"],
    ["a public key", opensslBytes(["pkey", "-pubout", "-outform", "DER"], leaf.key), undefined],
    ["nothing", new Uint8Array(0), undefined],
    ["an empty sequence", Uint8Array.of(0x30, 0), undefined],
    ["what is cut off", leaf.der.slice(0, 40), undefined],
  ])("%s", (_, der, kind) => expect(kindOfDer(der)).toBe(kind));
});
