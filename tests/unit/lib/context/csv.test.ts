/** CSV: the examples of RFC 4180, what it leaves open, and what it forbids. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { CsvError, CsvReader } from "../../../../lib/context/csv.ts";

function records(text: string | Uint8Array, delimiter?: string): string[][] {
  const reader = new CsvReader(Buffer.from(text), delimiter?.charCodeAt(0));
  const found: string[][] = [];
  while (reader.next()) found.push(Array.from({ length: reader.count }, (_, i) => reader.text(i)));
  return found;
}

/** RFC 4180 section 2, by the number of the rule. */
const RULES: [rule: string, text: string, found: string[][]][] = [
  [
    "1: lines end with CRLF",
    "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n",
    [
      ["aaa", "bbb", "ccc"],
      ["zzz", "yyy", "xxx"],
    ],
  ],
  [
    "2: the last line need not",
    "aaa,bbb,ccc\r\nzzz,yyy,xxx",
    [
      ["aaa", "bbb", "ccc"],
      ["zzz", "yyy", "xxx"],
    ],
  ],
  ["4: blanks belong to a field", "a , b\r\n", [["a ", " b"]]],
  [
    "5: quoted or not",
    '"aaa","bbb","ccc"\r\nzzz,yyy,xxx',
    [
      ["aaa", "bbb", "ccc"],
      ["zzz", "yyy", "xxx"],
    ],
  ],
  [
    "6: a line's end in a field",
    '"aaa","b\r\nbb","ccc"\r\nzzz,yyy,xxx',
    [
      ["aaa", "b\r\nbb", "ccc"],
      ["zzz", "yyy", "xxx"],
    ],
  ],
  ["6: a comma in a field", '"a,a",b\r\n', [["a,a", "b"]]],
  ["7: two quotes are one", '"aaa","b""bb","ccc"', [["aaa", 'b"bb', "ccc"]]],
];

describe("RFC 4180 section 2", () => {
  test.each(RULES)("%s", (_rule, text, found) => {
    expect(records(text)).toEqual(found);
  });
});

test.each<[what: string, text: string, found: string[][]]>([
  [
    "LF alone ends a line",
    "a,b\nc,d\n",
    [
      ["a", "b"],
      ["c", "d"],
    ],
  ],
  [
    "an empty field",
    "a,,b\n,\n",
    [
      ["a", "", "b"],
      ["", ""],
    ],
  ],
  ["an empty quoted field", '"",""\n', [["", ""]]],
  ["nothing but quotes", '""""\n', [['"']]],
  ["empty lines are none", "\n\r\na\n\n\nb\n\n", [["a"], ["b"]]],
  ["a byte order mark is passed over", "\ufeffa,b\n", [["a", "b"]]],
  ["text beyond ASCII", "é,日本,🙂\n", [["é", "日本", "🙂"]]],
  ["a carriage return alone is a character", "a\rb,c\n", [["a\rb", "c"]]],
  ["nothing", "", []],
  ["only line ends", "\r\n\n", []],
])("%s", (_what, text, found) => {
  expect(records(text)).toEqual(found);
});

test("another delimiter", () => {
  expect(records('a;"b;c";d,e\n', ";")).toEqual([["a", "b;c", "d,e"]]);
});

test("more fields than there was room for at first", () => {
  const fields = Array.from({ length: 100 }, (_, i) => `f${i}`);
  expect(records(fields.join(","))).toEqual([fields]);
});

test.each([
  ["a quote within an unquoted field", 'a,b"c\n', 1],
  ["a quote that does not end", 'a\n"b\nc\n', 2],
  ["more behind a closing quote", 'a\nb\n"c"d,e\n', 3],
  ["a blank behind a closing quote", '"a" ,b\n', 1],
  ["a carriage return alone behind a closing quote", '"a"\rb\n', 1],
])("%s is refused, with its line", (_what, text, line) => {
  expect(() => records(text)).toThrow(CsvError);
  try {
    records(text);
  } catch (error) {
    expect((error as CsvError).line).toBe(line);
  }
});

test("a record can be read again from where it began", () => {
  const bytes = Buffer.from('k,v\n"a\n",1\nb,2\n');
  const reader = new CsvReader(bytes);
  const starts: number[] = [];
  while (reader.next()) starts.push(reader.start);
  const again = new CsvReader(bytes);
  again.at = starts[2]!;
  expect(again.next()).toBe(true);
  expect([again.text(0), again.text(1)]).toEqual(["b", "2"]);
});

test("whatever is written by the rules is read as it was", () => {
  const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
  const field = fc.string({ unit: fc.constantFrom("a", "b", " ", ",", '"', "\r", "\n", "é") });
  const table = fc.array(fc.array(field, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(table, (rows) => {
      expect(records(rows.map((row) => row.map(quote).join(",")).join("\r\n"))).toEqual(rows);
    }),
  );
});
