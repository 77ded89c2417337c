/** What a forward proxy takes from a request target (RFC 9112 section 3.2.2) and removes from a message (RFC 9110 section 7.6). */
import { describe, expect, test } from "bun:test";
import {
  framingOf,
  pairs,
  parseForwardTarget,
  requestFields,
  responseFields,
  type Field,
} from "../../lib/wire/http-forward.ts";

describe("targets in absolute form", () => {
  test.each([
    // RFC 9112 section 3.2.2
    ["http://www.example.org/pub/WWW/TheProject.html", "www.example.org", 80, "/pub/WWW/TheProject.html", ""],
    // RFC 3986 sections 1.1.2 and 3
    ["http://www.ietf.org/rfc/rfc2396.txt", "www.ietf.org", 80, "/rfc/rfc2396.txt", ""],
    ["http://example.com:8042/over/there?name=ferret", "example.com", 8042, "/over/there", "name=ferret"],
    ["http://[2001:db8::7]/c=GB?objectClass?one", "[2001:db8::7]", 80, "/c=GB", "objectClass?one"],
    // RFC 9110 section 4.2.3: an empty path equals "/", an empty port is the default
    ["http://example.com", "example.com", 80, "/", ""],
    ["http://example.com?q", "example.com", 80, "/", "q"],
    ["http://example.com:/x", "example.com", 80, "/x", ""],
    ["HTTP://EXAMPLE.com/%7Esmith/home.html", "EXAMPLE.com", 80, "/%7Esmith/home.html", ""],
  ])("%s", (target, host, port, path, query) => {
    expect(parseForwardTarget(target)).toMatchObject({ host, port, path, query });
  });

  test("path and query go on as they were sent", () => {
    const rest = "/a/../b//c/./%2e%2E/;x=1?a=%20&b=/../?c";
    expect(parseForwardTarget(`http://h.example${rest}`)!.rest).toBe(rest);
    expect(parseForwardTarget("http://h.example?q")!.rest).toBe("/?q");
  });

  test("the authority for Host is without the default port only where none was sent", () => {
    expect(parseForwardTarget("http://h.example/")!.authority).toBe("h.example");
    expect(parseForwardTarget("http://h.example:80/")!.authority).toBe("h.example:80");
    expect(parseForwardTarget("http://h.example:/")!.authority).toBe("h.example");
    expect(parseForwardTarget("http://[::1]:8080/")!.authority).toBe("[::1]:8080");
  });

  test.each([
    ["origin form", "/index.html"],
    ["asterisk form", "*"],
    ["authority form", "www.example.com:80"],
    ["https, which is for CONNECT", "https://www.example.com/"],
    ["another scheme", "ftp://www.example.com/"],
    ["a user", "http://user@www.example.com/"],
    ["a user and a password", "http://user:pass@www.example.com/"],
    ["an @ behind the port", "http://www.example.com:80@evil.example/"],
    ["a fragment", "http://www.example.com/#a"],
    ["a port that is too large", "http://www.example.com:65536/"],
    ["a port of many digits", "http://www.example.com:000080/"],
    ["a port that is no number", "http://www.example.com:80x/"],
    ["no host", "http:///path"],
    ["an empty host with a port", "http://:80/path"],
    ["an open bracket", "http://[::1/"],
    ["an address without brackets", "http://::1/"],
    ["a backslash in place of a slash", "http:\\\\www.example.com\\"],
    ["a space", "http://www.example.com/a b"],
    ["one slash", "http:/www.example.com/"],
  ])("%s is refused", (_, target) => expect(parseForwardTarget(target)).toBeUndefined());
});

describe("fields", () => {
  const kept = (...fields: Field[]) => requestFields(fields).filter(([name]) => name !== "Via");

  test("RFC 9110 section 7.6.1: those of one connection go, with those that Connection names", () => {
    const hopByHop: Field[] = [
      ["Connection", "close, X-Secret , TE"],
      ["Proxy-Connection", "keep-alive"],
      ["Keep-Alive", "timeout=5"],
      ["TE", "trailers"],
      ["Transfer-Encoding", "chunked"],
      ["Upgrade", "h2c"],
      ["Trailer", "Expires"],
      ["x-secret", "for the next hop only"],
    ];
    expect(kept(["Accept", "*/*"], ...hopByHop, ["X-Other", "1"])).toEqual([
      ["Accept", "*/*"],
      ["X-Other", "1"],
    ]);
  });

  test("RFC 9110 section 11.7: what is between the client and this proxy goes no further", () => {
    const proxied: Field[] = [
      ["Proxy-Authorization", "Basic x"],
      ["PROXY-AUTHENTICATE", "Basic"],
      ["Proxy-Authentication-Info", "x"],
    ];
    expect(kept(...proxied)).toEqual([]);
  });

  test("RFC 9209 section 2: Proxy-Status of a response travels on", () => {
    const fields: Field[] = [["Proxy-Status", "other; error=dns_error"]];
    expect(responseFields(fields)).toContainEqual(["Proxy-Status", "other; error=dns_error"]);
    expect(kept(...fields)).toEqual([]);
  });

  test("RFC 9110 section 7.6.1: what says where the content ends is not for Connection to name", () => {
    const fields: Field[] = [
      ["Connection", "content-length, close"],
      ["Content-Length", "5"],
    ];
    expect(kept(...fields)).toEqual([["Content-Length", "5"]]);
  });

  test("order, spelling and repetition stay; several Connection lines count", () => {
    const cookies: Field[] = [
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["Connection", "a"],
      ["connection", "b"],
      ["A", "gone"],
      ["B", "gone"],
      ["C", "stays"],
    ];
    expect(kept(...cookies)).toEqual([
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["C", "stays"],
    ]);
  });

  test("RFC 9110 section 7.6.3: Via says that we were on the way", () => {
    for (const travel of [requestFields, responseFields]) {
      expect(travel([["Via", "1.0 fred"]])).toEqual([
        ["Via", "1.0 fred"],
        ["Via", "1.1 portail"],
      ]);
    }
  });

  test("RFC 9112 section 6.1: chunks are passed on, a coding that nobody here undoes is not", () => {
    expect(framingOf([["TRANSFER-ENCODING", "Chunked"]])).toBe("chunked");
    expect(framingOf([["Transfer-Encoding", "gzip, chunked"]])).toBe("unknown");
    expect(framingOf([["Transfer-Encoding", "gzip"]])).toBe("unknown");
    expect(
      framingOf([
        ["Transfer-Encoding", "chunked"],
        ["Transfer-Encoding", "chunked"],
      ]),
    ).toBe("unknown");
    expect(framingOf([["X", "chunked"]])).toBe("plain");
  });

  test("raw headers are pairs in turn", () => {
    expect(pairs(["A", "1", "a", "2"])).toEqual([
      ["A", "1"],
      ["a", "2"],
    ]);
    expect(pairs([])).toEqual([]);
  });
});
