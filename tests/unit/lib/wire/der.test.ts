/** Elements are read as X.690 writes them, and everything that DER does not write is refused. */
import { describe, expect, test } from "bun:test";
import {
  bitStringBytes,
  booleanOf,
  contentOf,
  DerError,
  DerReader,
  integerBytes,
  oidText,
  smallInteger,
  wholeOf,
} from "../../../../lib/wire/der.ts";
import { der, oid } from "../../../support/der.ts";
import { hex } from "../../../conformance/three-ways.ts";

const first = (digits: string) => new DerReader(hex(digits)).next();

describe("elements", () => {
  test("are views on the bytes, header and content", () => {
    const bytes = hex("ff 30 06 02 01 05 04 01 aa 00");
    const reader = new DerReader(bytes, 1, 9);
    const element = reader.next();
    expect(element).toMatchObject({ tag: 0x30, from: 1, start: 3, end: 9 });
    expect(reader.done).toBe(true);
    expect(wholeOf(element).buffer).toBe(bytes.buffer);
    const within = DerReader.within(element);
    expect(contentOf(within.read(0x02))).toEqual(hex("05"));
    expect(within.readIf(0x02)).toBeUndefined();
    expect(contentOf(within.readIf(0x04)!)).toEqual(hex("aa"));
    within.finish();
  });

  test.each([127, 128, 255, 256, 65_535])("of %d bytes", (length) => {
    const bytes = der(0x04, new Uint8Array(length));
    const element = new DerReader(bytes).next();
    expect([element.end - element.start, element.end]).toEqual([length, bytes.length]);
  });

  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["content that is cut off", "04 02 01"],
    ["a length that is cut off", "04 82 01"],
    ["a length beyond all that there is", "04 84 ff ff ff ff 00"],
    ["a length of five bytes", "04 85 00 00 00 00 01 00"],
    ["an indefinite length (X.690 10.1)", "30 80 02 01 05 00 00"],
    ["the reserved length 255", "04 ff"],
    ["a long form for 127", `04 81 7f ${"00".repeat(127)}`],
    ["a long form with a leading zero", `04 82 00 80 ${"00".repeat(128)}`],
    ["a tag number of several bytes", "1f 81 00 01 00"],
  ])("refused: %s", (_, digits) => expect(() => first(digits)).toThrow(DerError));

  test("a child cannot reach beyond its parent", () => {
    const reader = new DerReader(hex("30 03 04 02 aa bb"));
    expect(() => reader.enter(0x30).next()).toThrow(DerError);
  });

  test("another type, none at all, and more than there should be", () => {
    const reader = new DerReader(hex("04 00 05 00"));
    expect(() => reader.read(0x05)).toThrow("another type");
    reader.read(0x04);
    expect(() => reader.finish()).toThrow(DerError);
    reader.read(0x05);
    expect(() => reader.read(0x05)).toThrow("missing");
    reader.finish();
  });
});

test("booleans are 00 or FF", () => {
  expect([booleanOf(first("01 01 00")), booleanOf(first("01 01 ff"))]).toEqual([false, true]);
  for (const digits of ["01 00", "01 01 01", "01 02 ff ff"]) expect(() => booleanOf(first(digits))).toThrow(DerError);
});

test("integers are as short as can be", () => {
  for (const digits of ["00", "7f", "00 80", "80", "ff 7f"]) {
    const content = hex(digits);
    expect(integerBytes(new DerReader(der(0x02, content)).next())).toEqual(content);
  }
  for (const digits of ["02 00", "02 02 00 7f", "02 02 ff 80", "02 03 00 00 80"])
    expect(() => integerBytes(first(digits))).toThrow(DerError);
  expect(smallInteger(first("02 04 7f ff ff ff"))).toBe(2 ** 31 - 1);
  for (const digits of ["02 01 ff", "02 05 00 80 00 00 00"])
    expect(() => smallInteger(first(digits))).toThrow(DerError);
});

describe("object identifiers", () => {
  test.each([
    ["06 03 55 04 03", "2.5.4.3"],
    ["06 09 2a 86 48 86 f7 0d 01 09 01", "1.2.840.113549.1.9.1"],
    ["06 01 00", "0.0"],
    ["06 01 27", "0.39"],
    ["06 03 88 37 03", "2.999.3"], // the example of X.690 section 8.19.5
  ])("%s", (digits, text) => expect(oidText(first(digits))).toBe(text));

  test.each(["2.5.29.17", "1.3.6.1.4.1.4294967295.1", "2.16.840.1.101.3.4.2.1"])("written and read: %s", (text) => {
    expect(oidText(new DerReader(oid(text)).next())).toBe(text);
  });

  test.each([
    ["empty", "06 00"],
    ["cut off", "06 02 2a 86"],
    ["with a leading zero", "06 03 2a 80 01"],
    ["of a number that is too large", "06 0b 2a ff ff ff ff ff ff ff ff ff 7f"],
  ])("refused: %s", (_, digits) => expect(() => oidText(first(digits))).toThrow(DerError));
});

test("bit strings have clean ends", () => {
  expect(bitStringBytes(first("03 02 05 a0"))).toEqual({ bytes: hex("a0"), unused: 5 });
  expect(bitStringBytes(first("03 01 00"))).toEqual({ bytes: hex(""), unused: 0 });
  for (const digits of ["03 00", "03 01 01", "03 02 08 00", "03 02 05 b0"])
    expect(() => bitStringBytes(first(digits))).toThrow(DerError);
});
