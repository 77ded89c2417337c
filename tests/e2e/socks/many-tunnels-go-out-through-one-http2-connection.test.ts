/** Backends over HTTP/2 and mTLS, which another portail is: many tunnels in few connections, and what is done when those fail or end. */
import { beforeAll, expect, test } from "bun:test";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { exchange, openTunnel } from "../../support/connect-tunnel.ts";
import { freePort } from "../../support/free-port.ts";
import { FRONTS, killUnderLoad } from "../../support/fronts.ts";
import { http2Client } from "../../support/http2-client.ts";
import { startListening } from "../../support/listening.ts";
import { microsocks } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { openTlsBackends, policyFor } from "../../support/backends.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "microsocks", "node"], ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => void (web = openWeb(scene)));
  const { cert, key, trust, proxyWith } = openTlsBackends(scene, portail);
  /** Another one, by SOCKS: its table. */
  const reserve = async () => {
    const port = freePort();
    await startListening(scene, port, microsocks(port).argv);
    return `[backend.other]\ntarget = "socks5://127.0.0.1:${port}"\n`;
  };
  const echo = async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    scene.defer(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const people = authority("HTTP/2 people");
  const me = save(scene, "me", people.issue({ cn: "first" }));
  const tables = (port: number, more = "") =>
    `[backend.next]\ntarget = "https://localhost:${port}"\nidentity = "me"\ntrust = "servers"\n` +
    `[identity.me]\ncert = "${me.cert}"\nkey = "${me.key}"\n${trust}${more}`;
  const last = (...args: string[]) =>
    portail.socks({
      policy: `policy first { when client.cn == "first" and proxy.version == "2" and dest.ip in [127.0.0.0/8] action allow }`,
      args: ["--cert", cert, "--key", key, "--cacert", scene.write("people.pem", people.cert), ...args],
    });

  /** Of so many tunnels in all, by the names of their streams: CONNECTION/STREAM. */
  const connectionsOf = (far: AccessProxy, tunnels: number) =>
    until(`${tunnels} tunnels at the far end`, () => {
      const sessions = far.audit().flatMap((line) => (line.event === "decision" ? [line.session.split("/")[0]] : []));
      return sessions.length === tunnels && new Set(sessions).size;
    });

  test("a hundred tunnels go through one connection, and one that is stalled holds up none", async () => {
    const far = await last();
    const proxy = await proxyWith(tables(far.port), ["next"]);
    const outcome = await http2Client({
      scenario: "transfer",
      proxy: proxy.url("http"),
      target: `127.0.0.1:${await echo()}`,
      tunnels: 100,
      size: 512 * 1024,
    });
    expect(outcome).toEqual({ whole: 99, stillOpen: true });
    expect(await connectionsOf(far, 100)).toBe(1);
    const closes = await proxy.closes(100);
    expect(new Set(closes.map(({ backend }) => backend))).toEqual(new Set(["next"]));
  });

  test("more tunnels than a connection may have take another one", async () => {
    const far = await last("--max-streams", "10");
    const proxy = await proxyWith(tables(far.port), ["next"]);
    const outcome = await http2Client({
      scenario: "transfer",
      proxy: proxy.url("http"),
      target: `127.0.0.1:${await echo()}`,
      tunnels: 31,
      size: 64 * 1024,
    });
    expect(outcome).toEqual({ whole: 30, stillOpen: true });
    const connections = await connectionsOf(far, 31);
    expect(connections).toBeGreaterThanOrEqual(2);
    expect(connections).toBeLessThanOrEqual(4);
  });

  test("beyond the connections that are allowed the next backend serves, and the busy one is not left alone", async () => {
    const far = await last("--max-streams", "2");
    const other = await reserve();
    const limited = tables(far.port, other).replace('identity = "me"', 'identity = "me"\nmax-connections = 2');
    const proxy = await proxyWith(limited, ["next", "other"]);
    const target = await echo();
    const sockets = await Promise.all(Array.from({ length: 10 }, () => openTunnel(proxy.port, target)));
    for (const socket of sockets) expect(await exchange(socket, "word")).toBe("word");
    for (const socket of sockets) socket.destroy();
    const closes = await proxy.closes(10);
    const by = (name: string) => closes.filter(({ backend }) => backend === name);
    expect([by("next").length, by("other").length]).toEqual([4, 6]);
    for (const { tried } of by("other")) expect(tried![0]!.error).toContain("busy");
    expect(await proxy.metric('backend_healthy{backend="next"}')).toBe(1);
  });

  test("half-close both ways, and an abort both ways", async () => {
    const far = await last();
    const proxy = await proxyWith(tables(far.port), ["next"]);
    const arrived: Socket[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => void arrived.push(socket.on("error", () => {})));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    scene.defer(() => server.close());
    const { port } = server.address() as AddressInfo;
    const pair = async () => {
      const near = await openTunnel(proxy.port, port);
      return { near, far: await until("the far end", () => arrived.shift()) };
    };
    const read = (socket: Socket) => {
      const seen = { text: "", ended: false, closed: false };
      socket.on("data", (chunk) => (seen.text += String(chunk)));
      socket.on("end", () => (seen.ended = true)).on("close", () => (seen.closed = true));
      return seen;
    };
    for (const firstToEnd of ["near", "far"] as const) {
      const { near, far: end } = await pair();
      const [first, second] = firstToEnd === "near" ? [near, end] : [end, near];
      const [heard, answered] = [read(second), read(first)];
      first.end("first words");
      await until("the end of one direction", () => heard.ended);
      expect(heard.text).toBe("first words");
      second.write("last ");
      await until("an answer behind it", () => answered.text === "last ");
      second.end("words");
      await until("the end of the other", () => answered.ended);
      expect(answered.text).toBe("last words");
    }
    for (const aborts of ["near", "far"] as const) {
      const { near, far: end } = await pair();
      const [first, second] = aborts === "near" ? [near, end] : [end, near];
      const seen = read(second);
      expect(await exchange(near, "x", end)).toBe("x");
      first.resetAndDestroy();
      await until("the abort at the other end", () => seen.closed);
    }
    expect(await connectionsOf(far, 4)).toBe(1);
  });

  test("a reload: new tunnels take a new connection, and the old ones live to their end", async () => {
    const far = await last();
    const proxy = await proxyWith(tables(far.port), ["next"]);
    const target = await echo();
    const old = await openTunnel(proxy.port, target);
    expect(await exchange(old, "before")).toBe("before");
    await proxy.reload(policyFor("next"));
    const fresh = await openTunnel(proxy.port, target);
    expect(await exchange(fresh, "fresh")).toBe("fresh");
    expect(await exchange(old, "after")).toBe("after");
    expect(await connectionsOf(far, 2)).toBe(2);
    old.end();
    await until("the end of the old connection", async () => {
      return (await proxy.metric('backend_http2_connections_open{backend="next"}')) === 1;
    });
    expect(await exchange(fresh, "still")).toBe("still");
  });

  test("a drain of the next one ends no tunnel, and new ones go elsewhere", async () => {
    const far = await last();
    const other = await reserve();
    const proxy = await proxyWith(tables(far.port, other), ["next", "other"]);
    const target = await echo();
    const old = await openTunnel(proxy.port, target);
    expect(await exchange(old, "before")).toBe("before");
    far.program.signal("SIGTERM");
    await far.program.output("stderr", /drain|stopping|waiting/i);
    const fresh = await openTunnel(proxy.port, target);
    expect(await exchange(fresh, "fresh")).toBe("fresh");
    expect(await exchange(old, "after")).toBe("after");
    old.end();
    expect(await far.program.ended).toBe(0);
    fresh.destroy();
    expect(await proxy.record("close", ({ backend }) => backend === "other")).toMatchObject({ backend: "other" });
  });

  test("when it dies under load, the second serves, and nothing goes out directly", async () => {
    const far = await last();
    const other = await reserve();
    const proxy = await proxyWith(tables(far.port, other), ["next", "other"]);
    const { failed, closes } = await killUnderLoad(proxy, web, far.program);
    // Those that had a tunnel in the first one when it died had no second chance.
    expect(failed).toBeLessThanOrEqual(FRONTS.length);
    const by = (name: string) => closes.filter(({ backend }) => backend === name).length;
    expect(by("next") + by("other")).toBe(closes.length);
    expect(by("other")).toBeGreaterThanOrEqual(12);
    expect(closes.filter(({ dest }) => dest !== undefined)).toEqual([]);
  });
});
