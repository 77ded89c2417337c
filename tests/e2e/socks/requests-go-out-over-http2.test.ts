/** Backends over HTTP/2: nghttpx, HAProxy, Node and Go, and another portail over mTLS; many tunnels in few connections, and what is done when those fail. */
import { beforeAll, describe, expect, test } from "bun:test";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { goProgram } from "../../support/go-program.ts";
import { http2Client } from "../../support/http2-client.ts";
import { HTTP2_PROXIES, type Http2Proxy } from "../../support/http2-proxies.ts";
import { OUTBOUND_PROXIES } from "../../support/outbound-proxies.ts";
import { install } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import { start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const NEEDS = ["curl", "go", "haproxy", "microsocks", "nghttpx", "node", "squid"];
const FRONTS = [
  ["SOCKS5", ["socks5h"]],
  ["CONNECT", ["http", "--proxytunnel"]],
  ["forward", ["http"]],
] as const;
const TRUSTING = `
route all { use [BACKENDS] }
policy via { when route.local == false and dest.ip in [127.0.0.0/8] action allow }
`;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => void (web = openWeb(scene)));
  const servers = authority("HTTP/2 proxies");
  const trusted = scene.write("servers.pem", servers.cert);
  const { cert, key } = save(scene, "next", servers.issue({ san: ["DNS:localhost", "IP:127.0.0.1"] }));
  const TRUST = `[trust.servers]\ncacert = ["${trusted}"]\n`;

  let configs = 0;
  const proxyWith = (tables: string, backends: string[], ...args: string[]) => {
    const config = scene.write(`backends-${++configs}.toml`, tables);
    const policy = TRUSTING.replace("BACKENDS", backends.map((name) => JSON.stringify(name)).join(", "));
    return portail.socks({ policy, args: ["--config", config, "--status", "127.0.0.1:0", ...args] });
  };
  const get = (proxy: AccessProxy, [scheme, ...more]: readonly string[], path = "/hello") =>
    curl(["--proxy", proxy.url(scheme!), ...more, `http://127.0.0.1:${web.port}${path}`]);
  const metric = async (proxy: AccessProxy, name: string) => {
    const [, place] = await proxy.program.output("stderr", /status on (\S+)/);
    const page = (await curl([`http://${place}/metrics`])).stdout;
    const line = page.split("\n").find((one) => one.startsWith(`portail_${name} `));
    return Number(line?.split(" ").at(-1));
  };
  const listens = (port: number) =>
    until(`a listener on port ${port}`, () => {
      return new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1", () => (socket.destroy(), resolve(true)));
        socket.on("error", () => resolve(false));
      });
    });
  const open = async (command: (port: number) => string[] | Promise<string[]>) => {
    const port = freePort();
    const program: Program = start(scene, await command(port));
    scene.defer(async () => {
      program.signal("SIGTERM");
      await program.ended;
    });
    await listens(port);
    return { port, program };
  };
  const echo = async () => {
    const server = createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).pipe(socket));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    scene.defer(() => server.close());
    return (server.address() as AddressInfo).port;
  };

  let squid = 0;
  beforeAll(
    async () =>
      void (squid = (await open((port) => install(scene, OUTBOUND_PROXIES.squid.program(port, scene.folder)))).port),
  );

  describe.each(Object.entries<Http2Proxy>(HTTP2_PROXIES))("through %s", (name, peer) => {
    let proxy: AccessProxy;
    beforeAll(async () => {
      // The first one to ask for it builds it.
      if (name.startsWith("Go")) await goProgram("goproxy");
      const { port } = await open((own) => peer.command({ port: own, squid, scene, cert, key }));
      const auth = peer.user && `auth-file = ${JSON.stringify(scene.write(`auth-${name}`, `${peer.user}\n`, 0o600))}\n`;
      const trust = peer.scheme === "https" ? `trust = "servers"\n${auth ?? ""}${TRUST}` : (auth ?? "");
      const tables = `[backend.next]\ntarget = "${peer.scheme}://127.0.0.1:${port}"\nhttp-version = "2"\n${trust}`;
      // nghttpx does not pass on that a client ended its direction: nobody else would end the tunnel then.
      proxy = await proxyWith(tables, ["next"], ...(name.startsWith("nghttpx") ? ["--close-timeout", "1s"] : []));
    }, 300_000);

    test.each(FRONTS)("%s", async (_, way) => {
      proxy.forget();
      expect(await get(proxy, way)).toMatchObject({ status: 0, stdout: "hello from the web\n" });
      const close = await proxy.record("close", ({ target }) => target === `127.0.0.1:${web.port}`);
      expect([close.backend, close.dest, close.tried]).toEqual(["next", undefined, undefined]);
    });

    test("16 MiB are whole, and so are twelve at a time, all in one connection", async () => {
      const size = 16 * 1024 * 1024;
      const path = scene.path(`bulk-${name.replaceAll(" ", "-")}`);
      await curl(["--proxy", proxy.url("socks5h"), "--output", path, `http://127.0.0.1:${web.port}/bytes/${size}`]);
      expect(digest(await Bun.file(path).bytes())).toBe(digest(content(size)));
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const to = `${path}-${i}`;
          await curl(["--proxy", proxy.url("http"), "-p", "--output", to, `http://127.0.0.1:${web.port}/bytes/300000`]);
          return digest(await Bun.file(to).bytes());
        }),
      );
      expect(new Set(outcomes)).toEqual(new Set([digest(content(300_000))]));
      expect(await metric(proxy, 'backend_http2_connections_open{backend="next"}')).toBe(1);
    });

    test("of a target that ends first every byte is read, however slowly", async () => {
      const size = 8 * 1024 * 1024;
      const server = createServer((socket) => void socket.on("error", () => {}).end(content(size)));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      scene.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const socket = await tunnel(proxy.port, port, true);
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (chunks.length % 16 !== 0) return;
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      });
      const ended = new Promise<string>((resolve) => socket.on("end", () => resolve("end")).on("error", resolve));
      // All windows fill up meanwhile.
      setTimeout(() => socket.resume(), 300);
      expect(await ended).toBe("end");
      expect(digest(Buffer.concat(chunks))).toBe(digest(content(size)));
      socket.end();
    });

    test("what it denies is final, and what it cannot reach is not", async () => {
      const closeOf = async (port: number) => {
        await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/`]);
        return proxy.record("close", ({ target }) => target === `127.0.0.1:${port}`);
      };
      expect(await closeOf(1)).toMatchObject({ reason: "denied", tried: [{ backend: "next" }] });
      expect(await closeOf(freePort())).toMatchObject({
        reason: "failed",
        tried: [{ error: expect.stringMatching(/HTTP status 50[0-9]/) }],
      });
    });
  });

  test("wrong credentials are told, and are no fault of the proxy's", async () => {
    const peer = HTTP2_PROXIES["Node in the clear, with a user"];
    const { port } = await open((own) => peer.command({ port: own } as never));
    const auth = scene.write("auth-wrong", "ann:nope\n", 0o600);
    const proxy = await proxyWith(`[backend.next]\ntarget = "h2c://127.0.0.1:${port}"\nauth-file = "${auth}"\n`, [
      "next",
    ]);
    expect((await get(proxy, ["socks5h"])).status).toBe(97);
    const [tried] = (await proxy.record("close")).tried!;
    expect(tried!.error).toContain("refuses the user or the password (HTTP status 407)");
    expect(tried!.error).not.toContain("nope");
  });

  describe("which HTTP is spoken", () => {
    const https = (port: number, more = "") =>
      `[backend.next]\ntarget = "https://127.0.0.1:${port}"\ntrust = "servers"\n${more}${TRUST}`;
    const go = async (version: string) =>
      open(async (port) => [await goProgram("goproxy"), String(port), cert, key, version]);

    test("https:// is HTTP/2 with whoever can, and HTTP/1.1 with others, also many at a time", async () => {
      for (const [version, said] of [
        ["2", "HTTP/2.0"],
        ["1.1", "HTTP/1.1"],
      ] as const) {
        const { port, program } = await go(version);
        const proxy = await proxyWith(https(port), ["next"]);
        const outcomes = await Promise.all(Array.from({ length: 10 }, () => get(proxy, ["socks5h"])));
        expect(outcomes.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 0));
        expect((await get(proxy, ["socks5h"])).stdout).toBe("hello from the web\n");
        expect(new Set(program.stdout.trim().split("\n"))).toEqual(new Set([said]));
      }
    });

    test("one that is pinned to 1.1 is spoken to so, and one that is pinned to 2 and cannot is a failure", async () => {
      const both = await go("2");
      const pinned = await proxyWith(https(both.port, 'http-version = "1.1"\n'), ["next"]);
      expect((await get(pinned, ["socks5h"])).status).toBe(0);
      expect(both.program.stdout).toBe("HTTP/1.1\n");
      const old = await go("1.1");
      const proxy = await proxyWith(https(old.port, 'http-version = "2"\n'), ["next"]);
      expect((await get(proxy, ["socks5h"])).status).toBe(97);
      const [tried] = (await proxy.record("close")).tried!;
      expect(tried!.error).toMatch(/does not speak HTTP\/2|no TLS with/);
    });

    test("h2c:// of a proxy that speaks HTTP/1.1 is a failure that says so", async () => {
      const proxy = await proxyWith(`[backend.next]\ntarget = "h2c://127.0.0.1:${squid}"\n`, ["next"]);
      expect((await get(proxy, ["socks5h"])).status).toBe(97);
      expect((await proxy.record("close")).tried![0]!.error).toMatch(/does not speak HTTP\/2/);
    });
  });

  describe("through another portail, over mTLS", () => {
    const people = authority("HTTP/2 people");
    const me = save(scene, "me", people.issue({ cn: "first" }));
    const tables = (port: number, more = "") =>
      `[backend.next]\ntarget = "https://localhost:${port}"\nidentity = "me"\ntrust = "servers"\n` +
      `[identity.me]\ncert = "${me.cert}"\nkey = "${me.key}"\n${TRUST}${more}`;
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
      const closes = await until("a record of each", () => {
        const all = proxy.audit().filter((line) => line.event === "close");
        return all.length === 100 && all;
      });
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
      const other = await open((port) => install(scene, OUTBOUND_PROXIES.microsocks.program(port)));
      const more = `[backend.other]\ntarget = "socks5://127.0.0.1:${other.port}"\n`;
      const limited = tables(far.port, more).replace('identity = "me"', 'identity = "me"\nmax-connections = 2');
      const proxy = await proxyWith(limited, ["next", "other"]);
      const target = await echo();
      const sockets = await Promise.all(Array.from({ length: 10 }, () => tunnel(proxy.port, target)));
      for (const socket of sockets) expect(await exchange(socket, "word")).toBe("word");
      for (const socket of sockets) socket.destroy();
      const closes = await until("a record of each", () => {
        const all = proxy.audit().filter((line) => line.event === "close");
        return all.length === 10 && all;
      });
      const by = (name: string) => closes.filter(({ backend }) => backend === name);
      expect([by("next").length, by("other").length]).toEqual([4, 6]);
      for (const { tried } of by("other")) expect(tried![0]!.error).toContain("busy");
      expect(await metric(proxy, 'backend_healthy{backend="next"}')).toBe(1);
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
        const near = await tunnel(proxy.port, port);
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
      const old = await tunnel(proxy.port, target);
      expect(await exchange(old, "before")).toBe("before");
      await proxy.reload(TRUSTING.replace("BACKENDS", '"next"'));
      const fresh = await tunnel(proxy.port, target);
      expect(await exchange(fresh, "fresh")).toBe("fresh");
      expect(await exchange(old, "after")).toBe("after");
      expect(await connectionsOf(far, 2)).toBe(2);
      old.end();
      await until("the end of the old connection", async () => {
        return (await metric(proxy, 'backend_http2_connections_open{backend="next"}')) === 1;
      });
      expect(await exchange(fresh, "still")).toBe("still");
    });

    test("a drain of the next one ends no tunnel, and new ones go elsewhere", async () => {
      const far = await last();
      const other = await open((port) => install(scene, OUTBOUND_PROXIES.microsocks.program(port)));
      const proxy = await proxyWith(
        tables(far.port, `[backend.other]\ntarget = "socks5://127.0.0.1:${other.port}"\n`),
        ["next", "other"],
      );
      const target = await echo();
      const old = await tunnel(proxy.port, target);
      expect(await exchange(old, "before")).toBe("before");
      far.program.signal("SIGTERM");
      await far.program.output("stderr", /drain|stopping|waiting/i);
      const fresh = await tunnel(proxy.port, target);
      expect(await exchange(fresh, "fresh")).toBe("fresh");
      expect(await exchange(old, "after")).toBe("after");
      old.end();
      expect(await far.program.ended).toBe(0);
      fresh.destroy();
      expect(await proxy.record("close", ({ backend }) => backend === "other")).toMatchObject({ backend: "other" });
    });

    test("when it dies under load, the second serves, and nothing goes out directly", async () => {
      const far = await last();
      const other = await open((port) => install(scene, OUTBOUND_PROXIES.microsocks.program(port)));
      const proxy = await proxyWith(
        tables(far.port, `[backend.other]\ntarget = "socks5://127.0.0.1:${other.port}"\n`),
        ["next", "other"],
      );
      const before = web.requests.length;
      let asked = 0;
      let over = false;
      const lane = async (way: readonly string[], isOver = () => over) => {
        const codes: (number | null)[] = [];
        while (!isOver()) codes.push((asked++, await get(proxy, way)).status);
        return codes;
      };
      const lanes = FRONTS.map(([, way]) => lane(way));
      await until("requests through the first", () => web.requests.length - before >= 12);
      far.program.signal("SIGKILL");
      await far.program.ended;
      const served = web.requests.length;
      await until("requests through the second", () => web.requests.length - served >= 12);
      over = true;
      const codes = (await Promise.all(lanes)).flat();
      // Those that had a tunnel in the first one when it died had no second chance.
      expect(codes.filter((code) => code !== 0).length).toBeLessThanOrEqual(FRONTS.length);
      const closes = await until("a record of each", () => {
        const all = proxy.audit().filter((line) => line.event === "close");
        return all.length === asked && all;
      });
      const by = (name: string) => closes.filter(({ backend }) => backend === name).length;
      expect(by("next") + by("other")).toBe(asked);
      expect(by("other")).toBeGreaterThanOrEqual(12);
      expect(closes.filter(({ dest }) => dest !== undefined)).toEqual([]);
    });
  });

  test.each([
    ['[backend.a]\ntarget = "h2://x:1"\n', /h2c:\/\/ for HTTP\/2 in the clear/],
    ['[backend.a]\ntarget = "h2c://x:1"\nhttp-version = "1.1"\n', /h2c:\/\/ is HTTP\/2/],
    ['[backend.a]\ntarget = "socks5://x:1"\nhttp-version = "2"\n', /for HTTP proxies/],
    ['[backend.a]\ntarget = "https://x:1"\nhttp-version = "3"\n', /auto, 1\.1, 2/],
    ['[backend.a]\ntarget = "http://x:1"\nmax-connections = 3\n', /max-connections is for HTTP\/2/],
    ['[backend.a]\ntarget = "https://x:1"\nmax-connections = 0\n', /from 1 to/],
    ['[backend.a]\ntarget = "h2c://x:1"\ntrust = "t"\n[trust.t]\n', /for TLS/],
  ])("%j is refused", async (text, says) => {
    const config = scene.write(`bad-${++configs}.toml`, text);
    const flags = ["--listen", "127.0.0.1:0", "--acl", "builtin:sample", "--config", config];
    const outcome = await portail.run(["socks", ...flags]);
    expect(outcome.stderr).toMatch(says);
    expect([64, 78]).toContain(outcome.status!);
  });
});

/** A tunnel by CONNECT, whose other end may still send when we end; paused, where its target speaks first. */
function tunnel(proxy: number, target: number, paused = false): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: proxy, allowHalfOpen: true });
  socket.on("error", () => {});
  socket.write(`CONNECT 127.0.0.1:${target} HTTP/1.1\r\nHost: 127.0.0.1:${target}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("no tunnel")));
    socket.once("data", (chunk: Buffer) => {
      const text = chunk.toString();
      const [head, ...rest] = text.split("\r\n\r\n");
      if (!head!.startsWith("HTTP/1.1 200")) return reject(new Error(text));
      if (paused) {
        socket.pause();
        socket.unshift(chunk.subarray(head!.length + 4));
      } else if (rest.join("").length > 0) return reject(new Error(text));
      resolve(socket);
    });
  });
}

/** What comes at `to` of a word that is sent. */
function exchange(from: Socket, word: string, to = from): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString();
      if (text.length < word.length) return;
      to.off("data", take);
      resolve(text);
    };
    to.on("data", take);
    from.once("close", () => reject(new Error(`closed after ${JSON.stringify(text)}`)));
    from.write(word);
  });
}
