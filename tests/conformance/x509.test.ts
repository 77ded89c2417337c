/** Certificates made by openssl(1), read here and by openssl(1) or the runtime's BoringSSL: both must say the same. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { checkServerName } from "../../lib/identity/server-name.ts";
import { decodePeer, type Peer } from "../../lib/identity/peer.ts";
import { type Certificate, decodeCertificate } from "../../lib/wire/x509.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { Scene } from "../support/scene.ts";
import { KEY_KINDS, type KeyKind, OpenSsl } from "./openssl.ts";

setDefaultTimeout(60_000);

function decode(der: Uint8Array): Certificate {
  const decoded = decodeCertificate(der);
  if (decoded.kind === "bad") throw new Error(decoded.reason);
  return decoded.value;
}

function peerOf(der: Uint8Array): Peer {
  const decoded = decodePeer(der);
  if (decoded.kind === "bad") throw new Error(decoded.reason);
  return decoded.value;
}

/** The DER with one run of bytes in the place of another of the same length, wherever it stands. */
function patched(der: Uint8Array, from: string, to: string): Uint8Array {
  const text = Buffer.from(der).toString("latin1");
  expect(text).toContain(from);
  expect(to).toHaveLength(from.length);
  return new Uint8Array(Buffer.from(text.replaceAll(from, to), "latin1"));
}

const NEEDS = ["openssl"];
if (missing(NEEDS).length > 0) leaveOut("certificates of openssl", missing(NEEDS));
else describe("openssl", tellOfOpenSsl);

function tellOfOpenSsl(): void {
  const scene = new Scene();
  const openssl = new OpenSsl(scene);
  afterAll(() => scene.close());

  /** Holds what both say of the certificate as a whole against each other. */
  async function expectSame(der: Uint8Array): Promise<Certificate> {
    const certificate = decode(der);
    const names = ["-subject", "-issuer", "-nameopt", "RFC2253,utf8,-esc_msb"];
    const shown = await openssl.show(der, "-serial", ...names, "-dates", "-dateopt", "iso_8601");
    const line = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(shown)![1]!;
    expect(certificate.serial).toBe(line("serial").toLowerCase());
    expect(certificate.subject.text).toBe(line("subject"));
    expect(certificate.issuer.text).toBe(line("issuer"));
    expect(certificate.notBefore).toBe(Date.parse(line("notBefore").replace(" ", "T")));
    expect(certificate.notAfter).toBe(Date.parse(line("notAfter").replace(" ", "T")));
    expect(certificate.spki).toEqual(await openssl.publicKey(der));
    return certificate;
  }

  test.each(Object.keys(KEY_KINDS) as KeyKind[])("a key of kind %s, and its pins", async (key) => {
    const der = await openssl.certificate({ key });
    const spki = (await expectSame(der)).spki;
    const peer = peerOf(der);
    for (const algorithm of ["sha256", "sha384", "sha512"] as const)
      expect(peer.pinBy(algorithm)).toBe(createHash(algorithm).update(spki).digest("base64"));
    const file = scene.write("spki.der", spki);
    expect(await openssl.run("dgst", "-sha256", "-r", file)).toStartWith(
      Buffer.from(peer.pin, "base64").toString("hex"),
    );
  });

  describe("names", () => {
    test.each<[string, string[], string | undefined]>([
      ["of all usual attributes", ["C = FR", "ST = Île", "L = Paris", "O = Acme", "OU = eng", "CN = client"], "client"],
      ["with what RFC 4514 escapes", ['CN = a\\, b+c\\"d\\"\\\\e<f>\\;g\\#h=i'], 'a, b+c"d"\\e<f>;g#h=i'],
      ["with a number sign in front", ["CN = \\#a"], "#a"],
      ["in UTF-8", ["CN = zoé 漢字 😀"], "zoé 漢字 😀"],
      ["of several values", ["O = Acme", "OU = eng", "+CN = client", "+UID = 7"], "client"],
      ["of domain components", ["0.DC = net", "1.DC = example", "UID = jsmith"], undefined],
      ["of several units and common names", ["0.OU = a", "1.OU = b", "0.CN = Users", "1.CN = Jane"], "Jane"],
      ["with an e-mail address", ["CN = a", "emailAddress = a@b.example"], "a"],
      ["with a number of a device", ["CN = a", "serialNumber = 123-456"], "a"],
    ])("%s", async (_, subject, cn) => {
      const der = await openssl.certificate({ subject });
      await expectSame(der);
      expect(peerOf(der).cn).toBe(cn!);
    });

    test.each([
      ["T61String", "MASK:0x0004", "zoé"],
      ["BMPString", "MASK:0x0800", "zoé 漢"],
      ["UniversalString", "MASK:0x0100", "zoé 😀"],
      ["PrintableString", "MASK:0x0002", "client"],
      ["IA5String", "MASK:0x0010", "a_client*"],
    ])("as %s", async (_, stringMask, text) => {
      const der = await openssl.certificate({ stringMask, subject: [`CN = ${text}`] });
      await expectSame(der);
      expect(peerOf(der).cn).toBe(text);
    });

    test.each(["\0", "\n", "\x7f"])("with %j in the common name or a unit are refused", async (mark) => {
      for (const type of ["CN", "OU"]) {
        const der = await openssl.certificate({ subject: [`${type} = good.example_evil.example`] });
        const planted = patched(der, "good.example_evil", `good.example${mark}evil`);
        expect(decodeCertificate(planted)).toMatchObject({ kind: "bad" });
        expect(await openssl.show(planted, "-subject")).toContain("good.example"); // openssl takes it
      }
    });
  });

  describe("alternative names", () => {
    test("of every kind", async () => {
      const der = await openssl.certificate({
        extensions: [
          "subjectAltName = @names",
          "[names]",
          "DNS.1 = b.example",
          "DNS.2 = *.a.example",
          "URI.1 = spiffe://td.example/ns/a",
          "IP.1 = 192.0.2.1",
          "IP.2 = 2001:db8::1",
          "email.1 = a@b.example",
          "RID.1 = 1.2.3.4",
          "dirName.1 = directory",
          "otherName.1 = 1.3.6.1.4.1.311.20.2.3;UTF8:user@corp.example",
          "[directory]",
          "CN = x",
        ],
      });
      await expectSame(der);
      const { dns, uri, ip, email, spiffe, certificate } = peerOf(der);
      expect({ dns, uri, ip, email, spiffe, other: certificate.altNames?.other }).toEqual({
        dns: ["b.example", "*.a.example"],
        uri: ["spiffe://td.example/ns/a"],
        ip: ["192.0.2.1", "2001:db8::1"],
        email: ["a@b.example"],
        spiffe: "spiffe://td.example/ns/a",
        other: ["registeredID", "directoryName", "otherName"],
      });
    });

    test("that hold commas, quotes and other names stay one name each", async () => {
      const trick = 'spiffe://x/y, DNS:admin.example, URI:"z"';
      const der = await openssl.certificate({
        extensions: ["subjectAltName = @names", "[names]", `URI.1 = ${trick}`, "DNS.1 = a.example"],
      });
      const { dns, uri, spiffe } = peerOf(der);
      expect({ dns, uri, spiffe }).toEqual({ dns: ["a.example"], uri: [trick.replaceAll('"', "")], spiffe: undefined });
    });

    test.each(["DNS.1 = ", "URI.1 = https://", "email.1 = a@"])(
      "with a NUL, a line break or a high byte: %s",
      async (kind) => {
        const der = await openssl.certificate({
          extensions: ["subjectAltName = @names", "[names]", `${kind}good.example_evil.example`],
        });
        expect(decodeCertificate(der).kind).toBe("ok");
        for (const mark of ["\0", "\r", "\n", "\x1b", "\x7f", "\x80", "\xff"])
          expect(decodeCertificate(patched(der, "example_evil", `example${mark}evil`)), mark).toMatchObject({
            kind: "bad",
          });
      },
    );

    test.each([
      ["an address of five bytes", "3007 8705 0102030405"],
      ["none at all", "3000"],
      ["an empty DNS name", "3002 8200"],
      ["a kind that there is not", "3003 890161"],
      ["more behind them", "3003 820161 0500"],
      ["a length that is longer than it must be", "308103 820161"],
      ["an indefinite length", "3080 820161 0000"],
      ["a name that is longer than the list", "3003 820261"],
    ])("malformed: %s", async (_, digits) => {
      const der = await openssl.certificate({ extensions: [`subjectAltName = DER:${digits.replaceAll(" ", "")}`] });
      expect(decodeCertificate(der)).toMatchObject({ kind: "bad" });
    });

    test("an extension that is there twice is refused", async () => {
      const once = await openssl.certificate({ extensions: ["1.2.3.4 = DER:0500", "1.2.3.5 = DER:0500"] });
      expect(decodeCertificate(once).kind).toBe("ok");
      expect(decodeCertificate(patched(once, "\x2a\x03\x05", "\x2a\x03\x04"))).toMatchObject({ kind: "bad" });
    });
  });

  test.each(["-5", "0", "1", "128", "255", "-128", "-129", "0x7fffffffffffffffffffffffffffffffffffffff"])(
    "serial %s",
    async (serial) => void (await expectSame(await openssl.certificate({ more: ["-set_serial", serial] }))),
  );

  test.each([
    ["19500101000000Z", "20491231235959Z"],
    ["19991231235959Z", "20000101000000Z"],
    ["20240229120000Z", "20500101000000Z"],
    ["20500101000000Z", "99991231235959Z"],
  ])("valid from %s to %s", async (from, to) => void (await expectSame(await openssl.certificateAt(from, to))));

  test("version 1", async () => {
    const certificate = await expectSame(await openssl.certificateOfVersion1());
    expect(certificate).toMatchObject({ version: 1, altNames: undefined, ca: false, keyUsage: undefined });
  });

  test("what the key is for, and whether it is an authority", async () => {
    const of = async (...extensions: string[]) => {
      const { ca, keyUsage, extendedKeyUsage } = decode(await openssl.certificate({ extensions }));
      return { ca, keyUsage, extendedKeyUsage };
    };
    const leaf = [
      "keyUsage = critical,digitalSignature,keyAgreement,decipherOnly",
      "extendedKeyUsage = clientAuth,1.2.3",
    ];
    expect(await of("basicConstraints = critical,CA:FALSE", ...leaf)).toEqual({
      ca: false,
      keyUsage: ["digitalSignature", "keyAgreement", "decipherOnly"],
      extendedKeyUsage: ["1.3.6.1.5.5.7.3.2", "1.2.3"],
    });
    expect(await of("basicConstraints = CA:TRUE,pathlen:0", "keyUsage = keyCertSign,cRLSign")).toEqual({
      ca: true,
      keyUsage: ["keyCertSign", "cRLSign"],
      extendedKeyUsage: undefined,
    });
  });

  describe("server names, as openssl-x509(1) -checkhost and -checkip judge them", () => {
    let der: Uint8Array;
    beforeAll(async () => {
      const names = [
        "DNS.1 = db.example",
        "DNS.2 = *.web.example",
        "DNS.3 = xn--bcher-kva.example",
        "DNS.4 = 192.0.2.9",
      ];
      const addresses = ["IP.1 = 192.0.2.1", "IP.2 = 2001:db8::1", "URI.1 = https://uri.example/"];
      der = await openssl.certificate({
        subject: ["CN = cn.example"],
        extensions: ["subjectAltName = @names", "[names]", ...names, ...addresses],
      });
    });
    test.each([
      ["-checkhost", "db.example"],
      ["-checkhost", "DB.EXAMPLE"],
      ["-checkhost", "a.db.example"],
      ["-checkhost", "example"],
      ["-checkhost", "xdb.example"],
      ["-checkhost", "a.web.example"],
      ["-checkhost", "A.Web.Example"],
      ["-checkhost", "a.b.web.example"],
      ["-checkhost", "web.example"],
      ["-checkhost", "xweb.example"],
      ["-checkhost", "xn--bcher-kva.example"],
      ["-checkhost", "cn.example"],
      ["-checkhost", "uri.example"],
      ["-checkip", "192.0.2.1"],
      ["-checkip", "192.0.2.2"],
      ["-checkip", "192.0.2.9"],
      ["-checkip", "2001:db8::1"],
      ["-checkip", "2001:db8:0:0:0:0:0:1"],
      ["-checkip", "2001:db8::2"],
    ])("%s %s", async (flag, name) => {
      const says = await openssl.show(der, flag, name);
      expect(says).toMatch(/does (?:NOT )?match certificate$/);
      expect(checkServerName(peerOf(der), name).ok).toBe(!says.includes("NOT"));
    });
  });
}

const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
if (!existsSync(BUNDLE)) leaveOut("certificates of the public authorities", [BUNDLE]);
else {
  const pems = readFileSync(BUNDLE, "utf8").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)!;
  test(`the ${pems.length} authorities of this system are read as BoringSSL reads them`, () => {
    expect(pems.length).toBeGreaterThan(50);
    for (const pem of pems) {
      const theirs = new X509Certificate(pem);
      const ours = decode(new Uint8Array(theirs.raw));
      expect(ours.serial).toBe(theirs.serialNumber.toLowerCase().padStart(2, "0"));
      expect(ours.notBefore).toBe(Date.parse(theirs.validFrom));
      expect(ours.notAfter).toBe(Date.parse(theirs.validTo));
      expect(ours.ca).toBe(theirs.ca);
      expect(Buffer.from(ours.spki)).toEqual(theirs.publicKey.export({ type: "spki", format: "der" }));
      const cn = theirs.toLegacyObject().subject.CN as string | string[] | undefined;
      expect(peerOf(ours.der).cn).toBe(Array.isArray(cn) ? cn.at(-1)! : cn!);
    }
  });
}
