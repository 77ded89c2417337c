/** The first messages of the PostgreSQL protocol as its documentation lays them out, byte by byte. */
import { describe, expect, test } from "bun:test";
import { decodeSslAnswer, decodeStartup, encodeFatal, SSL_REQUEST } from "../../../../lib/wire/postgres.ts";
import { ascii, expectReads, hex } from "../../../conformance/three-ways.ts";

function refusedFrom(decode: (bytes: Uint8Array) => { kind: string }, digits: string): number {
  const bytes = hex(digits);
  for (let length = 0; length <= bytes.length; length++) {
    const { kind } = decode(bytes.slice(0, length));
    if (kind === "bad") return length;
    expect(kind).toBe("more");
  }
  throw new Error("these bytes are not refused");
}

describe("what a client begins with", () => {
  test.each([
    ["SSLRequest (80877103)", "00000008 04d2162f", "ssl_request" as const],
    ["GSSENCRequest (80877104)", "00000008 04d21630", "gssenc_request" as const],
  ])("%s", (_, digits, value) => expectReads(decodeStartup, hex(digits), value));

  test.each([
    ["CancelRequest (80877102)", "00000010 04d2162e 00000001 00000002", "cancel_request" as const],
    ["CancelRequest of protocol 3.2", "0000010c 04d2162e", "cancel_request" as const],
    ["StartupMessage 3.0", "0000000d 00030000 7573657200", "startup" as const],
    ["StartupMessage 3.2", "00000008 00030002", "startup" as const],
    ["StartupMessage 2.0", "00000128 00020000", "startup" as const],
    ["the longest StartupMessage", "00002710 00030000", "startup" as const],
  ])("%s is known from its first eight bytes", (_, digits, value) => {
    const bytes = hex(digits);
    for (let length = 0; length < 8; length++) expect(decodeStartup(bytes.slice(0, length))).toEqual({ kind: "more" });
    expect(decodeStartup(bytes)).toEqual({ kind: "ok", value, length: 8 });
  });

  test("a TLS record is known from its first byte, and left where it is", () => {
    for (const digits of ["16", "160301", "16ffffffffffffffff"]) {
      expect(decodeStartup(hex(digits))).toEqual({ kind: "ok", value: "tls", length: 0 });
    }
  });

  test.each([
    ["another protocol", "474554202f", 1],
    ["a length of 16 MiB", "01000008", 1],
    ["a length of 64 KiB", "00010008", 2],
    ["a length of 7", "00000007", 4],
    ["a length of 0", "00000000", 4],
    ["a length of 10001", "00002711", 4],
    ["version 1.0", "00000008 00010000", 8],
    ["version 4.0", "00000008 00040000", 8],
    ["a request that is not known", "00000008 04d21631", 8],
    ["an SSLRequest with more in it", "00000009 04d2162f", 8],
    ["a GSSENCRequest with more in it", "00000010 04d21630", 8],
    ["a CancelRequest without a key", "0000000c 04d2162e", 8],
    ["a CancelRequest with too long a key", "0000010d 04d2162e", 8],
  ])("refused at once: %s", (_, digits, from) => expect(refusedFrom(decodeStartup, digits)).toBe(from));
});

describe("what a server answers", () => {
  test.each([
    ["S", "53", "granted" as const],
    ["N", "4e", "denied" as const],
  ])("%s", (_, digits, type) => expectReads(decodeSslAnswer, hex(digits), { type }));

  test("an ErrorResponse: its message, and no other field", () => {
    const fields = ascii("SFATAL\0VFATAL\0C53300\0Msorry, too many clients already\0Fproc.c\0\0");
    const bytes = Uint8Array.from([0x45, 0, 0, 0, fields.length + 4, ...fields]);
    expectReads(decodeSslAnswer, bytes, { type: "error", message: "sorry, too many clients already" });
  });

  test.each([
    ["no fields", "\0"],
    ["none for people", "SFATAL\0\0"],
    ["one that is not UTF-8", "M\xff\0\0"],
  ])("an ErrorResponse with %s has an empty message", (_, text) => {
    const fields = ascii(text);
    const bytes = Uint8Array.from([0x45, 0, 0, 0, fields.length + 4, ...fields]);
    expectReads(decodeSslAnswer, bytes, { type: "error", message: "" });
  });

  test.each([
    ["another protocol", "485454502f", 1],
    ["TLS without a word", "160303", 1],
    ["an error that is too long", "45 00002001", 5],
    ["an error that is too short", "45 00000004", 5],
  ])("refused at once: %s", (_, digits, from) => expect(refusedFrom(decodeSslAnswer, digits)).toBe(from));
});

test("what is written", () => {
  expect(SSL_REQUEST).toEqual(hex("00000008 04d2162f"));
  const fields = "SFATAL\0VFATAL\0C28000\0Mno é\0\0";
  const size = Buffer.byteLength(fields) + 4;
  expect(encodeFatal("28000", "no é")).toEqual(
    Buffer.concat([hex(`45 000000${size.toString(16)}`), Buffer.from(fields)]),
  );
  expect(decodeSslAnswer(encodeFatal("28000", "no é"))).toMatchObject({ value: { message: "no é" } });
});
