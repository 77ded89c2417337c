/** Names of rights: one for all spellings of a path, and ds_proxy's own for the usual one. */
import { expect, test } from "bun:test";
import { rightName } from "../../../../../commands/s3crypt/serve/write-once.ts";

test.each([
  // printf %s /upstream/v1/AUTH_a/box/obj-1.txt | sha256sum
  ["v1/AUTH_a/box/obj-1.txt", "locks:51c3e0f9c338155fae92fd9d1670e1d9f80dfa282c5f6b462ca6668b33149b54"],
])("%s has the name that ds_proxy gives it", (rest, name) => {
  expect(rightName(rest)).toBe(name);
});

test.each([
  ["box/obj", "box/%6Fbj"],
  ["box/obj", "%62ox/%6f%62%6a"],
  ["box/obj", "box%2Fobj"],
  ["box/obj", "box%2fobj"],
  ["box/%C3%A9", "box/%c3%a9"],
  ["box/%C3%A9", "box/\xc3\xa9"],
  ["box/a%20b", "box/a b"],
  ["box/a%21b", "box/a!b"],
  ["box/%7E~", "box/~%7e"],
  ["box/%25", "box/%"],
  ["box/%2541", "box/%25%34%31"],
])("%j and %j are one", (a, b) => {
  expect(rightName(a)).toBe(rightName(b));
});

test.each([
  ["box/obj", "box/Obj"],
  ["box/obj", "box//obj"],
  ["box/obj", "box/./obj"],
  ["box/obj", "box/x/../obj"],
  ["box/obj", "box/obj/"],
  ["box/a+b", "box/a%20b"],
  ["box/a", "box/%2561"],
  ["", "upstream/"],
])("%j and %j are two", (a, b) => {
  expect(rightName(a)).not.toBe(rightName(b));
});

test("each part of an object has a name of its own, whatever the spelling of the path", () => {
  const names = ["", "1 u", "2 u", "1 v"].map((part) => rightName("box/obj", part));
  expect(new Set(names).size).toBe(4);
  expect(names[0]).toBe(rightName("box/obj"));
  expect(names[1]).toBe(rightName("box/%6Fbj", "1 u"));
  expect(names[1]).not.toBe(rightName("box/obj1%20u"));
});
