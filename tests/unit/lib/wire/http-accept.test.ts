/** Accept fields of browsers and programs (RFC 9110 section 12.5.1), and which of them get a page. */
import { expect, test } from "bun:test";
import { prefersHtml } from "../../../../lib/wire/http-accept.ts";

test.each([
  // Chromium and Firefox for a page, for an image, and for `fetch`.
  ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", true],
  ["image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", false],
  ["*/*", false],
  // apt, git and curl.
  ["text/*", false],
  ["application/x-git-upload-pack-result", false],
  ["", false],
  // Weights, RFC 9110 section 12.4.2.
  ["text/html;q=0", false],
  ["text/html;q=0.5, text/plain;q=0.8", false],
  ["text/html;q=0.8, text/plain;q=0.5", true],
  ["text/html;q=0.5, */*", false],
  ["text/html;q=0.5, text/plain;q=0.1, */*", true],
  ["TEXT/HTML ; Q=1.000", true],
  // The broken and the hostile.
  ["text/html;q=2", false],
  ["text/html;q=", false],
  ['text/plain;x=",text/html"', false],
  ['text/html;level="a;q=0,b"', true],
  ['text/html;x="', true],
  [`${"a/b,".repeat(64)}text/html`, false],
])("%j", (accept, wanted) => {
  expect(prefersHtml(accept)).toBe(wanted);
});

test("without the field", () => {
  expect(prefersHtml(undefined)).toBe(false);
});
