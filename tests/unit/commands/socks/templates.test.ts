/** Templates are read with the policy that names them, or not at all. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTemplates } from "../../../../commands/socks/templates.ts";
import { loadPolicy } from "../../../../lib/acl/load.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-templates-"));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, "both.html"), "<p>{{host}}");
writeFileSync(join(folder, "both.txt"), "{{host}}");
writeFileSync(join(folder, "text.txt"), "text");
writeFileSync(join(folder, "broken.html"), "{{hots}}");
writeFileSync(join(folder, "large.html"), "x".repeat(256 * 1024 + 1));
writeFileSync(join(folder, "latin.html"), Buffer.from([0xe9]));
Bun.spawnSync(["mkfifo", join(folder, "pipe.html")]);
Bun.spawnSync(["mkdir", join(folder, "folder.html")]);

function policy(...names: string[]) {
  const blocks = names.map((name, i) => `policy p${i} { when port == ${i} action deny explain-template="${name}" }`);
  return loadPolicy("p.acl", () => blocks.join("\n")).policy!;
}

test("a page and a text, with or without the ending", () => {
  const { templates, warnings } = readTemplates(folder, policy("both", "text", "both.html", "both"));
  expect(warnings).toEqual([]);
  expect([...templates.keys()]).toEqual(["both", "text", "both.html"]);
  expect(templates.get("text")).toMatchObject({ html: undefined });
  expect(templates.get("both.html")).toMatchObject({ html: expect.anything(), text: expect.anything() });
});

test("a file named challenge is for challenges", () => {
  writeFileSync(join(folder, "challenge.txt"), "{{challenge}}");
  expect([...readTemplates(folder, policy()).templates.keys()]).toEqual(["challenge"]);
  rmSync(join(folder, "challenge.txt"));
});

test("without a folder the policy's templates are a warning", () => {
  const { templates, warnings } = readTemplates(undefined, policy("a", "../b"));
  expect(templates.size).toBe(0);
  expect(warnings).toEqual([expect.stringContaining('("a", "../b")')]);
  expect(readTemplates(undefined, policy()).warnings).toEqual([]);
});

test.each([
  ["nowhere", "template.missing", 66],
  ["../both", "template.name", 65],
  ["/etc/passwd", "template.name", 65],
  [".hidden", "template.name", 65],
  ["", "template.name", 65],
  ["a\u0000b", "template.name", 65],
  ["x".repeat(101), "template.name", 65],
  ["broken", "template.unknown", 65],
  ["large", "template.unusable", 65],
  ["latin", "template.unusable", 65],
  ["pipe", "template.unusable", 65],
  ["folder", "template.unusable", 65],
])("%j is refused", (name, code, exit) => {
  expect(() => readTemplates(folder, policy(name))).toThrow(
    expect.objectContaining({ code, exit, hint: expect.any(String) }),
  );
});
