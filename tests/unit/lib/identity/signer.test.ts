/** Signers with keys in memory: what they make verifies by node:crypto, and the self-test finds those that have another key. */
import { expect, test } from "bun:test";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { MemorySigner } from "../../../../lib/identity/memory-signer.ts";
import { testSigner } from "../../../../lib/identity/self-test.ts";
import { schemesOf, type Scheme, type Signer } from "../../../../lib/identity/signer.ts";

const KEYS: [string, KeyObject, Scheme["kind"][]][] = [
  ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey, ["rsa-pkcs1", "rsa-pss"]],
  ["P-256", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, ["ecdsa"]],
  ["P-384", generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey, ["ecdsa"]],
  ["P-521", generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey, ["ecdsa"]],
  ["Ed25519", generateKeyPairSync("ed25519").privateKey, ["ed25519"]],
];

test.each(KEYS)("%s", async (_name, key, kinds) => {
  const signer = new MemorySigner("a key", createPrivateKey(key.export({ type: "pkcs8", format: "pem" })));
  expect(schemesOf(signer.publicKey).map(({ kind }) => kind)).toEqual(kinds);
  await testSigner(signer);
});

test.each(KEYS)("%s in place of another key of its kind", async (_name, key) => {
  const signer = new MemorySigner("a key", key);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const other = generateKeyPairSync(
    type as "ec",
    { namedCurve: details?.namedCurve ?? "", modulusLength: 2048 } as never,
  );
  const impostor: Signer = {
    name: "another",
    publicKey: other.publicKey,
    sign: (scheme, message) => signer.sign(scheme, message),
  };
  await expect(testSigner(impostor)).rejects.toMatchObject({ code: "signer.wrong_signature" });
});

test("keys of other kinds are not signed with", async () => {
  const { privateKey } = generateKeyPairSync("x25519");
  await expect(testSigner(new MemorySigner("a key", privateKey))).rejects.toMatchObject({
    code: "signer.unsupported_key",
  });
});
