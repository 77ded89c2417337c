/** URLs of storages: taken apart without a parser that would change them. */
import { expect, test } from "bun:test";
import { parseUpstreamUrl } from "../../../../../commands/s3crypt/serve/upstream-url.ts";

test.each([
  ["http://a", { tls: false, host: "a", port: 80, authority: "a", base: "/" }],
  ["https://a.example/", { tls: true, host: "a.example", port: 443, authority: "a.example", base: "/" }],
  ["http://a:8080/v1/x", { tls: false, host: "a", port: 8080, authority: "a:8080", base: "/v1/x/" }],
  ["https://a:443/x/", { tls: true, host: "a", port: 443, authority: "a:443", base: "/x/" }],
  ["http://[::1]:81/", { tls: false, host: "::1", port: 81, authority: "[::1]:81", base: "/" }],
  ["http://a/%2e%2e/./b", { tls: false, host: "a", port: 80, authority: "a", base: "/%2e%2e/./b/" }],
])("%s", (text, url) => {
  expect(parseUpstreamUrl(text)).toEqual(url);
});

test.each([
  "",
  "a",
  "ftp://a",
  "http://",
  "http://u@a/",
  "http://a:0/",
  "http://a:65536/",
  "http://a:/",
  "http://a/?b",
  "http://a/#b",
  "http://a/ b",
  "http://a/é",
  "http://a\\b/",
  "HTTP//a",
])("%j is none", (text) => {
  expect(() => parseUpstreamUrl(text)).toThrow(/is not the URL of a storage/);
});
