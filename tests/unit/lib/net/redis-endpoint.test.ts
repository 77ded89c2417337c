/** URLs of Redis servers: what they mean, and that nothing of a refused one is repeated. */
import { expect, test } from "bun:test";
import { parseRedisUrl } from "../../../../lib/net/redis-endpoint.ts";

test.each([
  ["redis://127.0.0.1", "redis://127.0.0.1:6379"],
  ["redis://127.0.0.1/", "redis://127.0.0.1:6379"],
  ["redis://127.0.0.1/0", "redis://127.0.0.1:6379"],
  ["rediss://cache.example.com:6380/3", "rediss://cache.example.com:6380"],
  ["redis://[::1]:1", "redis://[::1]:1"],
  ["redis://:p%40ss@cache/1", "redis://cache:6379"],
  ["redis://user:a:b@cache", "redis://cache:6379"],
])("%s", (url, shown) => {
  expect(String(parseRedisUrl(url, "--redis-url"))).toBe(shown);
});

test.each([
  "http://secret@cache",
  "redis:secret",
  "redis://",
  "redis://secret@cache",
  "redis://a:sec%ret@cache",
  "redis://a:sec/ret@cache",
  "redis://:secret@cache:0",
  "redis://:secret@cache:70000",
  "redis://:secret@cache/db",
  "redis://:secret@cache/1?timeout=2",
  "redis://:secret@a b",
])("%s is refused without a word of it", (url) => {
  const refusal = () => parseRedisUrl(url, "--redis-url");
  expect(refusal).toThrow(/^--redis-url: /);
  expect(refusal).not.toThrow(/sec/);
});
