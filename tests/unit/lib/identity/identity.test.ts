/** Identities out of every kind of file that openssl writes, and the error for each mistake, never with a secret in it. */
import { afterAll, describe, expect, test } from "bun:test";
import { createPrivateKey } from "node:crypto";
import { readIdentity, type FileIdentity } from "../../../../lib/identity/identity.ts";
import { Secret } from "../../../../lib/identity/secret.ts";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { derKey, encryptedKey, pkcs12, pkcs7, traditionalKey, type KeyCipher } from "../../../support/pki-forms.ts";
import { authority, derOf, openssl, selfSigned, type Certified, type KeyType } from "../../../support/pki.ts";
import { needing } from "../../../support/needs.ts";
import { Scene } from "../../../support/scene.ts";
import { refusal } from "./refusal.ts";

type Content = string | Uint8Array;

const PASSWORD = "s3cret pä€";
const KEYS: KeyType[] = ["p256", "p384", "rsa", "ed25519"];

const scene = new Scene();
afterAll(() => scene.close());

needing("identities are read from what openssl writes", ["openssl"], () => {
  const root = authority();
  const middle = root.intermediate();
  const leaf = middle.issue({ cn: "leaf.test" });
  const other = middle.issue({ cn: "other.test" });

  function pair(cert: Content, key: Content, password?: string): FileIdentity {
    const source = { kind: "pair", cert: scene.write("cert", cert), key: scene.write("key", key) } as const;
    return readIdentity({ ...source, password: secret(password) }, files());
  }

  function keystore(content: Content, password?: string): FileIdentity {
    const source = { kind: "keystore", keystore: scene.write("store", content) } as const;
    return readIdentity({ ...source, password: secret(password) }, files());
  }

  function files(): SourceFiles {
    return new SourceFiles({ cwd: scene.folder, env: {} });
  }

  function secret(password: string | undefined): Secret | undefined {
    return password === undefined ? undefined : Secret.ofText(password);
  }

  /** Leaf first, then the issuers, and the key in the clear, whatever it was read from. */
  function expectIs({ credential, chain, warnings }: FileIdentity, { key, chain: pem }: Certified): void {
    expect(credential.cert).toBe(pem);
    expect(credential.key).toStartWith("-----BEGIN PRIVATE KEY-----\n");
    expect(createPrivateKey(credential.key).equals(createPrivateKey(key))).toBe(true);
    const blocks = pem.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g)!;
    expect(chain.map((der) => Buffer.from(der))).toEqual(blocks.map((block) => Buffer.from(derOf(block))));
    expect(warnings).toEqual([]);
  }

  describe.each(KEYS)("an identity of %s", (type) => {
    const made = middle.issue({ key: type });
    const ciphers: KeyCipher[] = [
      "pbes2",
      "pbes1",
      "scrypt",
      ...(type === "ed25519" ? [] : (["traditional"] as const)),
    ];

    test("in two files", () => expectIs(pair(made.chain, made.key), made));
    test("in one file", () => expectIs(keystore(made.key + made.chain), made));
    test("in PKCS#12", () => expectIs(keystore(pkcs12(made, { password: PASSWORD }), PASSWORD), made));
    test("with a key in DER", () => expectIs(pair(made.chain, derKey(made)), made));
    test.each(ciphers)("with an encrypted key: %s", (cipher) => {
      expectIs(pair(made.chain, encryptedKey(made, PASSWORD, cipher), PASSWORD), made);
      expect(refusal(() => pair(made.chain, encryptedKey(made, PASSWORD, cipher), "wrong")).code).toBe(
        "identity.wrong_password",
      );
    });
    if (type !== "ed25519") {
      test("with a key in the form of old", () => {
        expectIs(pair(made.chain, traditionalKey(made)), made);
        expectIs(pair(made.chain, derOf(traditionalKey(made))), made);
      });
    }
  });

  describe("a PKCS#12 file", () => {
    const ciphers = ["modern", "legacy", "none"] as const;
    const passwords = ["", "x", PASSWORD, "𝄞"];
    const cases = ciphers.flatMap((cipher) => passwords.map((password) => [cipher, password] as const));

    test.each(cases)("encrypted as %s under %j", (cipher, password) => {
      expectIs(keystore(pkcs12(leaf, { cipher, password }), password), leaf);
      expect(refusal(() => keystore(pkcs12(leaf, { cipher, password }), "wrong")).code).toBe("identity.wrong_password");
    });

    test("needs no password when its is empty", () => expectIs(keystore(pkcs12(leaf)), leaf));
    test("without a MAC", () => expectIs(keystore(pkcs12(leaf, { mac: false, password: "x" }), "x"), leaf));
    test("is known by what it is, not by its name", () => {
      const path = scene.write("store.pem", pkcs12(leaf));
      expectIs(readIdentity({ kind: "keystore", keystore: path }, files()), leaf);
    });
    test("without a key", () => {
      expect(refusal(() => keystore(pkcs12(leaf, { without: "key" }))).code).toBe("identity.no_key");
    });
    test("without a certificate", () => {
      expect(refusal(() => keystore(pkcs12(leaf, { without: "certs" }))).code).toBe("identity.no_certificate");
    });
    test("is not taken for a certificate or a key", () => {
      const error = refusal(() => pair(pkcs12(leaf), leaf.key));
      expect([error.code, error.hint]).toEqual([
        "identity.no_certificate",
        "it is a PKCS#12 file: give it as --keystore",
      ]);
      expect(refusal(() => pair(leaf.cert, pkcs12(leaf))).code).toBe("identity.no_key");
    });
  });

  describe("the chain", () => {
    test("begins with the certificate of the key, in whatever order the file is", () => {
      expectIs(keystore(middle.cert + leaf.key + leaf.cert), leaf);
      expectIs(pair(middle.cert + leaf.cert, leaf.key), leaf);
      expectIs(pair(leaf.chain, other.key + leaf.key), leaf);
    });
    test("has a certificate once", () => expectIs(pair(leaf.chain + leaf.chain, leaf.key), leaf));
    test("keeps what is no issuer behind the issuers, and a root that is in the file", () => {
      const { cert } = pair(leaf.cert + other.cert + root.cert + middle.cert, leaf.key).credential;
      expect(cert).toBe(leaf.cert + middle.cert + root.cert + other.cert);
    });
    test("may be a certificate that vouches for itself", () => {
      const alone = selfSigned();
      expectIs(keystore(alone.cert + alone.key), alone);
    });
    test("is taken from PKCS#7, DER, text around it, and lines of Windows", () => {
      expectIs(pair(pkcs7(leaf), leaf.key), leaf);
      expectIs(pair(derOf(pkcs7(leaf)), leaf.key), leaf);
      const { cert } = pair(leaf.der, leaf.key).credential;
      expect(cert).toBe(leaf.cert);
      expectIs(pair(openssl(["x509", "-text"], leaf.cert) + middle.cert, leaf.key), leaf);
      expectIs(keystore(`\ufeff${(leaf.chain + leaf.key).replaceAll("\n", "\r\n")}`), leaf);
      expectIs(pair(openssl(["x509", "-trustout", "-setalias", "x"], leaf.cert) + middle.cert, leaf.key), leaf);
    });
  });

  describe("a warning", () => {
    test("says that the certificate expired", () => {
      const old = root.issue({ from: -9, to: -2 });
      const [warning, ...more] = pair(old.chain, old.key).warnings;
      expect(more).toEqual([]);
      expect(warning).toMatch(/^the certificate "CN=localhost" in ".*cert" expired at .*Z: peers will refuse it$/);
    });
    test("says that the certificate is not valid yet", () => {
      const early = root.issue({ from: 2, to: 9 });
      expect(pair(early.chain, early.key).warnings).toEqual([expect.stringContaining("is not valid before")]);
    });
  });

  describe("a mistake", () => {
    const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const x25519 = openssl(["genpkey", "-algorithm", "ed448"]);
    const cut = leaf.key.replace(/-----END[^]*/, "");
    const md5 = openssl(
      ["pkcs8", "-topk8", "-v1", "PBE-MD5-DES", "-provider", "legacy", "-provider", "default", "-passout", "pass:x"],
      leaf.key,
    );
    const JKS = Buffer.from("feedfeed00000002", "hex");
    const JCEKS = Buffer.from("cececece00000002", "hex");
    const wrongKey = derOf(leaf.key).slice(0, -9);

    test.each<[name: string, () => unknown, code: string, exit: number]>([
      ["the key of another certificate", () => pair(leaf.chain, other.key), "mismatch", 65],
      ["the key of another kind", () => pair(leaf.chain, root.issue({ key: "rsa" }).key), "mismatch", 65],
      ["the key of an authority in the chain and no leaf's", () => keystore(leaf.chain + root.key), "mismatch", 65],
      ["a key as certificate", () => pair(leaf.key, leaf.key), "key_as_certificate", 65],
      ["a certificate as key", () => pair(leaf.chain, leaf.chain), "certificate_as_key", 65],
      ["a bare key as keystore", () => keystore(leaf.key), "no_certificate", 65],
      ["a bare certificate as keystore", () => keystore(leaf.chain), "no_key", 65],
      ["an empty certificate", () => pair("", leaf.key), "empty", 65],
      ["an empty key", () => pair(leaf.chain, ""), "empty", 65],
      ["an empty keystore", () => keystore(""), "empty", 65],
      ["blank lines", () => keystore("\n \n"), "unknown_format", 65],
      ["a text", () => pair("hello", leaf.key), "unknown_format", 65],
      ["a damaged certificate", () => pair(leaf.cert + broken, leaf.key), "bad_certificate", 65],
      ["a damaged key", () => pair(leaf.cert, wrongKey), "unknown_format", 65],
      ["a key that is cut off", () => pair(leaf.cert, cut), "damaged", 65],
      ["a key of a kind that is not known", () => pair(leaf.cert, x25519), "unsupported_key", 65],
      ["no password for PKCS#8", () => pair(leaf.cert, encryptedKey(leaf, "x")), "password_missing", 65],
      [
        "no password for old PEM",
        () => pair(leaf.cert, encryptedKey(leaf, "x", "traditional")),
        "password_missing",
        65,
      ],
      ["no password for PKCS#12", () => keystore(pkcs12(leaf, { password: "x" })), "password_missing", 65],
      ["a cipher of old", () => pair(leaf.cert, md5, "x"), "unsupported_encryption", 65],
      ["a damaged PKCS#12", () => keystore(pkcs12(leaf).slice(0, -40)), "unknown_format", 65],
      ["a Java keystore", () => keystore(JKS, "changeit"), "java_keystore", 65],
      ["a Java keystore of the other kind", () => keystore(JCEKS, "changeit"), "java_keystore", 65],
    ])("is refused: %s", (_, call, code, exit) => {
      const error = refusal(call);
      expect([error.code, error.exit]).toEqual([`identity.${code}`, exit as typeof error.exit]);
      expect(error.everything).not.toContain("MI");
    });

    test("in a name is refused with its reason", () => {
      const read = (cert: string, key: string) => refusal(() => readIdentity({ kind: "pair", cert, key }, files()));
      const cert = scene.write("good", leaf.chain);
      expect(read("nowhere", "nowhere")).toMatchObject({
        code: "identity.cert_unreadable",
        exit: 66,
        message: 'cannot read certificate "nowhere": no such file',
      });
      expect(read(cert, scene.folder)).toMatchObject({ code: "identity.key_unreadable", exit: 66 });
    });

    test("tells how to convert a Java keystore", () => {
      expect(refusal(() => keystore(JKS)).hint).toContain("keytool -importkeystore -srcstoretype JKS");
    });

    test("names both files where they do not match", () => {
      expect(refusal(() => pair(leaf.chain, other.key)).message).toMatch(
        /^the private key in ".*key" is of no certificate in ".*cert", such as "CN=leaf.test"$/,
      );
    });
  });

  test("a wrong password is one, also where by chance it leaves what looks like a text", () => {
    // One of 256 passes for well padded; in 3,000, nearly always some do.
    const flags = ["pkcs8", "-topk8", "-iter", "1", "-passout", "pass:right"];
    const encrypted = openssl(flags, leaf.key);
    const codes = Array.from({ length: 3000 }, (_, i) => refusal(() => pair(leaf.cert, encrypted, `wrong ${i}`)).code);
    expect(new Set(codes)).toEqual(new Set(["identity.wrong_password"]));
    expectIs(pair(leaf.chain, encrypted, "right"), leaf);
  });

  test("a password is in no error", () => {
    const secret = "hunter2-hunter2";
    const calls = [
      () => keystore(pkcs12(leaf, { password: "x" }), secret),
      () => pair(leaf.cert, encryptedKey(leaf, "x"), secret),
      () => pair(leaf.cert, encryptedKey(leaf, "x", "traditional"), secret),
      () => pair(leaf.cert, encryptedKey(leaf, "x", "scrypt"), secret),
      () => pair(other.cert, encryptedKey(leaf, secret), secret),
      () => keystore("hunter2-hunter2", secret),
    ];
    for (const call of calls) expect(refusal(call).everything).not.toContain("hunter2");
  });

  test("nothing is printed of a password that an identity is to be read with", () => {
    const source = { kind: "keystore", keystore: "x", password: Secret.ofText("hunter2") };
    expect(Bun.inspect(source) + JSON.stringify(source) + String(source.password)).not.toContain("hunter2");
  });
});
