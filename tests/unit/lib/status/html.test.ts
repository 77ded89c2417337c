/** Markup from parts: texts of strangers in it. */
import { describe, expect, test } from "bun:test";
import { html, Html } from "../../../../lib/status/html.ts";

test("parts that are markup stay so, alone and in lists; nothing is nothing", () => {
  const rows = ["a", "b"].map((text) => html`<i>${text}</i>`);
  expect(html`<b>${rows}${undefined}${new Html("<br>")}</b>${7}`.markup).toBe("<b><i>a</i><i>b</i><br></b>7");
});

test("the indentation of the source is left out, that of a text is not", () => {
  const source = Object.assign(["<p>  \n    ", "\n  </p>"], { raw: [] }) satisfies TemplateStringsArray;
  expect(html(source, "a   b").markup).toBe("<p>\na   b\n</p>");
});

describe("a text", () => {
  test.each([
    ["<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    [`" onload="x`, "&quot; onload=&quot;x"],
    ["' x='", "&#39; x=&#39;"],
    ["&lt;", "&amp;lt;"],
    ["\u202Emoc.live", "\ufffdmoc.live"],
    ["a\u0000b\u200Bc", "a\ufffdb\ufffdc"],
    ["two\r\nlines", "two  lines"],
    ["\ud800", "\ufffd"],
  ])("%j is shown as such", (text, shown) => {
    expect(html`<b title="${text}">${text}</b>`.markup).toBe(`<b title="${shown}">${shown}</b>`);
  });

  test("of 4 KiB is cut", () => {
    expect(html`${"x".repeat(4096)}`.markup.length).toBeLessThan(400);
  });
});
