/** BER made DER: indefinite lengths, strings in pieces, lengths that are too long; DER stays. */
import { describe, expect, test } from "bun:test";
import { derFromBer } from "../../../../lib/wire/ber.ts";
import { DerError } from "../../../../lib/wire/der.ts";

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");
const convert = (hex: string) => Buffer.from(derFromBer(bytes(hex))).toString("hex");

describe("an element is rewritten", () => {
  test.each([
    ["nothing to do", "30 03 020103", "3003020103"],
    ["no content", "30 00", "3000"],
    ["an indefinite length", "30 80 020103 0000", "3003020103"],
    ["indefinite lengths inside", "30 80 30 80 020103 0000 30 80 0000 0000", "300730030201033000"],
    ["a string in pieces", "24 80 0401 61 0402 6263 0000", "0403616263"],
    ["a string in pieces of definite length", "24 06 0401 61 0401 62", "04026162"],
    ["a string in no pieces", "24 80 0000", "0400"],
    ["pieces in pieces", "24 80 24 80 0401 61 0000 0401 62 0000", "04026162"],
    ["a length of more bytes than it needs", "30 83 000003 020103", "3003020103"],
    ["a context tag", "A0 80 24 80 0401 61 0000 0000", "a003040161"],
  ])("%s", (_, from, to) => expect(convert(from)).toBe(to));

  test("with lengths of one and two bytes", () => {
    const [long, longer] = ["00".repeat(200), "00".repeat(300)];
    expect(convert(`04 81 c8 ${long}`)).toBe(`0481c8${long}`);
    expect(convert(`24 80 04 81 c8 ${long} 04 64 ${"00".repeat(100)} 0000`)).toBe(`0482012c${longer}`);
  });
});

test("DER within a string is not touched", () => expect(convert("04 04 3080 0000")).toBe("040430800000"));

describe("an element is refused", () => {
  test.each([
    ["nothing", ""],
    ["a tag alone", "30"],
    ["a length without its bytes", "30 82 01"],
    ["a length beyond the end", "30 05 020103"],
    ["an indefinite length without an end", "30 80 020103"],
    ["half of an end", "30 80 020103 00"],
    ["an indefinite length of what is not constructed", "04 80 61 0000"],
    ["more behind it", "30 00 00"],
    ["an element that ends beyond its parent", "30 03 02 02 01 01"],
    ["a long tag", "3f 81 01 00"],
    ["a huge length", "30 88 ffffffffffffffff 00"],
    ["nesting without end", "30 80 ".repeat(5000)],
  ])("%s", (_, hex) => expect(() => convert(hex)).toThrow(DerError));
});
