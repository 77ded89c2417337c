/** A text that was hashed once is found as the text itself is, whatever was read before. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HashedText } from "../../../../../lib/acl/tables/hashed-text.ts";
import { NameTable } from "../../../../../lib/acl/tables/name-table.ts";

const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "é", "\u0001", "😀"), maxLength: 6 });

test("tables answer for a hashed text as for the text", () => {
  const hashed = new HashedText();
  fc.assert(
    fc.property(
      fc.array(text, { maxLength: 10 }),
      fc.array(text, { minLength: 1, maxLength: 5 }),
      (names, subjects) => {
        const table = new NameTable();
        for (const name of names) table.add(name);
        for (const subject of subjects) {
          hashed.read(subject);
          expect(table.findText(hashed)).toBe(table.find(subject));
          expect(table.hasText(hashed)).toBe(names.includes(subject));
          expect(table.hasDomainOfText(hashed)).toBe(table.hasDomainOf(subject));
        }
      },
    ),
    { numRuns: 1000 },
  );
});

test("a text of very many labels is read whole", () => {
  const table = new NameTable();
  table.add("end");
  const hashed = new HashedText().read(`${"a.".repeat(300)}end`);
  expect(hashed.domains).toBe(300);
  expect(table.hasDomainOfText(hashed)).toBe(true);
  expect(table.hasDomainOfText(hashed.read("a.b"))).toBe(false);
});
