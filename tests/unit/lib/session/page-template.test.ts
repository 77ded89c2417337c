/** An operator's templates: places are filled with harmless text, unknown ones are refused. */
import { expect, test } from "bun:test";
import { PageTemplate } from "../../../../lib/session/page-template.ts";
import { TOLD_NAMES, type Told } from "../../../../lib/session/refusal-page.ts";

const TOLD = Object.fromEntries(TOLD_NAMES.map((name) => [name, `<${name}>`])) as unknown as Told;

test("every place is filled, in HTML escaped", () => {
  const text = TOLD_NAMES.map((name) => `{{${name}}}`).join("|");
  const html = PageTemplate.parse(text, "html", "t.html").write(TOLD);
  expect(html.body).toBe(TOLD_NAMES.map((name) => `&lt;${name}&gt;`).join("|"));
  expect(html.type).toBe("text/html; charset=utf-8");
  expect(html.headers?.["Content-Security-Policy"]).toBe(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'; img-src data:",
  );
  const plain = PageTemplate.parse(text, "text", "t.txt").write(TOLD);
  expect(plain).toEqual({
    type: "text/plain; charset=utf-8",
    body: TOLD_NAMES.map((name) => `<${name}>`).join("|"),
  });
});

test("a value cannot bring places or lines of its own", () => {
  const told = { ...TOLD, host: "{{policy}}\r\nx\u202e" };
  expect(PageTemplate.parse("{{ host }}", "text", "t").write(told).body).toBe("{{policy}}  x\ufffd");
});

test("braces of styles are text", () => {
  const css = "p{margin:0}@media x{p{a:b}} {{}} {{ }} {{a b}}";
  expect(PageTemplate.parse(css, "html", "t").write(TOLD).body).toBe(css);
});

test("an unknown place is refused with the nearest name", () => {
  expect(() => PageTemplate.parse("{{hots}}", "html", "d/t.html")).toThrow(
    expect.objectContaining({
      code: "template.unknown",
      exit: 65,
      message: expect.stringContaining('"d/t.html"'),
      hint: expect.stringContaining("did you mean {{host}}?"),
    }),
  );
  expect(() => PageTemplate.parse("{{constructor}}", "html", "t")).toThrow(expect.objectContaining({ exit: 65 }));
});
