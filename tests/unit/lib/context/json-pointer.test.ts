/** JSON pointers: every example of RFC 6901, and what is none. */
import { expect, test } from "bun:test";
import { follow, parsePointer } from "../../../../lib/context/json-pointer.ts";

/** RFC 6901 section 5. */
const DOCUMENT = JSON.parse(
  '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}',
) as unknown;

test.each([
  ["", DOCUMENT],
  ["/foo", ["bar", "baz"]],
  ["/foo/0", "bar"],
  ["/", 0],
  ["/a~1b", 1],
  ["/c%d", 2],
  ["/e^f", 3],
  ["/g|h", 4],
  ["/i\\j", 5],
  ['/k"l', 6],
  ["/ ", 7],
  ["/m~0n", 8],
])("%j leads to %j", (pointer, value) => {
  expect(follow(DOCUMENT, parsePointer(pointer)!)).toEqual(value);
});

test("~01 is ~1 and not a slash (section 4)", () => {
  expect(follow({ "~1": "yes", "/": "no" }, parsePointer("/~01")!)).toBe("yes");
});

test.each(["/foo/2", "/foo/00", "/foo/01", "/foo/-", "/foo/1e0", "/foo/-1", "/foo/length", "/bar", "/foo/0/x", "/ /x"])(
  "%j leads nowhere",
  (pointer) => {
    expect(follow(DOCUMENT, parsePointer(pointer)!)).toBeUndefined();
  },
);

test("what an object has from its kind is not in it", () => {
  expect(["/__proto__", "/constructor", "/toString"].map((text) => follow({}, parsePointer(text)!))).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test.each(["foo", "foo/bar", "/~", "/~2", "/a~", "#/foo"])("%j is no pointer", (text) => {
  expect(parsePointer(text)).toBeUndefined();
});
