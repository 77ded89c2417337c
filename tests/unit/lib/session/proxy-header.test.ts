/** The rule of `--accept-proxy-from`, in every split. */
import { describe, expect, test } from "bun:test";
import { ProxyHeaderReader } from "../../../../lib/session/proxy-header.ts";
import { encodeProxyHeader } from "../../../../lib/wire/proxy-protocol.ts";
import { ascii } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

const ADDRESSES = { source: { ip: "192.0.2.1", port: 1 }, destination: { ip: "192.0.2.2", port: 2 } };
const V1 = ascii("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
const V2 = encodeProxyHeader({ mode: "conn", ...ADDRESSES })!;
const STREAM = "\x16\x03\x01 and so on";
const UNTRUSTED = { fail: "proxy_header_untrusted", reason: "a PROXY header came from an address that may send none" };
const MISSING = { fail: "proxy_header_missing", reason: "no PROXY header came from an address that must send one" };
const concat = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

/** All that came behind the header, however much of it came with it. */
function played(trusted: boolean, pieces: readonly Uint8Array[], end = false) {
  const reader = new ProxyHeaderReader(trusted);
  for (const [i, piece] of pieces.entries()) {
    const [step] = playPreface(reader, [piece]);
    if (step === undefined) continue;
    if (!("done" in step)) return step;
    const behind = pieces.slice(i + 1).map((bytes) => Buffer.from(bytes).toString("latin1"));
    return { done: step.done, rest: [step.rest, ...behind].join("") };
  }
  return end ? playPreface(reader, [], true)[0] : undefined;
}

describe("from an address that must send a header", () => {
  test.each([
    [1 as const, V1],
    [2 as const, V2],
  ])("version %d is read, and what stands behind it kept", (version, header) => {
    for (const pieces of splits(concat(header, ascii(STREAM)))) {
      expect(played(true, pieces)).toEqual({ done: { version, local: false, ...ADDRESSES }, rest: STREAM });
    }
    expect(played(true, [...splits(header)][0]!)).toMatchObject({ rest: "" });
  });

  test("a second header is data", () => {
    expect(played(true, [concat(V2, V2)])).toMatchObject({ rest: Buffer.from(V2).toString("latin1") });
  });

  test("anything else is refused, at its first byte that belongs to no header", () => {
    for (const pieces of splits(ascii(STREAM))) expect(played(true, pieces)).toEqual(MISSING);
    expect(played(true, [ascii("PROPFIND / HTTP/1.1\r\n")])).toEqual(MISSING);
    expect(played(true, [ascii("PRO")])).toBeUndefined();
  });

  test("a header that is malformed", () => {
    for (const pieces of splits(ascii("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"))) {
      expect(played(true, pieces)).toEqual({
        fail: "proxy_header_malformed",
        reason: "the PROXY header is malformed: the PROXY line names no two addresses and two ports",
      });
    }
  });

  test("an end before the header is whole", () => {
    expect(played(true, [], true)).toEqual(MISSING);
    expect(played(true, [V1.subarray(0, 3)], true)).toEqual(MISSING);
    for (const header of [V1, V2]) {
      expect(played(true, [header.subarray(0, -1)], true)).toMatchObject({ fail: "proxy_header_malformed" });
    }
  });
});

describe("from any other address", () => {
  test.each([V1, V2, ascii("PROXY nonsense")])("a header is refused, good or bad: %p", (header) => {
    for (const pieces of splits(header)) expect(played(false, pieces)).toEqual(UNTRUSTED);
  });

  test.each([STREAM, "PROPFIND /", "\r\n\r\n\0\r\nQUIZ", "P\0"])("anything else is data: %j", (text) => {
    for (const pieces of splits(ascii(text))) expect(played(false, pieces)).toEqual({ done: undefined, rest: text });
  });

  test.each(["", "PROXY", "\r\n\r\n\0\r\nQUIT"])("what ends before it is a header is data: %j", (text) => {
    expect(played(false, text === "" ? [] : [ascii(text)], true)).toEqual({ done: undefined, rest: text });
  });
});

test("a long header that comes byte by byte is copied a few times, not once a byte", () => {
  const certificate = new Uint8Array(60_000);
  const tls = { version: "TLSv1.3", peer: { certificate } };
  const header = encodeProxyHeader({ mode: "tls-full", ...ADDRESSES, tls })!;
  const reader = new ProxyHeaderReader(true);
  let steps = 0;
  for (const byte of header) steps += reader.receive(Uint8Array.of(byte)).length;
  expect(steps).toBe(1);
});
