/** Whose headers are believed, and what comes of a connection that has one, has none, or has one that it may not have. */
import { describe, expect, test } from "bun:test";
import { acceptProxy, isProxySource, parseProxySources } from "../../../../lib/net/accept-proxy.ts";
import { Deadlines } from "../../../../lib/net/deadlines.ts";
import { encodeProxyHeader } from "../../../../lib/wire/proxy-protocol.ts";
import { FakeConn } from "./fake-conn.ts";
import { connect, KINDS, Notes, until } from "./support.ts";

const CLAIM = { source: { ip: "203.0.113.9", port: 9 }, destination: { ip: "203.0.113.1", port: 443 } };
const HEADER = encodeProxyHeader({ mode: "conn", ...CLAIM })!;
const header = Buffer.from(HEADER).toString("latin1");
/** The address of `FakeConn` is 192.0.2.1. */
const TRUSTED = parseProxySources(["192.0.2.0/24"], "--x");
const OTHERS = parseProxySources(["198.51.100.0/24", "unix:"], "--x");
const none = () => new Deadlines(0);

describe("sources", () => {
  const sources = parseProxySources(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"], "--accept-proxy-from");

  test.each([
    ["10.255.0.1", true],
    ["11.0.0.1", false],
    ["192.0.2.7", true],
    ["192.0.2.8", false],
    ["2001:db8:1::1", true],
    ["2001:db9::1", false],
    ["::ffff:10.0.0.1", true],
    ["", false],
  ])("%s: %p", (ip, expected) => expect(isProxySource(sources, { ip, port: 1 })).toBe(expected));

  test("UNIX sockets are believed only where they are named", () => {
    expect(isProxySource(sources, { path: "" })).toBe(false);
    expect(isProxySource(parseProxySources(["unix:"], "--x"), { path: "" })).toBe(true);
  });

  test.each([
    ["10.0.0.1/8", "has host bits", "write 10.0.0.0/8"],
    ["localhost", "is not a network", "write ADDRESS, NETWORK/LENGTH or unix:"],
    ["unix:/run/x", "is not a network", "write ADDRESS, NETWORK/LENGTH or unix:"],
    ["", "is not a network", "write ADDRESS, NETWORK/LENGTH or unix:"],
    ["10.0.0.0/33", "is not a network", "write ADDRESS, NETWORK/LENGTH or unix:"],
  ])("%j is refused", (text, why, hint) => {
    const parse = () => parseProxySources(["::1", text], "--accept-proxy-from");
    expect(parse).toThrow(expect.objectContaining({ code: "proxy_source.syntax", exit: 64, hint }));
    expect(parse).toThrow(`--accept-proxy-from: ${JSON.stringify(text)} ${why}`);
  });
});

describe("a connection from a trusted address", () => {
  test("yields the claimed addresses beside its own, and what came behind the header", async () => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, TRUSTED, none());
    conn.data(header.slice(0, 20));
    conn.data(`${header.slice(20)}hello`);
    expect(await accepted).toMatchObject({ ok: true, ...CLAIM, header: { version: 2, local: false } });
    const found = await accepted;
    if (!found.ok) throw new Error(found.reason);
    expect(found.conn).toBe(conn);
    expect([Buffer.from(found.early.bytes).toString(), found.early.ended]).toEqual(["hello", false]);
    expect(conn.remote).toEqual({ ip: "192.0.2.1", port: 1 });
    expect([conn.written, conn.closed]).toEqual([[], false]);
  });

  test("yields no addresses where the proxy speaks for itself", async () => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, TRUSTED, none());
    conn.data("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0");
    const found = await accepted;
    expect(found).toMatchObject({ ok: true, header: { local: true } });
    expect(found).not.toHaveProperty("source");
  });

  test.each([
    ["proxy_header_missing", "\x16\x03\x01"],
    ["proxy_header_malformed", "PROXY TCP5"],
  ])("%s", async (code, text) => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, TRUSTED, none());
    conn.data(text);
    expect(await accepted).toMatchObject({ ok: false, code });
  });

  test("proxy_header_timeout, also where the server would speak first", async () => {
    const accepted = acceptProxy(new FakeConn(), TRUSTED, new Deadlines(5), false);
    expect(await accepted).toMatchObject({ ok: false, code: "proxy_header_timeout" });
  });

  test("closed", async () => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, TRUSTED, none());
    conn.close();
    expect(await accepted).toMatchObject({ ok: false, code: "closed" });
  });
});

describe("a connection from any other address", () => {
  test("is refused where it begins with a header", async () => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, OTHERS, none());
    conn.data(header);
    expect(await accepted).toMatchObject({ ok: false, code: "proxy_header_untrusted" });
  });

  test("is what its socket says otherwise", async () => {
    const conn = new FakeConn();
    const accepted = acceptProxy(conn, OTHERS, none());
    conn.data("hello");
    expect(await accepted).toEqual({ ok: true, conn, early: { bytes: Buffer.from("hello"), ended: false } });
  });

  test("is not waited for where the server speaks first", async () => {
    const conn = new FakeConn();
    const found = await acceptProxy(conn, OTHERS, none(), false);
    expect(found).toEqual({ ok: true, conn, early: { bytes: new Uint8Array(0), ended: false } });
    expect(conn.events).toBeUndefined();
  });
});

describe.each(KINDS)("over a socket (%s)", (kind) => {
  test("nothing of the stream is lost between the header and its reader", async () => {
    const { conn, peer } = await connect(kind);
    const accepted = acceptProxy(conn, parseProxySources(["127.0.0.1"], "--x"), new Deadlines(20_000));
    peer.write(HEADER.subarray(0, 15));
    await Bun.sleep(5);
    peer.write(Buffer.concat([HEADER.subarray(15), Buffer.from("one ")]));
    const found = await accepted;
    if (!found.ok) throw new Error(found.reason);
    expect(found.source).toEqual(CLAIM.source);
    peer.write("two ");
    await Bun.sleep(5);
    peer.end("three");
    await Bun.sleep(5);
    const notes = new Notes();
    conn.attach(notes);
    await until(() => notes.ended, "the end");
    expect(Buffer.from(found.early.bytes).toString() + notes.text).toBe("one two three");
    conn.destroy();
  });
});
