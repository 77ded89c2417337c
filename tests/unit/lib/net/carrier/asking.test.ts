/** What is agreed with a proxy before a connection is carried: its words in any split, what stands behind them, and refusals. */
import { expect, test } from "bun:test";
import { Asking } from "../../../../../lib/net/carrier/asking.ts";
import { beginDialogue, type ProxyDialogue } from "../../../../../lib/session/proxy-dialogue.ts";

const TARGET = { host: "a.example", port: 443 };
const asking = (protocol: ProxyDialogue["protocol"], credentials?: ProxyDialogue["credentials"]) =>
  new Asking(beginDialogue({ protocol, target: TARGET, credentials }));
const bytes = (text: string) => Buffer.from(text, "latin1");
const text = (of: Uint8Array | undefined) => Buffer.from(of ?? []).toString("latin1");

test("HTTP: one request, and an answer byte by byte, with the target's first words behind it", () => {
  const http = asking("http");
  expect(text(http.first)).toBe("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
  const answer = "HTTP/1.1 200 OK\r\n\r\n";
  // What it was given is overwritten, as the engine does.
  const shared = new Uint8Array(1);
  for (const byte of bytes(answer).subarray(0, -1)) {
    shared[0] = byte;
    expect(http.hear(shared)).toEqual({ over: false, bytes: new Uint8Array(0) });
  }
  expect(http.hear(bytes("\nhello"))).toEqual({ over: true, bytes: new Uint8Array(bytes("hello")) });
});

test("SOCKS5 with a password (RFC 1929): each answer leads to the next words", () => {
  const socks = asking("socks5", { user: "me", password: "secret" });
  expect([...socks.first]).toEqual([5, 2, 0, 2]);
  expect(text(socks.hear(Uint8Array.of(5, 2))?.bytes)).toBe("\x01\x02me\x06secret");
  expect(text(socks.hear(Uint8Array.of(1, 0))?.bytes)).toBe("\x05\x01\x00\x03\x09a.example\x01\xbb");
  expect(socks.hear(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))).toEqual({ over: true, bytes: new Uint8Array(0) });
});

test.each([
  ["a refusal", "HTTP/1.1 403 Forbidden\r\n\r\n"],
  ["no HTTP", "SSH-2.0-x\r\n"],
])("%s comes to nothing", (_, answer) => {
  expect(asking("http").hear(bytes(answer))).toBeUndefined();
});
