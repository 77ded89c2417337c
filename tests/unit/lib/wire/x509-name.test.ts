/** Names: every type of string, the text of RFC 4514 with its examples, and what no name may hold. */
import { describe, expect, test } from "bun:test";
import { DerError, DerReader } from "../../../../lib/wire/der.ts";
import { nameOf, valuesOf } from "../../../../lib/wire/x509-name.ts";
import { commonName, der, oid, rdn, sequence } from "../../../support/der.ts";

const name = (...rdns: Uint8Array[]) => nameOf(new DerReader(sequence(...rdns)).next());
const text = (...rdns: Uint8Array[]) => name(...rdns).text;

const UID = "0.9.2342.19200300.100.1.1";
const DC = "0.9.2342.19200300.100.1.25";
const O = "2.5.4.10";
const OU = "2.5.4.11";
const DOMAIN = [rdn(DC, "net", 0x16), rdn(DC, "example", 0x16)];

describe("the examples of RFC 4514 section 4", () => {
  test("simple", () => expect(text(...DOMAIN, rdn(UID, "jsmith"))).toBe("UID=jsmith,DC=example,DC=net"));

  test("of several values", () => {
    const both = der(0x31, sequence(oid("2.5.4.3"), der(0x0c, "J.  Smith")), sequence(oid(OU), der(0x0c, "Sales")));
    expect(text(...DOMAIN, both)).toBe("OU=Sales+CN=J.  Smith,DC=example,DC=net");
  });

  test("with marks", () => {
    expect(text(...DOMAIN, commonName('James "Jim" Smith, III'))).toBe(
      'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
    );
  });

  test("with a carriage return, where no rule compares the value", () => {
    expect(text(rdn(O, "Before\rAfter"))).toBe("O=Before\\0DAfter");
  });

  test("of a type without a short name", () => {
    const value = der(0x04, [0x48, 0x69]);
    expect(text(der(0x31, sequence(oid("1.3.6.1.4.1.1466.0"), value)))).toBe("1.3.6.1.4.1.1466.0=#04024869");
  });

  test("with letters beyond ASCII", () => expect(text(rdn("2.5.4.7", "Lučić"))).toBe("L=Lučić"));
});

test("edges are escaped, and what is within is not", () => {
  expect(text(rdn(O, " a b "))).toBe("O=\\ a b\\ ");
  expect(text(rdn(O, " "))).toBe("O=\\ ");
  expect(text(rdn(O, "#a#"))).toBe("O=\\#a#");
  expect(text(rdn(O, "a+b,c;d<e>f\\g=h"))).toBe("O=a\\+b\\,c\\;d\\<e\\>f\\\\g=h");
  expect(text(rdn(O, "a\0b\u0085"))).toBe("O=a\\00b\\C2\\85");
  expect(text()).toBe("");
});

describe("strings", () => {
  test.each([
    ["UTF8String", 0x0c, "zoé 漢", [...Buffer.from("zoé 漢")]],
    ["PrintableString, with what issuers put there besides", 0x13, "a_b@c*", [...Buffer.from("a_b@c*")]],
    ["IA5String", 0x16, "a~b", [...Buffer.from("a~b")]],
    ["NumericString", 0x12, "12 3", [...Buffer.from("12 3")]],
    ["VisibleString", 0x1a, "abc", [...Buffer.from("abc")]],
    ["TeletexString, as Latin-1", 0x14, "zo\u00e9", [0x7a, 0x6f, 0xe9]],
    ["BMPString", 0x1e, "a\u6f22", [0, 0x61, 0x6f, 0x22]],
    ["UniversalString", 0x1c, "a\u{1f600}", [0, 0, 0, 0x61, 0, 1, 0xf6, 0]],
  ])("%s", (_, tag, value, bytes) => {
    expect(valuesOf(name(commonName(bytes, tag)), "2.5.4.3")).toEqual([value]);
  });

  test.each([
    ["UTF-8 that is none", 0x0c, [0x61, 0xff]],
    ["UTF-8 that is longer than it must be", 0x0c, [0xc1, 0xa1]],
    ["bytes above 127 in a PrintableString", 0x13, [0x61, 0xe9]],
    ["bytes above 127 in an IA5String", 0x16, [0xe9]],
    ["half a character of a BMPString", 0x1e, [0, 0x61, 0]],
    ["surrogates in a BMPString", 0x1e, [0xd8, 0x3d, 0xde, 0]],
    ["a code point that there is not", 0x1c, [0, 0x11, 0, 0]],
  ])("refused: %s", (_, tag, bytes) => expect(() => name(rdn(O, bytes, tag))).toThrow(DerError));
});

describe("what rules compare is refused", () => {
  test.each([
    ["a NUL in the common name", commonName("good.example\0.evil.example")],
    ["a line break in the common name", commonName("a\nb")],
    ["DEL", commonName("a\x7f")],
    ["a C1 control", commonName("a\u0085")],
    ["a NUL in a BMPString", commonName([0, 0x61, 0, 0], 0x1e)],
    ["a NUL in an organizational unit", rdn(OU, "a\0")],
    ["a common name that is no string", commonName([1, 2], 0x04)],
    ["an organizational unit that is no string", der(0x31, sequence(oid(OU), sequence()))],
  ])("%s", (_, part) => expect(() => name(part)).toThrow(DerError));
});

describe("shapes that are none", () => {
  test.each([
    ["an empty relative name", der(0x31)],
    ["a value too many", der(0x31, sequence(oid(O), der(0x0c, "a"), der(0x0c, "b")))],
    ["no value", der(0x31, sequence(oid(O)))],
    ["no type", der(0x31, sequence(der(0x0c, "a")))],
    ["a sequence for a set", sequence(sequence(oid(O), der(0x0c, "a")))],
  ])("%s", (_, part) => expect(() => name(part)).toThrow(DerError));
});

test("values come in the order of the certificate", () => {
  const parts = [rdn(OU, "a"), commonName("x"), der(0x31, sequence(oid(OU), der(0x0c, "b"))), commonName("y")];
  expect(valuesOf(name(...parts), OU)).toEqual(["a", "b"]);
  expect(valuesOf(name(...parts), "2.5.4.3")).toEqual(["x", "y"]);
  expect(valuesOf(name(...parts), O)).toEqual([]);
});
