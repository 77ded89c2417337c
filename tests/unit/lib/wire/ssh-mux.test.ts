/** Vectors written by hand after PROTOCOL.mux of OpenSSH. */
import { describe, expect, test } from "bun:test";
import { decodeSshMux, encodeSshTunnel } from "../../../../lib/wire/ssh-mux.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

test("a greeting and a request for a tunnel", () => {
  const expected = "00000008 00000001 00000004  00000018 10000008 00000007 00000000 00000004 686f7374 00001f90";
  expect(Buffer.from(encodeSshTunnel(7, "host", 8080)).toString("hex")).toBe(expected.replaceAll(" ", ""));
});

const REPLIES = [
  ["00000008 00000001 00000004", { kind: "hello", version: 4 }],
  ["00000012 00000001 00000004 00000001 61 00000001 62", { kind: "hello", version: 4 }],
  ["0000000c 80000006 00000007 00000002", { kind: "opened", request: 7, session: 2 }],
  ["0000000e 80000003 00000007 00000002 6e6f", { kind: "failed", request: 7, reason: "no" }],
  ["0000000e 80000002 00000007 00000002 6e6f", { kind: "not_permitted", request: 7, reason: "no" }],
  ["0000000c 80000004 00000002 00000000", { kind: "other", type: 0x80000004 }],
] as const;

describe.each(REPLIES)("%s", (text, value) => {
  const bytes = hex(text);

  test("whole, with more behind it", () => {
    const length = bytes.length;
    expect(decodeSshMux(bytes)).toEqual({ kind: "ok", value, length });
    expect(decodeSshMux(Uint8Array.of(...bytes, 1, 2))).toEqual({ kind: "ok", value, length });
    // Not at the start of its memory.
    expect(decodeSshMux(Uint8Array.of(9, 9, ...bytes).subarray(2))).toEqual({ kind: "ok", value, length });
  });

  test("at no cut", () => {
    for (let cut = 0; cut < bytes.length; cut++) expect(decodeSshMux(bytes.subarray(0, cut))).toEqual({ kind: "more" });
  });
});

test.each([
  ["00040001", /too long/],
  ["ffffffff", /too long/],
  ["00000000", /no type/],
  ["00000003", /no type/],
  ["00000008 00000001 00000003", /version 3/],
  ["00000004 00000001", /too short/],
  ["00000008 80000006 00000007", /too short/],
  ["0000000e 80000003 00000007 00000003 6e6f", /longer than its packet/],
  ["0000000e 80000003 00000007 ffffffff 6e6f", /longer than its packet/],
  ["0000000e 80000003 00000007 00000002 ff6f", /not UTF-8/],
])("%s is refused", (text, reason) => {
  expect(decodeSshMux(hex(text))).toEqual({ kind: "bad", reason: expect.stringMatching(reason) });
});
