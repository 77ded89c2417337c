/** NameTable against JavaScript's own sets. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { HashedText } from "../../../../../lib/acl/tables/hashed-text.ts";
import { NameTable } from "../../../../../lib/acl/tables/name-table.ts";

const name = fc.oneof(
  fc.stringMatching(/^[ab.]{0,6}$/),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("", "\x01", "\x010061", "é", "\x0100e9"),
);

test("finds exactly what was added, under the number it was given", () => {
  fc.assert(
    fc.property(fc.array(name, { maxLength: 200 }), fc.array(name, { maxLength: 50 }), (names, others) => {
      const table = new NameTable();
      const numbers = new Map<string, number>();
      for (const one of names) {
        const number = table.add(one);
        expect(numbers.get(one) ?? numbers.size).toBe(number);
        numbers.set(one, number);
      }
      table.trim();
      expect(table.size).toBe(numbers.size);
      for (const one of [...names, ...others]) expect([one, table.find(one)]).toEqual([one, numbers.get(one) ?? -1]);
    }),
  );
});

test("goes on growing after it was trimmed", () => {
  const table = new NameTable();
  for (let i = 0; i < 1000; i++) {
    if (i % 100 === 0) table.trim();
    expect(table.add(`name-${i}`)).toBe(i);
  }
  for (let i = 0; i < 1000; i++) expect(table.find(`name-${i}`)).toBe(i);
  expect(table.find("name-1000")).toBe(-1);
});

test("suffixes are the domains above a host, and the host itself apart", () => {
  const host = fc
    .array(fc.constantFrom("a", "b", "cc"), { minLength: 1, maxLength: 5 })
    .map((labels) => labels.join("."));
  fc.assert(
    fc.property(fc.array(host, { maxLength: 20 }), host, (domains, subject) => {
      const table = new NameTable();
      for (const domain of domains) table.add(domain);
      const above = subject
        .split(".")
        .slice(1)
        .map((_, i, rest) => rest.slice(i).join("."))
        .filter((domain) => domains.includes(domain))
        .reverse();
      const out = new Int32Array(16);
      const text = new HashedText().read(subject);
      const count = table.suffixes(text, out);
      expect([...out.subarray(0, count)]).toEqual(above.map((domain) => table.find(domain)));
      expect(out[count]).toBe(table.find(subject));
      expect(table.hasParentOf(subject)).toBe(above.length > 0);
      expect(table.hasDomainOf(subject)).toBe(above.length > 0 || domains.includes(subject));
      expect(table.hasDomainOfText(text)).toBe(table.hasDomainOf(subject));
    }),
  );
});

test("bytes are folded to lower case", () => {
  const table = new NameTable();
  const bytes = new TextEncoder().encode("..A.Test..");
  expect(table.addBytes(bytes, 2, 8)).toBe(0);
  expect(table.addBytes(bytes, 2, 8)).toBe(0);
  expect(table.has("a.test")).toBe(true);
  expect(table.size).toBe(1);
});

test("names of which one is the end of another are told apart", () => {
  const table = new NameTable();
  for (const one of ["a.test", "xa.test", "test"]) table.add(one);
  expect(table.hasDomainOf("ya.test")).toBe(true); // test
  expect(table.hasDomainOf("xa.tes")).toBe(false);
  expect(table.hasDomainOf("z.xa.test")).toBe(true);
  const only = new NameTable();
  only.add("a.test");
  expect(only.hasDomainOf("xa.test")).toBe(false);
  expect(only.hasDomainOf("x.a.test")).toBe(true);
});
