/** Ends of tunnels that are out of order, and the bytes around their beginning: nothing is lost, nothing is left open. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Socket } from "node:net";
import { openBlackHole } from "./black-hole.ts";
import { startDns } from "./dns-server.ts";
import { startProxy, until } from "./harness.ts";
import { createPrng } from "./prng.ts";
import { ask, connectRequest, GREETING, RawClient, socks5Request, type Protocol } from "./raw-client.ts";
import { listen } from "./upstream.ts";

setDefaultTimeout(60_000);

const ACL = "policy local { when dest.ip in [127.0.0.0/8] action allow }";
const PROTOCOLS: Protocol[] = ["socks5", "connect"];

/** The whole dialogue without waiting for an answer, and the length of what the proxy answers to it. */
function hurried(protocol: Protocol, port: number): { bytes: Buffer; answer: number } {
  return protocol === "socks5"
    ? { bytes: Buffer.concat([GREETING, socks5Request("127.0.0.1", port)]), answer: 2 + 10 }
    : { bytes: connectRequest("127.0.0.1", port), answer: "HTTP/1.1 200 Connection established\r\n\r\n".length };
}

/** Enough before it that the windows are wide and the proxy reads large pieces. */
async function bulkAndReset(socket: Socket): Promise<void> {
  for (let i = 0; i < 100; i++) await new Promise((resolve) => socket.write(Buffer.alloc(200_000), resolve));
  await Bun.sleep(20);
  socket.write(Buffer.alloc(300_000));
  socket.resetAndDestroy();
}

describe.each(PROTOCOLS)("%s", (protocol) => {
  test("bytes behind the request are the first of the tunnel, however many", async () => {
    const early = createPrng(11).bytes(300_000);
    const got: Buffer[] = [];
    const upstream = await listen((socket) => socket.on("data", (chunk: Buffer) => void got.push(chunk)));
    const proxy = await startProxy(ACL);
    const client = await RawClient.open(proxy.port);
    const { bytes, answer } = hurried(protocol, upstream.port);
    client.write(Buffer.concat([bytes, early]));
    expect(await client.read(answer)).toHaveLength(answer);
    await until(() => got.reduce((sum, { length }) => sum + length, 0) >= early.length, "the early bytes");
    expect(Buffer.concat(got).equals(early)).toBe(true);
    upstream.sockets[0]!.end();
    client.end();
    await client.closed;
    expect(await proxy.event("close")).toMatchObject({ sent: early.length, received: 0 });
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a client that ends at once behind its bytes still gets its answer", async () => {
    const upstream = await listen((socket) => {
      const got: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => void got.push(chunk));
      socket.on("end", () => socket.end(`got ${Buffer.concat(got).toString()}`));
    });
    const proxy = await startProxy(ACL);
    const client = await RawClient.open(proxy.port);
    const { bytes, answer } = hurried(protocol, upstream.port);
    client.write(Buffer.concat([bytes, Buffer.from("question")]));
    client.end();
    await client.read(answer);
    expect(String(await client.rest())).toBe("got question");
    expect(await proxy.event("close")).toMatchObject({ reason: "client", sent: 8, received: 12 });
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("an upstream that ends first still gets what the client sends", async () => {
    const got: Buffer[] = [];
    let ended = false;
    const upstream = await listen((socket) => {
      socket.end("that was all");
      socket.on("data", (chunk: Buffer) => void got.push(chunk));
      socket.on("end", () => (ended = true));
    });
    const proxy = await startProxy(ACL);
    const { client } = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
    expect(String(await client.rest())).toBe("that was all");
    client.write("not for me");
    client.end();
    await client.closed;
    await until(() => ended, "the end at the upstream");
    expect(Buffer.concat(got).toString()).toBe("not for me");
    expect(await proxy.event("close")).toMatchObject({ reason: "upstream", sent: 10, received: 12 });
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a reset by the upstream in mid-transfer ends the client, and is recorded", async () => {
    const upstream = await listen((socket) => void socket.write(Buffer.alloc(100_000)));
    const proxy = await startProxy(ACL);
    const { client } = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
    await client.read(1000);
    upstream.sockets[0]!.resetAndDestroy();
    await client.closed;
    expect(await proxy.event("close")).toMatchObject({ reason: "upstream", error: expect.any(String) });
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a reset by the upstream right behind bulk is no orderly end: what is cut off must look so", async () => {
    const upstream = await listen((socket) => void bulkAndReset(socket));
    const proxy = await startProxy(ACL);
    for (let round = 1; round <= 4; round++) {
      const { client } = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
      while ((await client.some()).length > 0);
      client.end();
      await client.closed;
      expect(client.failure).toBe("ECONNRESET");
      await until(() => proxy.events("close").length === round, "the end");
      expect(proxy.events("close").at(-1)).toMatchObject({ error: expect.stringContaining("ECONNRESET") });
    }
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a reset by the client in mid-transfer ends the upstream, and is recorded", async () => {
    const upstream = await listen((socket) => void socket.write(Buffer.alloc(100_000)));
    const proxy = await startProxy(ACL);
    const { client } = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
    await client.read(1000);
    client.reset();
    await until(() => upstream.sockets[0]!.destroyed, "the end at the upstream");
    expect(await proxy.event("close")).toMatchObject({ reason: "client", error: expect.any(String) });
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a reset by the client against the stream of bulk is no orderly end for the upstream", async () => {
    const ends: string[] = [];
    const upstream = await listen((socket) => {
      socket.on("data", () => {});
      socket.on("end", () => void ends.push("end"));
      socket.on("error", ({ message }) => void ends.push(message));
      const more = () => {
        while (!socket.destroyed && socket.write(Buffer.alloc(200_000)));
      };
      socket.on("drain", more);
      more();
    });
    const proxy = await startProxy(ACL);
    for (let round = 1; round <= 4; round++) {
      const { client } = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
      for (let got = 0; got < 5_000_000;) got += (await client.some()).length;
      client.reset();
      await until(() => proxy.events("close").length === round, "the end");
    }
    await until(() => upstream.sockets.every((socket) => socket.destroyed), "the resets");
    expect(ends.filter((one) => one === "end")).toEqual([]);
    expect(proxy.events("close").map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => "client"));
    expect(await proxy.drain()).toBe(0);
    upstream.server.close();
  });

  test("a client that is gone while its target is dialled leaves no tunnel, and is recorded", async () => {
    const hole = await openBlackHole();
    const proxy = await startProxy(ACL, ["--connect-timeout", "500ms"]);
    const client = await RawClient.open(proxy.port);
    client.write(hurried(protocol, hole.port).bytes);
    await proxy.event("decision");
    client.reset();
    await client.closed;
    expect(await proxy.event("close")).toMatchObject({ sent: 0, received: 0, error: expect.any(String) });
    expect(await proxy.drain()).toBe(0);
    hole.close();
  });

  test("a client that is gone while its name is resolved causes no connection", async () => {
    let connections = 0;
    const upstream = await listen(() => void connections++);
    const dns = await startDns({}, ["silent.example"]);
    const proxy = await startProxy(ACL, ["--resolver", dns.address, "--dns-timeout", "500ms"]);
    const client = await RawClient.open(proxy.port);
    const target = [Buffer.from(GREETING), socks5Request("silent.example", upstream.port)];
    client.write(protocol === "socks5" ? Buffer.concat(target) : connectRequest("silent.example", upstream.port));
    await until(() => dns.questions.length > 0, "the question");
    client.reset();
    expect(await proxy.event("close")).toMatchObject({ reason: "resolver_timeout" });
    expect(await proxy.drain()).toBe(0);
    expect(connections).toBe(0);
    dns.close();
    upstream.server.close();
  });

  test.each([
    ["refused", 5, 502, "refused"],
    ["silent", 6, 504, "connect_timeout"],
    ["unknown", 4, 502, "name_not_found"],
    ["late", 4, 504, "resolver_timeout"],
  ])("weakness 6.1.6: a target that is %s is answered so", async (what, socks, http, reason) => {
    const hole = await openBlackHole();
    const dns = await startDns({}, ["late.example"]);
    const flags = ["--connect-timeout", "300ms", "--dns-timeout", "300ms", "--resolver", dns.address];
    const proxy = await startProxy(ACL, flags);
    const host = what === "refused" || what === "silent" ? "127.0.0.1" : `${what}.example`;
    const answer = await ask(protocol, proxy.port, host, what === "silent" ? hole.port : 1);
    expect(answer.code).toBe(protocol === "socks5" ? socks : http);
    expect(await proxy.event("close")).toMatchObject({ reason, sent: 0, received: 0 });
    answer.client.end();
    await answer.client.closed;
    expect(await proxy.drain()).toBe(0);
    hole.close();
    dns.close();
  });

  test("weakness 6.2.10: the place of a tunnel is free again when it has ended, and not before", async () => {
    const upstream = await listen(() => {});
    const proxy = await startProxy(ACL, ["--max-concurrent-conns", "1"]);
    const first = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
    expect(first.open).toBe(true);
    const second = await ask(protocol, proxy.port, "127.0.0.1", upstream.port);
    expect(second.code).toBe(protocol === "socks5" ? 1 : 503);
    expect((await proxy.event("reject")).reason).toBe("limit");
    // Half of it is not the end of it.
    first.client.end();
    await until(() => upstream.sockets[0]!.readableEnded || upstream.sockets[0]!.resume().readableEnded, "the end");
    expect((await ask(protocol, proxy.port, "127.0.0.1", upstream.port)).open).toBe(false);
    upstream.sockets[0]!.end();
    await first.client.closed;
    await proxy.event("close");
    expect((await ask(protocol, proxy.port, "127.0.0.1", upstream.port)).open).toBe(true);
    await proxy.stop();
    upstream.server.close();
  });
});
