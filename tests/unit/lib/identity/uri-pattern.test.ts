/** URI patterns: segments, stars, the open end, and start-up errors. */
import { describe, expect, test } from "bun:test";
import { compileUriPattern } from "../../../../lib/identity/uri-pattern.ts";

function matches(pattern: string, uri: string): boolean {
  const compiled = compileUriPattern(pattern);
  if (compiled.pattern === undefined) throw new Error(compiled.error);
  expect(compiled.pattern.text).toBe(pattern);
  return compiled.pattern.matches(uri);
}

test.each([
  ["spiffe://td/a/b", "spiffe://td/a/b"],
  ["spiffe://td/a/b", "spiffe://td/a/b/"],
  ["spiffe://td/*/web", "spiffe://td/prod/web"],
  ["spiffe://td/*/web", "spiffe://td/prod/web/"],
  ["spiffe://*/a/*", "spiffe://td/a/b"],
  ["spiffe://td/*", "spiffe://td/*"],
  ["spiffe://td/ns/**", "spiffe://td/ns/a"],
  ["spiffe://td/ns/**", "spiffe://td/ns/a/b/c"],
  ["spiffe://td/ns/**", "spiffe://td/ns"],
  ["spiffe://td/ns/**", "spiffe://td/ns/"],
  ["spiffe://td/*/ns/**", "spiffe://td/x/ns/y//z/"],
  ["**", "anything://at/all"],
  ["*", "urn:isbn:1"],
  ["urn:isbn:1", "urn:isbn:1"],
  ["a/b/", "a/b/"],
  ["a/b/", "a/b//"],
  ["https://a.test/x?y=[z]+(.)", "https://a.test/x?y=[z]+(.)"],
])("%j matches %j", (pattern, uri) => expect(matches(pattern, uri)).toBe(true));

test.each([
  ["spiffe://td/a/b", "spiffe://td/a/B"],
  ["spiffe://td/a/b", "spiffe://td/a/b//"],
  ["spiffe://td/a/b", "spiffe://td/a/b/c"],
  ["spiffe://td/a/b", "spiffe://td/a"],
  ["spiffe://td/a/b", "spiffe://td/a/bc"],
  ["spiffe://td/a/b", "xspiffe://td/a/b"],
  ["spiffe://td/*/web", "spiffe://td//web"],
  ["spiffe://td/*/web", "spiffe://td/web"],
  ["spiffe://td/*/web", "spiffe://td/a/b/web"],
  ["spiffe://td/*", "spiffe://td/"],
  ["spiffe://td/*", "spiffe://td"],
  ["spiffe://td/ns/**", "spiffe://td/nsx"],
  ["spiffe://td/ns/**", "spiffe://td/nsx/a"],
  ["spiffe://td/ns/**", "spiffe://td"],
  ["spiffe://td/./b", "spiffe://td/x/b"],
  ["spiffe://t.d/a", "spiffe://txd/a"],
  ["a/b/", "a/b"],
  ["*", ""],
  ["*", "a/b"],
])("%j does not match %j", (pattern, uri) => expect(matches(pattern, uri)).toBe(false));

describe("no patterns", () => {
  test.each([
    ["", "empty"],
    ["spiffe://**/a", "last segment"],
    ["**/", "last segment"],
    ["**/**", "last segment"],
    ["spiffe://td/a*", "whole segment"],
    ["spiffe://td/*a/b", "whole segment"],
    ["spiffe://td/***", "whole segment"],
    ["spiffe://td/a**", "whole segment"],
  ])("%j", (text, why) => expect(compileUriPattern(text).error).toContain(why));
});

test("many slashes and stars are walked once", () => {
  const pattern = `${"*/".repeat(5_000)}x`;
  expect(matches(pattern, "a/".repeat(200_000))).toBe(false);
  expect(matches(`${"*/".repeat(5_000)}**`, "a/".repeat(200_000))).toBe(true);
});
