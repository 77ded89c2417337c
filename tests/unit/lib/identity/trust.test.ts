/** Authorities and revocation lists out of every kind of file, and the warnings about lists. */
import { afterAll, describe, expect, test } from "bun:test";
import { SourceFiles } from "../../../../lib/identity/source-files.ts";
import { readTrust } from "../../../../lib/identity/trust.ts";
import { pkcs12, pkcs7 } from "../../../support/pki-forms.ts";
import { authority, derOf, openssl } from "../../../support/pki.ts";
import { needing } from "../../../support/needs.ts";
import { Scene } from "../../../support/scene.ts";
import { refusal } from "./refusal.ts";

type Content = string | Uint8Array;

const scene = new Scene();
afterAll(() => scene.close());

needing("trust is read from what openssl writes", ["openssl"], () => {
  const a = authority("A");
  const b = authority("B");
  const leaf = a.issue();
  let count = 0;

  const put = (content: Content) => scene.write(`${++count}`, content);

  function trust(cacert: readonly Content[], crl: readonly Content[] = [], env: Record<string, string> = {}) {
    const files = new SourceFiles({ cwd: scene.folder, env });
    return readTrust({ cacert: cacert.map(put), crl: crl.map(put) }, files);
  }

  describe("authorities", () => {
    test.each<[string, Content[], string[]]>([
      ["of several files", [a.cert, b.cert], [a.cert, b.cert]],
      ["of one file", [a.cert + b.cert], [a.cert, b.cert]],
      ["twice", [a.cert + b.cert, b.cert], [a.cert, b.cert]],
      ["in DER", [a.der], [a.cert]],
      ["in PKCS#7", [pkcs7(leaf), derOf(pkcs7(leaf))], [leaf.cert]],
      ["with text", [openssl(["x509", "-text"], a.cert) + b.cert], [a.cert, b.cert]],
      ["with the settings of openssl", [openssl(["x509", "-trustout", "-addtrust", "clientAuth"], a.cert)], [a.cert]],
    ])("%s", (_, cacert, ca) => {
      expect(trust(cacert)).toMatchObject({ ca, crl: [], warnings: [] });
    });

    test.each<[string, Content, string]>([
      ["a key", a.key, "key_as_trust"],
      ["a revocation list", a.crl(), "crl_as_trust"],
      ["a PKCS#12 file", pkcs12(leaf), "keystore_as_trust"],
      ["an empty file", "", "empty"],
      ["a text", "hello", "unknown_format"],
      [
        "other blocks only",
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
        "no_trust",
      ],
      [
        "a damaged one among others",
        `${a.cert}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n`,
        "bad_certificate",
      ],
      ["one that is cut off", a.cert + b.cert.slice(0, -30), "damaged"],
    ])("are not taken from %s", (_, cacert, code) => {
      const error = refusal(() => trust([b.cert, cacert]));
      expect([error.code, error.exit]).toEqual([`identity.${code}`, 65]);
    });

    test("given as something else are called what they are", () => {
      expect(refusal(() => trust([a.key])).message).toMatch(/^trust bundle ".*" is a private key$/);
      expect(refusal(() => trust([a.crl()])).hint).toBe("give it as --crl");
      expect(refusal(() => trust([pkcs12(leaf)])).hint).toStartWith("take the certificates out with: openssl pkcs12");
    });

    test("are not taken from a folder or from nowhere", () => {
      const files = new SourceFiles({ cwd: scene.folder, env: {} });
      expect(refusal(() => readTrust({ cacert: ["."], crl: [] }, files))).toMatchObject({
        code: "identity.cacert_unreadable",
        exit: 66,
        message: 'cannot read trust bundle ".": it is a folder',
      });
      expect(refusal(() => readTrust({ cacert: ["nowhere"], crl: [] }, files)).code).toBe("identity.cacert_unreadable");
    });
  });

  test("of the system are taken where no file is named, and only then", () => {
    const env = { SSL_CERT_FILE: put(a.cert) };
    expect(trust([], [], env).ca).toEqual([a.cert]);
    expect(trust([b.cert], [], env).ca).toEqual([b.cert]);
  });

  describe("revocation lists", () => {
    const [ofA, ofB] = [a.crl(), b.crl({ revoked: [leaf] })];

    test.each<[string, Content[], string[]]>([
      ["of several files", [ofA, ofB], [ofA, ofB]],
      ["of one file", [ofA + ofB], [ofA, ofB]],
      ["in DER", [derOf(ofA), derOf(ofB)], [ofA, ofB]],
    ])("%s", (_, crl, wanted) => {
      expect(trust([a.cert, b.cert], crl)).toMatchObject({ ca: [a.cert, b.cert], crl: wanted, warnings: [] });
    });

    test.each<[string, Content, string]>([
      ["a certificate", a.cert, "no_crl"],
      ["an empty file", "", "empty"],
      ["a damaged list", "-----BEGIN X509 CRL-----\nMIIB\n-----END X509 CRL-----\n", "bad_crl"],
      ["a text", "hello", "unknown_format"],
    ])("are not taken from %s", (_, crl, code) => {
      expect(refusal(() => trust([a.cert], [ofA, crl])).code).toBe(`identity.${code}`);
    });

    test("tell until when an authority has a current one", () => {
      const until = (list: string) =>
        Date.parse(openssl(["crl", "-noout", "-nextupdate"], list).replace("nextUpdate=", ""));
      const later = a.crl({ to: 30 });
      const { listedUntil } = trust([a.cert, b.cert], [ofA, later, a.crl({ to: 3 })]);
      expect(listedUntil("CN=A")).toBe(until(later));
      expect(listedUntil("cn=a")).toBe(until(later));
      expect(listedUntil("CN=B")).toBe(Infinity);
    });

    test("that expired are taken with a warning", () => {
      const { warnings, crl } = trust([a.cert], [a.crl({ from: -9, to: -2 })]);
      expect(crl).toHaveLength(1);
      expect(warnings).toEqual([
        expect.stringMatching(/^the revocation list of "CN=A" in ".*" expired at .*Z: all peers below that authority/),
      ]);
    });

    test("that do not hold yet are taken with a warning", () => {
      expect(trust([a.cert], [a.crl({ from: 2, to: 9 })]).warnings).toEqual([
        expect.stringContaining("does not hold before"),
      ]);
    });

    test("are missed where an authority has none", () => {
      expect(trust([a.cert, b.cert, leaf.cert], [ofA]).warnings).toEqual([
        expect.stringMatching(/^there is no revocation list of the authority "CN=B": with --crl, each authority/),
      ]);
      const [warning] = trust([a.cert, b.cert, authority("C").cert], [ofA]).warnings;
      expect(warning).toContain('the authority "CN=B" and 1 more: ');
    });
  });
});
