/** GRAMMAR.md names every code and fact, and its examples load. */
import { expect, test } from "bun:test";
import { CODES } from "../../../../lib/acl/diagnostic.ts";
import { FACTS, FAMILIES } from "../../../../lib/acl/facts.ts";
import { formatPolicy } from "../../../../lib/acl/format.ts";
import { loadText } from "./support.ts";

const grammar = await Bun.file(new URL("../../../../lib/acl/GRAMMAR.md", import.meta.url)).text();

test("every code has its row, and no row is for nothing", () => {
  const rows = [...grammar.matchAll(/^\| `(acl\.\w+)` +\| .+ \|$/gm)].map((row) => row[1]!);
  expect(rows).toEqual([...CODES]);
});

test("every fact and family is in the table of facts", () => {
  const table = grammar.slice(grammar.indexOf("## Facts"), grammar.indexOf("### Missing facts"));
  for (const name of Object.keys(FACTS)) expect(table).toContain(`\`${name}\``);
  for (const name of Object.keys(FAMILIES)) expect(table).toMatch(new RegExp(`\`${name}\\.(\\*|NAME)\``));
});

test("the examples load and are formatted", () => {
  const examples = [...grammar.matchAll(/^```\n([^`]*)^```$/gm)].map((match) => match[1]!);
  expect(examples.length).toBeGreaterThanOrEqual(4);
  const more = "\npolicy payroll { action deny }\npolicy payroll_guard { action deny }\n";
  for (const example of examples) {
    const { diagnostics } = loadText(example + (example.includes("by payroll") ? more : ""));
    expect([example, diagnostics]).toEqual([example, []]);
    expect(formatPolicy(example).text).toBe(example);
  }
});
