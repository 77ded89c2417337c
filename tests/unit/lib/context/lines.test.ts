/** Lines of bytes at every split, and the bound of each. */
import { expect, test } from "bun:test";
import { Lines } from "../../../../lib/context/lines.ts";

const text = (lines: Uint8Array[] | undefined) => lines?.map((line) => Buffer.from(line).toString());

test("whatever the split, the lines are the same", () => {
  const whole = Buffer.from("one\n\nthree\nfo");
  for (let at = 0; at <= whole.length; at++) {
    const lines = new Lines(100);
    const found = [...lines.take(whole.subarray(0, at))!, ...lines.take(whole.subarray(at))!];
    expect(text(found)).toEqual(["one", "", "three"]);
    expect(text(lines.take(Buffer.from("ur\n")))).toEqual(["four"]);
  }
});

test("a line may be as long as the bound, and not longer", () => {
  expect(text(new Lines(3).take(Buffer.from("abc\n")))).toEqual(["abc"]);
  expect(new Lines(3).take(Buffer.from("abcd\n"))).toBeUndefined();
});

test("one whose end is not in sight is refused as soon as it is too long", () => {
  const lines = new Lines(3);
  expect(lines.take(Buffer.from("ab"))).toEqual([]);
  expect(lines.take(Buffer.from("c"))).toEqual([]);
  expect(lines.take(Buffer.from("d"))).toBeUndefined();
});
