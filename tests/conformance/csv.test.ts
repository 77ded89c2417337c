/** CSV as Python's csv module writes it is read as it was, and what that module reads strictly we read the same. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { CsvError, CsvReader } from "../../lib/context/csv.ts";
import { run } from "../support/program.ts";
import { needing } from "../support/needs.ts";

/** Tables as JSON in, a list of texts out: each table in each dialect. */
const WRITE = `
import csv, io, json, sys
found = []
for table in json.load(sys.stdin):
    for delimiter in ",;\\t":
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC):
            for end in ("\\r\\n", "\\n"):
                out = io.StringIO(newline="")
                csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator=end).writerows(table)
                found.append([delimiter, out.getvalue(), table])
json.dump(found, sys.stdout)
`;

/** Texts as JSON in, a list of tables out, null for one that is refused. */
const READ = `
import csv, io, json, sys
def read(text):
    try: return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row != []]
    except csv.Error: return None
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
`;

async function python(script: string, input: unknown): Promise<unknown> {
  const { status, stdout, stderr } = await run(["python3", "-c", script], { stdin: JSON.stringify(input) });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout);
}

function records(text: string, delimiter = ","): string[][] | null {
  const reader = new CsvReader(Buffer.from(text), delimiter.charCodeAt(0));
  const found: string[][] = [];
  try {
    while (reader.next()) found.push(Array.from({ length: reader.count }, (_, i) => reader.text(i)));
    return found;
  } catch (error) {
    if (error instanceof CsvError) return null;
    throw error;
  }
}

needing("CSV of Python's csv module", ["python3"], () => {
  const cell = fc.string({
    unit: fc.constantFrom("a", "1", " ", ",", ";", "\t", '"', "'", "\r\n", "\n", "é", "🙂"),
    maxLength: 6,
  });

  test("what it writes", async () => {
    const table = fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 4 });
    const tables = fc.sample(table, 300);
    const written = (await python(WRITE, tables)) as [string, string, string[][]][];
    expect(written.length).toBe(300 * 18);
    for (const [delimiter, text, rows] of written) expect(records(text, delimiter)).toEqual(rows);
  });

  test("what it reads, and what it refuses; we are stricter about quotes in cells that do not begin with one", async () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", ",", '"', "\n", "\r\n"), maxLength: 12 });
    const texts = fc.sample(text, 3000);
    const read = (await python(READ, texts)) as (string[][] | null)[];
    let compared = 0;
    for (const [i, rows] of read.entries()) {
      const ours = records(texts[i]!);
      // RFC 4180 section 2, rule 5: it takes such a quote as a character.
      if (ours === null && rows !== null) expect(texts[i]).toMatch(/(?:^|,|\n)[^",\n]+"|"[^,\n]*[ab]/);
      else {
        expect({ text: texts[i], rows: ours }).toEqual({ text: texts[i], rows });
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  });
});
