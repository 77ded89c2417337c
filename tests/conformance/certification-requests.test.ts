/** Requests and certificates that we write, as openssl reads them; names of RFC 4514, alternative names of all kinds, keys of all kinds. */
import { createPrivateKey } from "node:crypto";
import { describe, expect, test } from "bun:test";
import { createRequest, issueCertificate, parseAltName, parseSubject, spkiOf } from "../../lib/identity/issue.ts";
import { MemorySigner } from "../../lib/identity/memory-signer.ts";
import { decodeCertificate } from "../../lib/wire/x509.ts";
import { encodePem } from "../../lib/wire/pem.ts";
import { basicConstraints, keyUsage, subjectAltName } from "../../lib/wire/x509-write.ts";
import { needing } from "../support/needs.ts";
import { authority, openssl, type KeyType } from "../support/pki.ts";

const KEYS: KeyType[] = ["p256", "p384", "rsa", "ed25519"];

needing("requests for certificates", ["openssl"], () => {
  const signerOf = (key: KeyType) => new MemorySigner(key, createPrivateKey(authority().issue({ key }).key));
  const request = async (key: KeyType, subject: string, names: string[]) => {
    const der = await createRequest(signerOf(key), parseSubject(subject), names.map(parseAltName));
    return encodePem("CERTIFICATE REQUEST", der);
  };

  test.each(KEYS)("with a key of %s verify", async (key) => {
    const pem = await request(key, "CN=a", []);
    expect(openssl(["req", "-verify", "-noout", "-subject"], pem)).toBe("subject=CN = a\n");
    const publicKey = signerOf(key).publicKey.export({ type: "spki", format: "pem" });
    expect(openssl(["req", "-noout", "-pubkey"], pem)).toBe(publicKey.toString());
  });

  const SUBJECTS: [ours: string, theirs: string][] = [
    ["CN=alice,OU=dev,O=Example,C=fr", "C=fr,O=Example,OU=dev,CN=alice"],
    ["cn=a\\,b\\=c\\\\d,o=\\#x", "O=\\#x,CN=a\\,b=c\\\\d"],
    ["CN=Zoë Ω", "CN=Zoë Ω"],
    ["CN=a,OU=x,OU=y,L=l,ST=s,SERIALNUMBER=7", "serialNumber=7,ST=s,L=l,OU=y,OU=x,CN=a"],
  ];
  test.each(SUBJECTS)("have the subject %s", async (ours, theirs) => {
    const flags = ["-nameopt", "sep_comma_plus,utf8,esc_2253", "-subject", "-noout", "-verify"];
    const printed = openssl(["req", ...flags], await request("p256", ours, []));
    expect(printed.replace("subject=", "").trim()).toBe(theirs);
  });

  test("have alternative names of all kinds, which are critical where there is no subject", async () => {
    const names = ["DNS:*.a.example", "IP:192.0.2.1", "IP:2001:db8::1:0", "URI:spiffe://a/b?c", "email:me@a.example"];
    const text = openssl(["req", "-noout", "-text", "-verify"], await request("p256", "", names));
    expect(text).toMatch(/Subject: *\n/);
    expect(text).toContain("X509v3 Subject Alternative Name: critical\n");
    expect(text).toContain(
      "DNS:*.a.example, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:1:0, URI:spiffe://a/b?c, email:me@a.example\n",
    );
    const named = openssl(["req", "-noout", "-text"], await request("p256", "CN=a", ["DNS:a"]));
    expect(named).toContain("X509v3 Subject Alternative Name: \n");
  });

  describe("what is no name is refused", () => {
    test.each(["CN", "CN=", "XX=a", "C=france", "SERIALNUMBER=é", "=a"])("--subject %s", (text) => {
      expect(() => parseSubject(text)).toThrow(/--subject has/);
    });
    test.each(["a.example", "DNS:", "DNS:é.example", "DNS:a b", "IP:1.2.3", "IP:10.0.0.0/8", "dirName:x"])(
      "--san %s",
      (text) => {
        expect(() => parseAltName(text)).toThrow("is no alternative name");
      },
    );
  });

  test.each(KEYS)("a certificate by an issuer with %s is one, to openssl and to our own reader", async (key) => {
    const signer = signerOf(key);
    const subject = parseSubject("CN=self,O=Example");
    const [notBefore, notAfter] = [Date.UTC(2026, 0, 2, 3, 4, 5), Date.UTC(2049, 11, 31, 23, 59, 59)];
    const extensions = [basicConstraints(true), keyUsage([5, 6]), subjectAltName([parseAltName("DNS:a.example")])];
    const fields = { serial: Uint8Array.of(0x80, 1), issuer: subject, subject, notBefore, notAfter, extensions };
    const der = await issueCertificate(signer, { ...fields, spki: spkiOf(signer) });
    const decoded = decodeCertificate(der);
    if (decoded.kind === "bad") throw new Error(decoded.reason);
    expect(decoded.value).toMatchObject({ notBefore, notAfter, ca: true, serial: "8001", version: 3 });
    expect(decoded.value.subject.text).toBe("CN=self,O=Example");
    expect(decoded.value.altNames?.dns).toEqual(["a.example"]);
    expect(decoded.value.keyUsage).toEqual(["keyCertSign", "cRLSign"]);
    const flags = ["-noout", "-serial", "-startdate", "-enddate", "-ext", "keyUsage"];
    const printed = openssl(["x509", ...flags], encodePem("CERTIFICATE", der));
    expect(printed).toContain("serial=8001\nnotBefore=Jan  2 03:04:05 2026 GMT\nnotAfter=Dec 31 23:59:59 2049 GMT\n");
    expect(printed).toContain("Certificate Sign, CRL Sign");
  });
});
