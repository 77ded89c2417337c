/** What nobody could see, or what would turn a line around, is shown as what it is. */
import { expect, test } from "bun:test";
import { escapeHtml, visible } from "../../../../lib/session/visible.ts";

test.each([
  ["plain.example", "plain.example"],
  ["a\u202egnp.exe", "a\ufffdgnp.exe"],
  ["\u2066x\u2069\u200f\u200b", "\ufffdx\ufffd\ufffd\ufffd"],
  ["a\u0000\u001b[31mred", "a\ufffd\ufffd[31mred"],
  ["two\r\nlines", "two  lines"],
  ["\ud800", "\ufffd"],
  ["bücher.example 日本", "bücher.example 日本"],
])("%j", (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("what is too long is cut", () => {
  expect(visible("x".repeat(1_000_000), 10)).toBe(`${"x".repeat(10)}…`);
  expect(visible("x".repeat(10), 10)).toBe("x".repeat(10));
});

test("markup is text", () => {
  expect(escapeHtml(`<img src=x onerror='a("b")'>&`)).toBe("&lt;img src=x onerror=&#39;a(&quot;b&quot;)&#39;&gt;&amp;");
});
