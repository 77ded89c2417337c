/** PEM texts as openssl and others write them, and what is wrong with damaged ones. */
import { describe, expect, test } from "bun:test";
import { decodePem, encodePem, isPem } from "../../../../lib/wire/pem.ts";

const begin = (label: string) => `-----BEGIN ${label}-----\n`;
const end = (label: string) => `-----END ${label}-----\n`;
const block = (label: string, base64: string) => `${begin(label)}${base64}\n${end(label)}`;
const found = (text: string): unknown[][] =>
  decodePem(text).map(({ label, body, headers }) => [label, body && Buffer.from(body).toString(), headers]);

describe("blocks are found", () => {
  test.each<[string, string, unknown[][]]>([
    ["one", block("A", "eHl6"), [["A", "xyz", false]]],
    [
      "several",
      block("A", "eHl6") + block("B C", "eA=="),
      [
        ["A", "xyz", false],
        ["B C", "x", false],
      ],
    ],
    ["over several lines", block("A", "eH\nl6"), [["A", "xyz", false]]],
    [
      "with text around",
      `Bag\n  x: y\n${block("A", "eHl6")}more\n${block("A", "eA==")}end`,
      [
        ["A", "xyz", false],
        ["A", "x", false],
      ],
    ],
    ["with lines of Windows", block("A", "eH\nl6").replaceAll("\n", "\r\n"), [["A", "xyz", false]]],
    ["with lines of old Macs", block("A", "eH\nl6").replaceAll("\n", "\r"), [["A", "xyz", false]]],
    ["with a byte order mark", `\ufeff${block("A", "eHl6")}`, [["A", "xyz", false]]],
    ["indented", block("A", "eHl6").replaceAll(/^/gm, "  "), [["A", "xyz", false]]],
    ["without a newline at the end", block("A", "eHl6").trimEnd(), [["A", "xyz", false]]],
    ["with headers", block("A", "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES,00\n\neHl6"), [["A", "xyz", true]]],
    ["none", "hello\n-----BEGIN\nA-----", []],
  ])("%s", (_, text, blocks) => expect(found(text)).toEqual(blocks));
});

describe("a block is damaged", () => {
  test.each([
    ["without an end", `${begin("A")}eHl6\n`],
    ["with another end", `${begin("A")}eHl6\n${end("B")}`],
    ["with a block inside", `${begin("A")}eHl6\n${begin("A")}eHl6\n`],
    ["with other characters", block("A", "eHl*")],
    ["with padding inside", block("A", "eA==eA==")],
    ["with a part of a group", block("A", "eHl6e")],
    ["with nothing in it", block("A", "")],
    ["with headers alone", block("A", "Proc-Type: 4")],
  ])("%s", (_, text) => expect(found(text)[0]).toEqual(["A", undefined, expect.any(Boolean)]));

  test("and the next is read", () => expect(found(`${begin("A")}e\n${block("B", "eA==")}`)[1]?.[1]).toBe("x"));
});

test("a block keeps its text, in lines of ours", () => {
  const text = block("A", "Proc-Type: 4,ENCRYPTED\nDEK-Info: X,00\n\neHl6");
  expect(decodePem(`x\n${text.replaceAll("\n", "\r\n")}y`)[0]?.text).toBe(text);
});

test("what is encoded has lines of 64 characters, and is decoded to the same", () => {
  for (const length of [1, 47, 48, 49, 96, 1000]) {
    const body = Buffer.alloc(length, "abc");
    const text = encodePem("A B", body);
    const lines = text.split("\n").slice(1, -2);
    expect(lines.slice(0, -1).every((line) => line.length === 64)).toBe(true);
    expect(lines.at(-1)!.length).toBeLessThanOrEqual(64);
    expect(decodePem(text)).toEqual([{ label: "A B", body, headers: false, text }]);
  }
});

test("time is linear in the text", () => {
  const text = begin("A").repeat(200_000);
  expect(decodePem(text)).toHaveLength(200_000);
});

test("a text is told from bytes", () => {
  expect(isPem(Buffer.from(`x${block("A", "eHl6")}`))).toBe(true);
  expect(isPem(Buffer.from("0\x82\x01\x00----"))).toBe(false);
});
