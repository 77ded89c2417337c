/** docs/AUDIT.md says of every event which fields it has: neither more nor less than the code. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AUDIT_VERSION } from "../../../../lib/audit/event.ts";

const ROOT = join(import.meta.dir, "../../../..");
const source = readFileSync(join(ROOT, "lib/audit/event.ts"), "utf8");
const page = readFileSync(join(ROOT, "docs/AUDIT.md"), "utf8");

/** Fields with their `?`, and for words that are one of a few, these: by the title that the page gives them. */
type Shapes = Record<string, string[]>;

const words = (text: string) => [...text.matchAll(/"(\w+)"/g)].map(([, word]) => `"${word}"`).join(" ");

function shapesOfCode(): Shapes {
  const shapes: Shapes = {};
  for (const [, name = "", body = ""] of source.matchAll(/interface (\w+)(?: extends \w+)? \{\n([\s\S]*?)\n\}/g)) {
    const fields = [...body.matchAll(/^ {2}(\w+\??): (.*);$/gm)].map(
      ([, field = "", type = ""]) => [field, words(type)] as const,
    );
    const event = fields.find(([field]) => field === "event")?.[1];
    const title = event?.replaceAll('"', "") ?? TITLES[name] ?? name;
    shapes[title] = fields.filter(([field]) => field !== "event").map((field) => field.join(" ").trim());
  }
  return shapes;
}

const TITLES: Record<string, string> = {
  Base: "Every line",
  Session: "Lines about a client",
  CertificateRecord: "Record certificate",
  TlsRecord: "Record tls",
  HelloRecord: "Record hello",
  ProgramRecord: "Record program",
};

function shapesOfPage(): Shapes {
  const shapes: Shapes = {};
  for (const section of page.split(/^### /m).slice(1)) {
    const title = section.slice(0, section.indexOf("\n")).replace(/[`,]/g, "");
    const rows = [...section.matchAll(/^\| `(\w+\??)` +\| (.*?) +\| (.*?) +\|$/gm)];
    for (const [, , , meaning] of rows) expect(meaning).not.toBe("");
    shapes[title] = rows.map(([, field, type]) => `${field} ${words(type!)}`.trim());
  }
  return shapes;
}

test("every event and field of the code is on the page, and no other", () => {
  const code = shapesOfCode();
  expect(Object.keys(code).length).toBeGreaterThan(12);
  expect(code["loss"]).toEqual(["lost"]);
  expect(shapesOfPage()).toEqual(code);
});

test("every event that may be written is one of these", () => {
  const union = /export type AuditEvent =([^;]*);/.exec(source)![1]!.match(/\w+/g)!;
  const events = [...source.matchAll(/interface (\w+)(?: extends \w+)? \{\n[^}]*?^ {2}event: /gm)].map(
    ([, name]) => name!,
  );
  expect(events.toSorted()).toEqual(union.toSorted());
});

test("the page names the version", () => {
  expect(page).toContain(`This is version ${AUDIT_VERSION}, which each line names: \`"v": ${AUDIT_VERSION}\``);
});
