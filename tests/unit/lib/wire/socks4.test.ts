/** Corners of SOCKS4; what the memos give is in tests/conformance. */
import { describe, expect, test } from "bun:test";
import { decodeSocks4 } from "../../../../lib/wire/socks4.ts";
import { expectReads } from "../../../conformance/three-ways.ts";

const fixed = [4, 1, 0, 80];
const text = (length: number) => Array.from({ length }, () => 0x61);

describe("texts have an end", () => {
  test("255 bytes of user id are read, one more is refused even without its end", () => {
    const bytes = Uint8Array.of(...fixed, 127, 0, 0, 1, ...text(255), 0);
    expectReads(decodeSocks4, bytes, { command: 1, host: "127.0.0.1", port: 80, userId: "a".repeat(255) });
    expect(decodeSocks4(Uint8Array.of(...fixed, 127, 0, 0, 1, ...text(256)))).toMatchObject({
      kind: "bad",
      reason: expect.stringContaining("user id"),
    });
  });

  test("255 bytes of name are read, one more is refused", () => {
    const bytes = Uint8Array.of(...fixed, 0, 0, 0, 1, 0, ...text(255), 0);
    expectReads(decodeSocks4, bytes, { command: 1, host: "a".repeat(255), port: 80, userId: "" });
    expect(decodeSocks4(Uint8Array.of(...fixed, 0, 0, 0, 1, 0, ...text(256)))).toMatchObject({
      kind: "bad",
      reason: expect.stringContaining("domain name"),
    });
  });

  test("text that is not UTF-8 is refused", () => {
    expect(decodeSocks4(Uint8Array.of(...fixed, 127, 0, 0, 1, 0xff, 0)).kind).toBe("bad");
    expect(decodeSocks4(Uint8Array.of(...fixed, 0, 0, 0, 1, 0, 0xc3, 0x28, 0)).kind).toBe("bad");
  });
});

test("another version is refused at its first byte", () => {
  for (const version of [0, 3, 5, 255]) expect(decodeSocks4(Uint8Array.of(version)).kind).toBe("bad");
});
