/** Targets are told apart as they are written; names of files lead nowhere else. */
import { expect, test } from "bun:test";
import { fileNameOf, rootRouteOf, routeOf } from "../../../../../commands/s3crypt/serve/route.ts";

test.each([
  ["/ping", { kind: "ping" }],
  ["/ping?a", { kind: "ping" }],
  ["/upstream", { kind: "upstream", rest: "", query: undefined, root: "/upstream/" }],
  ["/upstream?", { kind: "upstream", rest: "", query: "", root: "/upstream/" }],
  ["/upstream/", { kind: "upstream", rest: "", query: undefined, root: "/upstream/" }],
  ["/upstream//a?b?c", { kind: "upstream", rest: "/a", query: "b?c", root: "/upstream/" }],
  ["/upstream/../ping", { kind: "upstream", rest: "../ping", query: undefined, root: "/upstream/" }],
  ["/local/encrypt/a/b", { kind: "local", name: "a/b" }],
] as const)("%s", (target, route) => {
  expect(routeOf(target)).toEqual(route);
});

test.each([
  ["/", { kind: "upstream", rest: "", query: undefined, root: "/" }],
  ["/ping", { kind: "upstream", rest: "ping", query: undefined, root: "/" }],
  ["/upstream/a?", { kind: "upstream", rest: "upstream/a", query: "", root: "/" }],
  ["//h/../a?b?c", { kind: "upstream", rest: "/h/../a", query: "b?c", root: "/" }],
  ["http://a/b", { kind: "none" }],
  ["/a#b", { kind: "none" }],
  ["*", { kind: "none" }],
] as const)("at the root: %s", (target, route) => {
  expect(rootRouteOf(target)).toEqual(route);
});

test.each(["/", "", "*", "/pings", "/upstreams", "/%75pstream/a", "/UPSTREAM/a", "/local/encrypt", "upstream/a"])(
  "%j leads nowhere",
  (target) => {
    expect(routeOf(target)).toEqual({ kind: "none" });
  },
);

test.each(["/upstream/a#b", "http://a/upstream/b", "//upstream/a"])("%s leads nowhere either", (target) => {
  expect(routeOf(target)).toEqual({ kind: "none" });
});

test.each([
  ["a.txt", "a.txt"],
  ["a%20b", "a b"],
  ["%C3%A9", "é"],
  ["a..b", "a..b"],
])("the name %s is %s", (segment, name) => {
  expect(fileNameOf(segment)).toBe(name);
});

test.each(["", ".", "..", ".a", "%2e", "%2e%2e", "a/b", "a%2Fb", "a\\b", "a%5Cb", "a%00", "%", "%ff", "a".repeat(201)])(
  "%j is the name of no file",
  (segment) => {
    expect(fileNameOf(segment)).toBeUndefined();
  },
);
