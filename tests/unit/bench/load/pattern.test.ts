/** The flood's bytes: continuous over any sequence of writes, and told from bytes of another offset. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { echoByte, fits, FLOOD, patternFrom } from "../../../bench/load/pattern.ts";

test("what is written at an offset fits there, and not where a byte was lost or repeated", () => {
  fc.assert(
    fc.property(
      fc.nat(2 ** 40),
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 1, max: 250 }),
      (offset, length, shift) => {
        const bytes = patternFrom(offset).subarray(0, length);
        expect(fits(offset, bytes)).toBe(true);
        expect(fits(offset + shift, bytes)).toBe(false);
      },
    ),
  );
});

test("a hole inside a chunk is seen at its end", () => {
  const bytes = patternFrom(0);
  const holed = Buffer.concat([bytes.subarray(0, 100), bytes.subarray(101, 500)]);
  expect(fits(0, holed)).toBe(false);
});

test("an echo never asks for a flood, and differs from the one before", () => {
  for (let n = 0; n < 1000; n++) {
    expect(echoByte(n)).not.toBe(FLOOD);
    expect(echoByte(n)).not.toBe(echoByte(n + 1));
  }
});
