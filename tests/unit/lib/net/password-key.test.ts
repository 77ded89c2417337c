/** The key is one for all, and opens what OpenSSL encrypts to it. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { passwordKey } from "../../../../lib/net/password-key.ts";
import { opensslBytes } from "../../../support/pki.ts";

test("what is encrypted to it is opened, anything else is not", async () => {
  const key = await passwordKey();
  const folder = mkdtempSync(join(tmpdir(), "portail-key-"));
  try {
    writeFileSync(join(folder, "key.pem"), key.pem);
    const oaep = ["-pubin", "-inkey", join(folder, "key.pem"), "-pkeyopt", "rsa_padding_mode:oaep"];
    const encrypted = opensslBytes(["pkeyutl", "-encrypt", ...oaep], "secret\0");
    expect(Buffer.from(key.open(encrypted)!).toString()).toBe("secret\0");
    encrypted[9]! ^= 1;
    expect(key.open(encrypted)).toBeUndefined();
    expect(key.open(new Uint8Array(3))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("is one for all", async () => {
  const keys = await Promise.all([passwordKey(), passwordKey()]);
  expect(keys[0]).toBe(keys[1]);
});
