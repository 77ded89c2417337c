/** CONNECT as RFC 9110 (9.3.6) and RFC 9112 have it, with the examples of the texts, and what they forbid. */
import { describe, expect, test } from "bun:test";
import { decodeBasic, decodeConnect } from "../../lib/wire/http-connect.ts";
import { decodeWholeConnect } from "../support/connect-head.ts";
import { ascii, expectReads } from "./three-ways.ts";

const head = (...lines: string[]) => ascii(`${lines.join("\r\n")}\r\n\r\n`);

describe("heads that are read", () => {
  test("RFC 9110 section 9.3.6, first example", () => {
    const value = { host: "server.example.com", port: 80, version: "1.1" as const };
    expectReads(decodeWholeConnect, head("CONNECT server.example.com:80 HTTP/1.1", "Host: server.example.com"), {
      ...value,
      headers: [["host", "server.example.com"]],
    });
  });

  test("RFC 9110 section 9.3.6, second example, with credentials", () => {
    const lines = ["CONNECT server.example.com:80 HTTP/1.1", "Host: server.example.com:80"];
    expectReads(decodeWholeConnect, head(...lines, "Proxy-Authorization: basic aGVsbG86d29ybGQ="), {
      host: "server.example.com",
      port: 80,
      version: "1.1",
      headers: [
        ["host", "server.example.com:80"],
        ["proxy-authorization", "basic aGVsbG86d29ybGQ="],
      ],
    });
    expect(decodeBasic("basic aGVsbG86d29ybGQ=")).toEqual({ user: "hello", password: ascii("world") });
  });

  test("HTTP/1.0 needs no Host, and a lone LF ends a line (RFC 9112 section 2.2)", () => {
    const value = { host: "a.example", port: 1, version: "1.0" as const };
    expectReads(decodeWholeConnect, head("CONNECT a.example:1 HTTP/1.0"), { ...value, headers: [] });
    expectReads(decodeWholeConnect, ascii("CONNECT a.example:1 HTTP/1.0\nA: b\n\n"), {
      ...value,
      headers: [["a", "b"]],
    });
  });

  test("optional whitespace around a value goes, whitespace within stays (RFC 9112 section 5)", () => {
    expectReads(decodeWholeConnect, head("CONNECT [2001:db8::1]:443 HTTP/1.1", "Host:x", "A: \t b \t c \t", "E:"), {
      host: "[2001:db8::1]",
      port: 443,
      version: "1.1",
      headers: [
        ["host", "x"],
        ["a", "b \t c"],
        ["e", ""],
      ],
    });
  });

  test("Content-Length: 0 announces nothing", () => {
    const read = decodeConnect(head("CONNECT a.example:1 HTTP/1.1", "Host: a", "Content-Length: 0"));
    expect(read.kind).toBe("ok");
  });
});

describe("heads that are refused", () => {
  const host = "Host: a.example";
  test.each([
    ["a method in lower case (RFC 9110 section 9.1)", ["connect a.example:1 HTTP/1.1", host]],
    ["two spaces", ["CONNECT  a.example:1 HTTP/1.1", host]],
    ["a target in origin form", ["CONNECT /a HTTP/1.1", host]],
    ["a target in absolute form", ["CONNECT http://a.example/ HTTP/1.1", host]],
    ["user information", ["CONNECT u:p@a.example:1 HTTP/1.1", host]],
    ["a port that is too large", ["CONNECT a.example:65536 HTTP/1.1", host]],
    ["a port that is no number", ["CONNECT a.example:https HTTP/1.1", host]],
    ["an empty port", ["CONNECT a.example: HTTP/1.1", host]],
    ["an IPv6 address without brackets", ["CONNECT 2001:db8::1:443 HTTP/1.1", host]],
    ["HTTP/1.2", ["CONNECT a.example:1 HTTP/1.2", host]],
    ["HTTP/2", ["CONNECT a.example:1 HTTP/2", host]],
    ["no Host in HTTP/1.1 (RFC 9112 section 3.2)", ["CONNECT a.example:1 HTTP/1.1"]],
    ["two Hosts (RFC 9112 section 3.2)", ["CONNECT a.example:1 HTTP/1.1", host, host]],
    ["a folded line (RFC 9112 section 5.2)", ["CONNECT a.example:1 HTTP/1.1", host, "A: b", " c"]],
    ["whitespace before the colon (RFC 9112 section 5.1)", ["CONNECT a.example:1 HTTP/1.1", host, "A : b"]],
    ["a line without a colon", ["CONNECT a.example:1 HTTP/1.1", host, "A"]],
    ["an empty name", ["CONNECT a.example:1 HTTP/1.1", host, ": b"]],
    ["NUL in a value (RFC 9110 section 5.5)", ["CONNECT a.example:1 HTTP/1.1", host, "A: b\0c"]],
    ["CR in a value (RFC 9112 section 2.2)", ["CONNECT a.example:1 HTTP/1.1", host, "A: b\rc"]],
    ["Transfer-Encoding", ["CONNECT a.example:1 HTTP/1.1", host, "Transfer-Encoding: chunked"]],
    ["Content-Length", ["CONNECT a.example:1 HTTP/1.1", host, "Content-Length: 1"]],
    ["two credentials", ["CONNECT a.example:1 HTTP/1.1", host, "Proxy-Authorization: A", "Proxy-Authorization: B"]],
  ])("%s", (_, lines) => {
    const bytes = head(...lines);
    expect(decodeConnect(bytes).kind).toBe("bad");
    // A head is judged when it is whole, and not by what stands behind it.
    expect(decodeConnect(Uint8Array.from([...bytes, 1, 2, 3])).kind).toBe("bad");
  });
});

describe("RFC 7617: Basic credentials", () => {
  test.each([
    ["the example of section 2", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame"],
    ["a colon in the password", `Basic ${btoa("u:a:b")}`, "u", "a:b"],
    ["an empty password", `Basic ${btoa("u:")}`, "u", ""],
    ["several spaces, another case", `bASIC   ${btoa("u:p")}`, "u", "p"],
  ])("%s", (_, value, user, password) => {
    expect(decodeBasic(value)).toEqual({ user, password: ascii(password) });
  });

  test("the example of section 2.1, in UTF-8", () => {
    expect(decodeBasic("Basic dGVzdDoxMjPCow==")).toEqual({ user: "test", password: ascii("123\u00c2\u00a3") });
  });

  test.each([
    ["another scheme", "Bearer dGVzdDoxMjPCow=="],
    ["no colon", `Basic ${btoa("user")}`],
    ["an empty user", `Basic ${btoa(":p")}`],
    ["no Base64", "Basic !!!!"],
    ["nothing", "Basic "],
    ["no space", "BasicdGVzdDoxMjPCow=="],
    ["more behind it", "Basic dGVzdDoxMjPCow== x"],
  ])("%s is not taken", (_, value) => expect(decodeBasic(value)).toBeUndefined());
});
