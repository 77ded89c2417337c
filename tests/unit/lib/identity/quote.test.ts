/** What a peer sent is quoted, and only so much of it. */
import { expect, test } from "bun:test";
import { quoteSome } from "../../../../lib/identity/quote.ts";

test("names are quoted as JSON", () => expect(quoteSome(["a", 'b "c"\n'])).toBe('"a", "b \\"c\\"\\n"'));
test("the fourth is only counted", () => expect(quoteSome(["a", "b", "c", "d", "e"])).toBe('"a", "b", "c" and 2 more'));
test("a long one is cut", () => expect(quoteSome(["x".repeat(500)])).toBe(`"${"x".repeat(80)}…"`));
