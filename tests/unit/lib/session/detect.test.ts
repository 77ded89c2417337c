/** Which protocol a stream is, and from which byte on that is known. */
import { describe, expect, test } from "bun:test";
import { detectFront, type Detected } from "../../../../lib/session/detect.ts";
import { ascii } from "../../../conformance/three-ways.ts";

/** What the stream begins with, what it is, and from how many bytes on that is known. */
const STREAMS: [bytes: string, is: Detected, from: number][] = [
  ["\x05\x01\x00", "socks5", 1],
  ["\x04\x01\x00\x50", "socks4", 1],
  ["\x16\x03\x01\x02\x00", "tls", 1],
  ["CONNECT a:1 HTTP/1.1", "connect", 8],
  ["GET http://a/ HTTP/1.1", "forward", 4],
  ["POST http://a/ HTTP/1.1", "forward", 5],
  ["COPY http://a/ HTTP/1.1", "forward", 5],
  ["CONNECTED x", "forward", 10],
  ["VERSION-CONTROL http://a/", "forward", 16],
  ["M-SEARCH * HTTP/1.1", "forward", 9],
  ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "h2", 24],
  ["PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "forward", 14],
  ["PRI http://a/ HTTP/1.1", "forward", 5],
  ["PUT http://a/ HTTP/1.1", "forward", 4],
  ["P http://a/ HTTP/1.1", "forward", 2],
  ["connect a:1", "unknown", 1],
  [" GET / HTTP/1.1", "unknown", 1],
  ["\r\nGET / HTTP/1.1", "unknown", 1],
  ["SSH-2.0-x", "unknown", 5],
  ["GET\thttp://a/", "unknown", 4],
  ["\x00", "unknown", 1],
  ["\x80\x2e\x01", "unknown", 1],
  ["\xff", "unknown", 1],
  ["A".repeat(40), "unknown", 33],
];

describe("a stream is known from its first bytes, and not before", () => {
  test.each(STREAMS)("%j", (text, is, from) => {
    const bytes = ascii(text);
    for (let length = 0; length <= bytes.length; length++) {
      expect(detectFront(bytes.slice(0, length)), `${length} bytes`).toBe(length < from ? "more" : is);
    }
  });
});
