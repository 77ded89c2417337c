/** Lines come out of chunks whatever the chunks' bounds, and one that is too long costs no memory and no other line. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineSplitter, LONGEST_LINE } from "../../../../../lib/acl/replay/lines.ts";

function split(chunks: readonly Uint8Array[]): { lines: string[]; tooLong: number } {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) {
    const buffer = chunk.slice();
    splitter.push(buffer);
    // A reader may use its buffer again.
    buffer.fill(0);
  }
  splitter.end();
  return { lines, tooLong: splitter.tooLong };
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("every way to cut a text gives its lines", () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", "\n", "\r") }), { maxLength: 6 });
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 40 }), { maxLength: 6 }), (parts, cuts) => {
      const whole = bytes(parts.join("\n"));
      const places = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((x, y) => x - y), whole.length];
      const chunks = places.slice(1).map((end, i) => whole.subarray(places[i]!, end));
      const expected = parts.join("\n").split("\n");
      if (expected.at(-1) === "") expected.pop();
      expect(split(chunks)).toEqual({ lines: expected, tooLong: 0 });
    }),
  );
});

test("a line that is too long is counted and skipped, in one chunk and in many", () => {
  const long = bytes(`a\n${"x".repeat(LONGEST_LINE + 1)}\nb\n`);
  expect(split([long])).toEqual({ lines: ["a", "b"], tooLong: 1 });
  const pieces = Array.from({ length: Math.ceil(long.length / 65_536) }, (_, i) =>
    long.subarray(i * 65_536, (i + 1) * 65_536),
  );
  expect(split(pieces)).toEqual({ lines: ["a", "b"], tooLong: 1 });
  expect(split([bytes("x".repeat(LONGEST_LINE)), bytes("\nb")]).tooLong).toBe(0);
  expect(split([bytes("x".repeat(LONGEST_LINE)), bytes("yy"), bytes("y\nb")])).toEqual({ lines: ["b"], tooLong: 1 });
});
