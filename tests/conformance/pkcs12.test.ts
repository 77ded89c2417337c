/** PKCS#12 files of other programs, in all the ways that they encrypt them, and the vectors of RFC 9579. None is of our making. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pkcs12Key } from "../../lib/identity/pbe.ts";
import { openPkcs12 } from "../../lib/identity/pkcs12.ts";
import { needing } from "../support/needs.ts";
import { authority, derOf, inFolder, openssl, opensslBytes, put, type Certified } from "../support/pki.ts";
import { run } from "../support/program.ts";
import { Scene } from "../support/scene.ts";

// NSS iterates 600,000 times.
setDefaultTimeout(60_000);

function expectHolds(bytes: Uint8Array, password: string, { der, key }: Certified, certificates = 2): void {
  const { certs, keys } = openPkcs12(bytes, password);
  expect(certs).toHaveLength(certificates);
  expect(certs.map((cert) => Buffer.from(cert).toString("hex"))).toContain(Buffer.from(der).toString("hex"));
  expect(keys).toHaveLength(1);
  const read = createPrivateKey({ key: Buffer.from(keys[0]!), format: "der", type: "pkcs8" });
  expect(read.equals(createPrivateKey(key))).toBe(true);
}

describe("RFC 9579, appendix A", () => {
  const bytes = derOf(readFileSync(join(import.meta.dir, "pkcs12/rfc9579-a1.pem"), "utf8"));

  test("A.1: PBMAC1 with SHA-256", () => {
    const { certs, keys } = openPkcs12(bytes, "1234");
    expect([certs.length, keys.length]).toEqual([1, 1]);
    expect(() => openPkcs12(bytes, "1235")).toThrow("the password does not fit");
  });

  test("a MAC over other bytes does not fit", () => {
    const changed = Buffer.from(bytes);
    changed[1000]! ^= 1;
    expect(() => openPkcs12(changed, "1234")).toThrow("the password does not fit");
  });
});

needing("PKCS#12 files of openssl", ["openssl"], () => {
  const leaf = authority().intermediate().issue();
  const providers = ["-provider", "default", "-provider", "legacy"];

  function exported(flags: readonly string[], password = "x"): Uint8Array {
    return inFolder((folder) => {
      const input = ["-inkey", put(folder, "key", leaf.key), "-in", put(folder, "chain", leaf.chain)];
      return opensslBytes(["pkcs12", "-export", ...input, ...flags, "-passout", `pass:${password}`]);
    });
  }

  test.each([
    "aes-128-cbc",
    "aes-192-cbc",
    "aes-256-cbc",
    "des-ede3-cbc",
    "PBE-SHA1-3DES",
    "PBE-SHA1-2DES",
    "PBE-SHA1-RC2-128",
    "PBE-SHA1-RC2-40",
    "NONE",
  ])("encrypted with %s", (cipher) => {
    expectHolds(exported([...providers, "-keypbe", cipher, "-certpbe", cipher]), "x", leaf);
  });

  test.each(["sha1", "sha224", "sha256", "sha384", "sha512"])("with a MAC of %s", (digest) => {
    expectHolds(exported(["-macalg", digest]), "x", leaf);
    expect(() => openPkcs12(exported(["-macalg", digest]), "y")).toThrow("the password does not fit");
  });

  test.each(["1", "100000"])("iterated %s times", (iterations) => {
    expectHolds(exported(["-iter", iterations]), "x", leaf);
  });

  test("with names", () => expectHolds(exported(["-name", "näme", "-caname", "ca"]), "x", leaf));
});

needing("keys as openssl derives them", ["openssl"], () => {
  const ids = { key: "1", iv: "2", mac: "3" } as const;
  const secrets = ["", "0000", "0073006d006500670000", "00e4".repeat(60)];
  const digests = ["sha1", "sha256", "sha512"] as const;
  const cases = digests.flatMap((digest) =>
    secrets.flatMap((secret) => [8, 24, 100].map((n) => [digest, secret, n] as const)),
  );

  test.each(cases)("%s, secret %j, %d bytes", (digest, secret, length) => {
    for (const [purpose, id] of Object.entries(ids)) {
      const options = { digest, hexpass: secret, hexsalt: "0a58cf64530d823f", iter: "7", id };
      const flags = Object.entries(options).flatMap(([name, value]) => ["-kdfopt", `${name}:${value}`]);
      const wanted = openssl(["kdf", "-keylen", String(length), ...flags, "PKCS12KDF"]).trim();
      const salt = Buffer.from(options.hexsalt, "hex");
      const key = pkcs12Key(digest, Buffer.from(secret, "hex"), salt, 7, purpose as keyof typeof ids, length);
      expect(Buffer.from(key).toString("hex")).toBe(wanted.replaceAll(":", "").toLowerCase());
    }
  });
});

needing("PKCS#12 files of NSS, which are BER", ["openssl", "certutil", "pk12util"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());
  const leaf = authority().intermediate().issue({ cn: "nss.test", key: "rsa" });

  async function nss(command: readonly string[]): Promise<void> {
    const { status, stdout, stderr } = await run(command, { cwd: scene.folder });
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
  }

  test.each(["AES-256-CBC", "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC"])(
    "encrypted with %s",
    async (cipher) => {
      const database = `sql:${scene.mkdir(`db-${cipher.length}`)}`;
      const input = inFolder((folder) => {
        const from = ["-inkey", put(folder, "key", leaf.key), "-in", put(folder, "chain", leaf.chain)];
        return opensslBytes(["pkcs12", "-export", ...from, "-name", "me", "-passout", "pass:in"]);
      });
      await nss(["certutil", "-N", "-d", database, "--empty-password"]);
      await nss(["pk12util", "-i", scene.write("in.p12", input), "-d", database, "-W", "in"]);
      await nss(["pk12util", "-o", "out.p12", "-n", "me", "-d", database, "-W", "pä w", "-c", cipher, "-C", cipher]);
      const out = readFileSync(scene.path("out.p12"));
      // An indefinite length: what makes it BER.
      expect([out[0], out[1]]).toEqual([0x30, 0x80]);
      expectHolds(out, "pä w", leaf);
      expect(() => openPkcs12(out, "pa w")).toThrow("the password does not fit");
    },
  );
});
