/** The index of keys: against a map, and with hashes that clash. */
import { expect, test } from "bun:test";
import { hashOf, KeyIndex } from "../../../../lib/context/key-index.ts";

test("what was added is found, and nothing else", () => {
  const index = new KeyIndex();
  const keys = Array.from({ length: 50_000 }, (_, i) => `user${i * 7}@corp.example`);
  const hash = (key: string) => hashOf(Buffer.from(key), 0, key.length);
  for (const [at, key] of keys.entries())
    expect(index.add(hash(key), at, (other) => keys[other] === key)).toBeUndefined();
  expect(index.size).toBe(keys.length);
  for (const [at, key] of keys.entries()) expect(index.find(hash(key), (other) => keys[other] === key)).toBe(at);
  for (const key of ["user1@corp.example", "", "x"])
    expect(index.find(hash(key), (other) => keys[other] === key)).toBeUndefined();
});

test("rows of one hash are told apart by their keys", () => {
  const index = new KeyIndex();
  const keys = ["a", "b", "c"];
  for (const [at, key] of keys.entries()) index.add(1, at, (other) => keys[other] === key);
  expect(keys.map((key) => index.find(1, (other) => keys[other] === key))).toEqual([0, 1, 2]);
  expect(index.add(1, 9, (other) => keys[other] === "b")).toBe(1);
  expect(index.size).toBe(3);
});

/** draft-eastlake-fnv, appendix C: 32-bit FNV-1a. */
test.each([
  ["", 0x811c9dc5],
  ["a", 0xe40c292c],
  ["foobar", 0xbf9cf968],
])("FNV-1a of %j", (text, hash) => {
  expect(hashOf(Buffer.from(text), 0, text.length) >>> 0).toBe(hash);
});
