/** The first bytes of a stream, in any pieces. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Prefix } from "../../../../lib/session/prefix.ts";

test("all that came stands together, and what is taken off is gone", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 }), fc.nat(), (pieces, cut) => {
      const prefix = new Prefix();
      const all = Buffer.concat(pieces);
      let length = 0;
      for (const piece of pieces) {
        length += piece.length;
        expect(Buffer.from(prefix.append(piece)).equals(all.subarray(0, length))).toBe(true);
      }
      const taken = cut % (all.length + 1);
      const rest = prefix.rest(taken);
      expect(Buffer.from(rest).equals(all.subarray(taken))).toBe(true);
      expect(prefix.bytes).toHaveLength(0);
      // What was handed out is not written again.
      prefix.append(new Uint8Array(10).fill(1));
      prefix.append(new Uint8Array(10).fill(2));
      expect(Buffer.from(rest).equals(all.subarray(taken))).toBe(true);
    }),
  );
});

test("a single piece is not copied", () => {
  const piece = Uint8Array.of(1, 2, 3);
  expect(new Prefix().append(piece)).toBe(piece);
});
