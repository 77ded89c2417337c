/** URLs of outbound proxies, and the way through one on a connection without a socket. */
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { DialError } from "../../../../lib/net/dial.ts";
import { parseProxyUrl, ProxyError, throughProxy } from "../../../../lib/net/through-proxy.ts";
import { FakeConn } from "./fake-conn.ts";

const parse = (text: string) => parseProxyUrl(text, "--proxy");
const TARGET = { host: "db.example", port: 5432 };

describe("URLs", () => {
  test.each([
    [
      "http://proxy.example:3128",
      { protocol: "http", tls: false, host: "proxy.example", port: 3128 },
      "http://proxy.example:3128",
    ],
    [
      "HTTP://Proxy.Example:3128/",
      { protocol: "http", tls: false, host: "proxy.example", port: 3128 },
      "http://proxy.example:3128",
    ],
    ["http://proxy", { protocol: "http", tls: false, host: "proxy", port: 80 }, "http://proxy:80"],
    ["https://192.0.2.1", { protocol: "http", tls: true, host: "192.0.2.1", port: 443 }, "https://192.0.2.1:443"],
    [
      "socks5://[2001:DB8::1]:1081",
      { protocol: "socks5", tls: false, host: "2001:db8::1", port: 1081 },
      "socks5://[2001:db8::1]:1081",
    ],
    [
      "socks5h://localhost",
      { protocol: "socks5", tls: false, host: "localhost", port: 1080 },
      "socks5://localhost:1080",
    ],
    ["socks5://ann:secret@proxy:1", { protocol: "socks5", tls: false, host: "proxy", port: 1 }, "socks5://proxy:1"],
  ])("%s", (text, value, plain) => {
    const proxy = parse(text);
    expect(proxy).toMatchObject(value);
    expect(proxy.toString()).toBe(plain);
  });

  test.each([
    ["ftp://proxy:21", 'proxies of the scheme "ftp" are not known'],
    ["h2c://proxy:80", 'proxies of the scheme "h2c" are not known'],
    ["socks4://proxy:1080", 'proxies of the scheme "socks4" are not known'],
    ["proxy:3128", "the URL of the proxy has no scheme"],
    ["//proxy:3128", "the URL of the proxy has no scheme"],
    ["", "the URL of the proxy has no scheme"],
    ["http://", "the URL of the proxy names no host: the host is empty"],
    ["http://:3128", "the URL of the proxy names no host: the host is empty"],
    ["http://a_b c:1", "the URL of the proxy names no host: the host holds a space or a control character"],
    ["http://proxy\r\n:1", "the URL of the proxy names no host: the host holds a space or a control character"],
    ["http://[1.2.3.4]:1", "the URL of the proxy names no host: brackets hold no IPv6 address"],
    ["http://2001:db8::1:80", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:port", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:1/path", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:1?query", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:1#part", "the URL of the proxy does not end in HOST:PORT"],
    ["http://proxy:0", "the port of the proxy is not from 1 to 65535"],
    ["http://proxy:65536", "the port of the proxy is not from 1 to 65535"],
  ])("%j is refused", (text, why) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ message: `--proxy: ${why}`, code: "proxy.url", exit: 64 }),
    );
  });

  test.each([
    ["http://hunter2@@proxy:1", "hold a character that must be encoded"],
    ["http://ann:hun/ter2@proxy:1", "hold a character that must be encoded"],
    ["http://ann:hunter2%@proxy:1", "are not percent-encoded UTF-8"],
    ["http://ann:hunter2%ff@proxy:1", "are not percent-encoded UTF-8"],
    ["http://:hunter2@proxy:1", "the user of the proxy is empty"],
    ["http://an%3An:hunter2@proxy:1", "holds a colon"],
    [`socks5://ann:hunter2${"x".repeat(255)}@proxy:1`, "are too long"],
    ["ann:hunter2@proxy:1", "has no scheme"],
    ["http://ann:hunter2@proxy:nope", "does not end in HOST:PORT"],
  ])("%j is refused, and no secret of it told", (text, why) => {
    let error: unknown;
    try {
      parse(text);
    } catch (thrown) {
      error = thrown;
    }
    expect((error as Error).message).toContain(why);
    expect(inspect(error)).not.toContain("hunter2");
  });

  test("a proxy shows its credentials to nobody", () => {
    const proxy = parse("socks5://ann:hunter2@proxy:1");
    for (const text of [inspect(proxy), Bun.inspect(proxy), JSON.stringify(proxy), String(proxy)]) {
      expect(text).not.toContain("hunter2");
      expect(text).not.toContain("ann");
    }
  });
});

describe("the way through", () => {
  const go = (url: string, target = TARGET, ms = 0) => {
    const conn = new FakeConn();
    const found = throughProxy(conn, parse(url), target, new Deadlines(ms));
    found.catch(() => {});
    return { conn, found };
  };

  test("SOCKS5, with credentials that were percent-encoded", async () => {
    const { conn, found } = go("socks5://a%40b:p%3A%C3%A9@proxy:1");
    conn.data("\x05\x02");
    conn.data("\x01\x00");
    conn.data("\x05\x00\x00\x01\0\0\0\0\0\0early");
    const { early } = await found;
    expect(conn.written).toEqual([
      "\x05\x02\x00\x02",
      "\x01\x03a@b\x04p:\xc3\xa9",
      "\x05\x01\x00\x03\x0adb.example\x15\x38",
    ]);
    expect([Buffer.from(early.bytes).toString(), early.ended, conn.closed]).toEqual(["early", false, false]);
  });

  test("CONNECT; the name goes out canonical and unresolved", async () => {
    const { conn, found } = go("http://ann:pw@proxy:1", { host: "DB.example.", port: 1 });
    conn.data("HTTP/1.1 200 OK\r\n\r\n");
    expect((await found).conn).toBe(conn);
    const basic = Buffer.from("ann:pw").toString("base64");
    expect(conn.written).toEqual([
      `CONNECT db.example:1 HTTP/1.1\r\nHost: db.example:1\r\nProxy-Authorization: Basic ${basic}\r\n\r\n`,
    ]);
  });

  test("a refusal is told with the proxy's address and without its credentials, and ends the connection", async () => {
    const { conn, found } = go("socks5://ann:hunter2@proxy:1");
    conn.data("\x05\x02");
    conn.data("\x01\x01");
    const error = await found.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProxyError);
    expect(error).toBeInstanceOf(DialError);
    expect(error).toMatchObject({ code: "proxy_credentials", kind: "other" });
    expect((error as Error).message).toBe("socks5://proxy:1: the proxy refuses the user or the password");
    expect(inspect(error)).not.toContain("hunter2");
    expect(conn.calls).toEqual(["destroy"]);
  });

  test.each([
    [3, "network_unreachable"],
    [4, "host_unreachable"],
    [5, "refused"],
    [6, "timeout"],
    [1, "other"],
  ])("what the proxy met on its way counts as if we had: reply %d is %s", async (reply, kind) => {
    const { conn, found } = go("socks5://proxy:1");
    conn.data("\x05\x00");
    conn.data(String.fromCharCode(5, reply));
    expect(await found.catch((reason: unknown) => reason)).toMatchObject({ kind });
  });

  test("no answer in time", async () => {
    const { conn, found } = go("http://proxy:1", TARGET, 5);
    expect(await found.catch((reason: unknown) => reason)).toMatchObject({
      kind: "timeout",
      code: "timeout",
      message: "http://proxy:1: no answer in time",
    });
    expect(conn.closed).toBe(true);
  });

  test.each(["a b", "x\r\nEvil: 1", "", "a:1"])("a target that is no host is not sent: %j", async (host) => {
    const { conn, found } = go("http://proxy:1", { host, port: 1 });
    expect(await found.catch((reason: unknown) => reason)).toMatchObject({ code: "proxy_failed" });
    expect([conn.written, conn.closed]).toEqual([[], true]);
  });
});
