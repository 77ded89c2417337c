/** Whole certificates: what they say, and each way in which one is refused as a value. */
import { describe, expect, test } from "bun:test";
import { decodeCertificate, LONGEST_CERTIFICATE } from "../../../../lib/wire/x509.ts";
import {
  altNames,
  certificate,
  type CertificateParts,
  commonName,
  der,
  extension,
  join,
  oid,
  sequence,
} from "../../../support/der.ts";

function decode(parts: CertificateParts = {}) {
  const decoded = decodeCertificate(certificate(parts));
  if (decoded.kind === "bad") throw new Error(decoded.reason);
  return decoded.value;
}

test("a certificate of version 3", () => {
  const key = sequence(sequence(oid("1.3.101.112")), der(0x03, [0], new Uint8Array(32).fill(7)));
  const made = certificate({ key, extensions: [altNames(der(0x82, "a.example"))] });
  const decoded = decodeCertificate(made);
  expect(decoded).toMatchObject({
    kind: "ok",
    value: {
      version: 3,
      serial: "01",
      issuer: { text: "CN=an issuer" },
      subject: { text: "CN=a subject" },
      notBefore: Date.UTC(2025, 0, 2, 3, 4, 5),
      notAfter: Date.UTC(2035, 0, 2, 3, 4, 5),
      spki: key,
      altNames: { dns: ["a.example"] },
      ca: false,
      keyUsage: undefined,
      extendedKeyUsage: undefined,
    },
  });
  if (decoded.kind === "bad") throw new Error();
  expect(decoded.value.der).toBe(made);
  expect(decoded.value.spki.buffer).toBe(made.buffer);
});

test("without extensions, of every version", () => {
  expect(decode({ version: [] })).toMatchObject({ version: 1, altNames: undefined });
  expect(decode({ version: der(0xa0, der(0x02, [1])), unique: der(0x81, [0, 1]) })).toMatchObject({ version: 2 });
  expect(decode({ unique: join(der(0x81, [0, 1]), der(0x82, [0, 1])) })).toMatchObject({ version: 3 });
});

test.each([
  [[1], "01"],
  [[0], "00"],
  [[0x00, 0x80], "80"],
  [[0x0a, 0xbc], "0abc"],
  [[0x00, ...Array.from({ length: 20 }, () => 0xff)], "ff".repeat(20)],
  [[0xff], "-01"],
  [[0x80], "-80"],
  [[0xfe, 0xff], "-0101"],
])("serial %j is %s", (bytes, text) => expect(decode({ serial: der(0x02, bytes) }).serial).toBe(text));

describe("refused", () => {
  const made = certificate();
  test.each<[string, Uint8Array | CertificateParts]>([
    ["nothing", new Uint8Array()],
    ["text", join("-----BEGIN CERTIFICATE-----")],
    ["a byte behind it", join(made, [0])],
    ["a byte too few", made.slice(0, -1)],
    ["version 1 written out", { version: der(0xa0, der(0x02, [0])) }],
    ["version 4", { version: der(0xa0, der(0x02, [3])) }],
    ["two versions", { version: der(0xa0, der(0x02, [2]), der(0x02, [2])) }],
    ["no serial", { serial: [] }],
    ["an empty serial", { serial: der(0x02) }],
    ["a serial with a needless zero", { serial: der(0x02, [0, 1]) }],
    ["another algorithm than the signature's", { algorithm: sequence(oid("1.2.840.10045.4.3.3")) }],
    ["a NUL in the subject", { subject: commonName("a\0b") }],
    ["a NUL in the issuer", { issuer: commonName("a\0b") }],
    ["a date that is none", { notAfter: der(0x17, "250230000000Z") }],
    ["a third date", { notAfter: join(der(0x17, "250202000000Z"), der(0x17, "250202000000Z")) }],
    ["a key without an algorithm", { key: sequence(der(0x03, [0, 1])) }],
    ["no key", { key: [] }],
    ["extensions in version 1", { version: [], extensions: [altNames(der(0x82, "a"))] }],
    ["extensions in version 2", { version: der(0xa0, der(0x02, [1])), extensions: [altNames(der(0x82, "a"))] }],
    ["a unique identifier in version 1", { version: [], unique: der(0x81, [0, 1]) }],
    ["unique identifiers in the wrong order", { unique: join(der(0x82, [0, 1]), der(0x81, [0, 1])) }],
    ["no extension where there should be some", { extensions: [] }],
    ["an extension twice", { extensions: [extension("1.2.3", der(5)), extension("1.2.3", der(5))] }],
    ["something behind the extensions", { extensions: [altNames(der(0x82, "a"))], behind: der(0x05) }],
    ["a signature that is no bit string", sequence(sequence(), sequence(), der(0x04, [1]))],
  ])("%s", (_, what) => {
    const bytes = what instanceof Uint8Array ? what : certificate(what);
    const decoded = decodeCertificate(bytes);
    expect(decoded).toEqual({ kind: "bad", reason: expect.stringMatching(/^[a-z][^.]+$/) });
  });

  test("one that is longer than 64 KiB", () => {
    const long = (length: number) => decodeCertificate(certificate({ unique: der(0x81, [0], new Uint8Array(length)) }));
    const most = LONGEST_CERTIFICATE - certificate({ unique: der(0x81, [0], new Uint8Array(60_000)) }).length + 60_000;
    expect(long(most).kind).toBe("ok");
    expect(long(most + 1)).toEqual({ kind: "bad", reason: "the certificate is too long" });
  });

  test("the reason repeats nothing of the bytes", () => {
    const decoded = decodeCertificate(certificate({ subject: commonName("se\ncret") }));
    expect(JSON.stringify(decoded)).not.toContain("cret");
  });
});
