/** Playbooks of a client of CONNECT: bytes in, steps out, in every split. */
import { describe, expect, test } from "bun:test";
import { HttpConnectClient } from "../../../../lib/session/http-connect-client.ts";
import { decodeConnect } from "../../../../lib/wire/http-connect.ts";
import { ascii } from "../../../conformance/three-ways.ts";
import { playPreface } from "./play-preface.ts";
import { splits } from "./play.ts";

const client = () => new HttpConnectClient({ host: "db.example", port: 5432 }, undefined);
const withUser = () => new HttpConnectClient({ host: "db.example", port: 5432 }, { user: "ann", password: "p:é" });
const OK = "HTTP/1.1 200 Connection established\r\n\r\n";

describe("the request", () => {
  test("names the target and nothing else", () => {
    const [request] = playPreface(client(), []);
    expect(request).toEqual({ send: "CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n" });
  });

  test.each([
    ["192.0.2.1", "192.0.2.1:443"],
    ["2001:db8::1", "[2001:db8::1]:443"],
  ])("%s", (host, authority) => {
    const [request] = playPreface(new HttpConnectClient({ host, port: 443 }, undefined), []);
    expect(request).toEqual({ send: `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n` });
  });

  test("carries credentials as RFC 7617 has them, in UTF-8", () => {
    const [request] = playPreface(withUser(), []);
    expect(request).toMatchObject({
      send: expect.stringContaining(`\r\nProxy-Authorization: Basic ${Buffer.from("ann:p:é").toString("base64")}\r\n`),
    });
  });

  test("is one that our own server reads", () => {
    const [step] = withUser().start();
    if (step?.type !== "send") throw new Error("nothing is sent");
    expect(decodeConnect(step.bytes)).toMatchObject({ kind: "ok", value: { host: "db.example", port: 5432 } });
  });
});

describe("an answer of 2xx opens the tunnel", () => {
  test.each([
    OK,
    "HTTP/1.0 200\r\n\r\n",
    "HTTP/1.1 200 \r\nServer: x\r\nProxy-Agent: y\r\n\r\n",
    "HTTP/1.1 204 No Content\n\n",
    "HTTP/1.1 299 \xe9\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`,
  ])("%j", (head) => {
    for (const pieces of splits(ascii(head))) {
      expect(playPreface(client(), pieces).slice(1)).toEqual([{ done: undefined, rest: "" }]);
    }
    // What the target says at once is not the proxy's.
    expect(playPreface(client(), [ascii(`${head}SSH-2.0-x\r\n`)]).at(-1)).toEqual({
      done: undefined,
      rest: "SSH-2.0-x\r\n",
    });
    const half = head.length >> 1;
    const pieces = [ascii(head.slice(0, half)), ascii(`${head.slice(half)}\r\n\r\nx`)];
    expect(playPreface(client(), pieces).at(-1)).toEqual({ done: undefined, rest: "\r\n\r\nx" });
  });
});

describe("any other answer does not", () => {
  test.each([
    [407, "proxy_credentials", "the proxy wants credentials (HTTP status 407)"],
    [401, "proxy_credentials", "the proxy wants credentials (HTTP status 401)"],
    [403, "proxy_denied", "the proxy did not connect (HTTP status 403)"],
    [405, "proxy_denied", "the proxy did not connect (HTTP status 405)"],
    [504, "proxy_timeout", "the proxy did not connect (HTTP status 504)"],
    [502, "proxy_failed", "the proxy did not connect (HTTP status 502)"],
    [301, "proxy_failed", "the proxy did not connect (HTTP status 301)"],
    [101, "proxy_failed", "the proxy did not connect (HTTP status 101)"],
  ])("%d", (status, code, reason) => {
    for (const pieces of splits(ascii(`HTTP/1.1 ${status} because\r\nContent-Length: 2\r\n\r\n`))) {
      expect(playPreface(client(), pieces).slice(1)).toEqual([{ fail: code, reason }]);
    }
  });

  test("refused credentials are not repeated, not even where the proxy does", () => {
    const [, step] = playPreface(withUser(), [ascii("HTTP/1.1 407 who is ann:p:\xe9?\r\n\r\n")]);
    expect(step).toEqual({
      fail: "proxy_credentials",
      reason: "the proxy refuses the user or the password (HTTP status 407)",
    });
  });
});

describe("what is no answer", () => {
  test.each([
    ["SSH-2.0-OpenSSH", 1],
    ["\x15\x03\x01", 1],
    ["\x05\xff", 1],
    ["HTTP/2 200\r\n\r\n", 6],
    ["HTTP/0.9 200", 6],
    ["http/1.1 200", 1],
  ])("%j is refused at its first wrong byte", (text, from) => {
    for (let length = 1; length <= text.length; length++) {
      const steps = playPreface(client(), [ascii(text.slice(0, length))]).slice(1);
      expect(steps.length).toBe(length < from ? 0 : 1);
      if (length >= from) expect(steps[0]).toMatchObject({ fail: "proxy_malformed" });
    }
  });

  test.each(["HTTP/1.1 2000 x", "HTTP/1.1 20 x", "HTTP/1.1  200 x", "HTTP/1.1 600 x", "HTTP/1.1200", "HTTP/1.2 200 x"])(
    "%j is refused once the head is whole",
    (line) => {
      for (const pieces of splits(ascii(`${line}\r\n\r\n`))) {
        expect(playPreface(client(), pieces).at(-1)).toMatchObject({ fail: "proxy_malformed" });
      }
    },
  );

  test("an end before the head is whole", () => {
    for (const text of ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"]) {
      expect(playPreface(client(), text === "" ? [] : [ascii(text)], true).at(-1)).toMatchObject({
        fail: "proxy_malformed",
        reason: "the proxy ended the connection before it answered",
      });
    }
  });
});

describe("heads are bounded", () => {
  const MOST = 16 * 1024;
  const head = (length: number) => ascii(`HTTP/1.1 200 x\r\nA: ${"a".repeat(length - 23)}\r\n\r\n`);

  test("up to the bound, in one piece or many", () => {
    expect(head(MOST)).toHaveLength(MOST);
    for (const pieces of [[head(MOST)], [...head(MOST)].map((byte) => Uint8Array.of(byte))]) {
      expect(playPreface(client(), pieces).at(-1)).toEqual({ done: undefined, rest: "" });
    }
    expect(playPreface(client(), [Buffer.concat([head(MOST), new Uint8Array(MOST)])]).at(-1)).toMatchObject({
      done: undefined,
    });
  });

  test("beyond it, whole or not, and in many small ones", () => {
    const many = ascii("HTTP/1.1 100 Continue\r\n\r\n".repeat(700));
    for (const bytes of [head(MOST + 1), head(2 * MOST).subarray(0, MOST + 1), many]) {
      expect(playPreface(client(), [bytes]).at(-1)).toMatchObject({
        fail: "proxy_malformed",
        reason: expect.stringContaining("too large"),
      });
    }
  });
});
