/** Replies of RESP2 as its specification shows them, whole, in pieces, and broken. */
import { describe, expect, test } from "bun:test";
import { decodeReply, encodeCommand, type Reply } from "../../../../lib/wire/resp.ts";
import { ascii, expectReads } from "../../../conformance/three-ways.ts";

test("a command is an array of strings whose lengths are in bytes", () => {
  const text = Buffer.from(encodeCommand(["SET", "é", "a\r\nb"])).toString();
  expect(text).toBe("*3\r\n$3\r\nSET\r\n$2\r\né\r\n$4\r\na\r\nb\r\n");
});

test.each<[string, Reply]>([
  ["+OK\r\n", { type: "status", text: "OK" }],
  ["+\r\n", { type: "status", text: "" }],
  ["-ERR unknown command 'asdf'\r\n", { type: "error", text: "ERR unknown command 'asdf'" }],
  [":1000\r\n", { type: "integer", value: 1000n }],
  [":+5\r\n", { type: "integer", value: 5n }],
  [":-9223372036854775808\r\n", { type: "integer", value: -9223372036854775808n }],
  ["$5\r\nhello\r\n", { type: "bulk", bytes: ascii("hello") }],
  ["$0\r\n\r\n", { type: "bulk", bytes: ascii("") }],
  ["$2\r\n\r\n\r\n", { type: "bulk", bytes: ascii("\r\n") }],
  ["$-1\r\n", { type: "nil" }],
])("%j", (text, value) => {
  expectReads((bytes) => plain(decodeReply(bytes)), ascii(text), value);
});

describe("what is no reply is refused", () => {
  test.each([
    ["HTTP/1.1 400 Bad Request\r\n", 1],
    ["*0\r\n", 1],
    ["_\r\n", 1],
    ["\r\n", 1],
    ["+OK\rx", 5],
    [":12a\r\n", 6],
    [":\r\n", 3],
    ["$-2\r\n", 5],
    ["$5x\r\n", 5],
    ["$99999999999\r\n", 14],
    ["$65537\r\n", 8],
    ["$1\r\nab\r", 7],
    ["$1\r\na\rx", 7],
  ])("%j, and not before byte %d", (text, length) => {
    const bytes = ascii(text);
    for (let before = 0; before < length; before++) expect(decodeReply(bytes.slice(0, before)).kind).toBe("more");
    expect(decodeReply(bytes.slice(0, length)).kind).toBe("bad");
  });

  test("a line without an end", () => {
    expect(decodeReply(ascii("+".padEnd(8191, "a"))).kind).toBe("more");
    expect(decodeReply(ascii("+".padEnd(8192, "a"))).kind).toBe("bad");
  });

  test("text that is not UTF-8", () => {
    expect(decodeReply(ascii("+\xff\r\n")).kind).toBe("bad");
  });
});

/** Bytes of whatever class as bytes. */
function plain(decoded: ReturnType<typeof decodeReply>): ReturnType<typeof decodeReply> {
  if (decoded.kind !== "ok" || decoded.value.type !== "bulk") return decoded;
  return { ...decoded, value: { type: "bulk", bytes: Uint8Array.from(decoded.value.bytes) } };
}
