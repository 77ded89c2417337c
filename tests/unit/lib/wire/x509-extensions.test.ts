/** The extensions that are read, alone and together, and the malformed ones that refuse the whole certificate. */
import { describe, expect, test } from "bun:test";
import { DerError, DerReader } from "../../../../lib/wire/der.ts";
import { formatIp } from "../../../../lib/wire/ip.ts";
import { extensionsOf, NO_EXTENSIONS } from "../../../../lib/wire/x509-extensions.ts";
import { altNames, commonName, der, extension, oid, type Part, sequence } from "../../../support/der.ts";

const read = (...parts: Uint8Array[]) => extensionsOf(new DerReader(sequence(...parts)).next());
const TRUE = der(0x01, [0xff]);
const FALSE = der(0x01, [0]);

describe("alternative names", () => {
  const names = (...parts: Uint8Array[]) => read(altNames(...parts)).altNames!;
  const otherName = der(0xa0, oid("1.3.6.1.4.1.311.20.2.3"), der(0xa0, der(0x0c, "user@corp.example")));

  test("of all kinds, each in its order", () => {
    const { ip, ...texts } = names(
      der(0x82, "b.example"),
      der(0x86, "spiffe://td.example/a"),
      der(0x87, [192, 0, 2, 1]),
      otherName,
      der(0x82, "a.example"),
      der(0x81, "a@b.example"),
      der(0x87, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
      der(0xa4, sequence(commonName("x"))),
      der(0x88, [0x2a, 3]),
      der(0xa3),
      der(0xa5),
    );
    expect(texts).toEqual({
      dns: ["b.example", "a.example"],
      uri: ["spiffe://td.example/a"],
      email: ["a@b.example"],
      other: ["otherName", "directoryName", "registeredID", "x400Address", "ediPartyName"],
    });
    expect(ip.map(formatIp)).toEqual(["192.0.2.1", "2001:db8::1"]);
  });

  test("commas, quotes and spaces are part of a name", () => {
    expect(names(der(0x86, 'spiffe://x/y, DNS:admin.test"')).uri).toEqual(['spiffe://x/y, DNS:admin.test"']);
  });

  test.each([
    ["a NUL", der(0x82, "good.example\0.evil.example")],
    ["a line break", der(0x86, "spiffe://a/b\n")],
    ["DEL", der(0x81, "a\x7f@b.example")],
    ["a byte beyond IA5", der(0x82, [0xe9, 0x2e, 0x61])],
    ["an empty DNS name", der(0x82)],
    ["an empty URI", der(0x86)],
    ["an address of five bytes", der(0x87, [1, 2, 3, 4, 5])],
    ["an address with its mask, as in name constraints", der(0x87, [1, 2, 3, 4, 255, 0, 0, 0])],
    ["an empty address", der(0x87)],
    ["a constructed DNS name", der(0xa2, der(0x16, "a.example"))],
    ["a kind that there is not", der(0x89, "x")],
    ["a universal string in place of a kind", der(0x16, "a.example")],
    ["another name without a value", der(0xa0, oid("1.2.3"))],
    ["a directory name that is none", der(0xa4, der(0x0c, "x"))],
  ])("refused: %s", (_, name) => {
    expect(() => names(name)).toThrow(DerError);
    expect(() => names(der(0x82, "a.example"), name)).toThrow(DerError);
  });

  test("none at all is refused: the extension is there for names", () => expect(() => names()).toThrow(DerError));
});

test("what the key is for", () => {
  expect(read(extension("2.5.29.15", der(0x03, [7, 0x80]))).keyUsage).toEqual(["digitalSignature"]);
  expect(read(extension("2.5.29.15", der(0x03, [1, 0x06]))).keyUsage).toEqual(["keyCertSign", "cRLSign"]);
  expect(read(extension("2.5.29.15", der(0x03, [7, 0x08, 0x80]))).keyUsage).toEqual(["keyAgreement", "decipherOnly"]);
  expect(read(extension("2.5.29.15", der(0x03, [0]))).keyUsage).toEqual([]);
});

test("extended uses, by number", () => {
  const value = sequence(oid("1.3.6.1.5.5.7.3.2"), oid("1.2.3.4"));
  expect(read(extension("2.5.29.37", value)).extendedKeyUsage).toEqual(["1.3.6.1.5.5.7.3.2", "1.2.3.4"]);
});

test("whether it is an authority", () => {
  const ca = (...parts: Part[]) => read(extension("2.5.29.19", sequence(...parts), TRUE)).ca;
  expect([ca(), ca(FALSE), ca(TRUE), ca(TRUE, der(0x02, [0]))]).toEqual([false, false, true, true]);
});

test("others are passed by, critical or not, with criticality written out or not", () => {
  const unknown = (critical?: Part) => read(extension("1.2.3.4", der(0x05), critical));
  for (const critical of [undefined, TRUE, FALSE]) expect(unknown(critical)).toEqual(NO_EXTENSIONS);
});

describe("refused", () => {
  const twice = extension("1.2.3.4", der(0x05));
  test.each([
    ["no extension", []],
    ["an unknown extension twice", [twice, twice]],
    ["names twice", [altNames(der(0x82, "a.example")), altNames(der(0x82, "b.example"))]],
    ["a boolean that is neither", [extension("1.2.3.4", der(0x05), der(0x01, [1]))]],
    ["an extension without a value", [sequence(oid("1.2.3.4"))]],
    ["more behind the value", [sequence(oid("1.2.3.4"), der(0x04), der(0x05))]],
    ["more behind the names", [extension("2.5.29.17", Uint8Array.from([...sequence(der(0x82, "a")), 5, 0]))]],
    ["names that are cut off", [extension("2.5.29.17", sequence(der(0x82, "a")).slice(0, -1))]],
    ["extended uses of none", [extension("2.5.29.37", sequence())]],
    ["key uses that are no bits", [extension("2.5.29.15", der(0x04, [0x80]))]],
    ["a negative depth", [extension("2.5.29.19", sequence(TRUE, der(0x02, [0xff])))]],
    ["an authority by another boolean", [extension("2.5.29.19", sequence(der(0x01, [1])))]],
  ])("%s", (_, parts) => expect(() => read(...parts)).toThrow(DerError));
});
