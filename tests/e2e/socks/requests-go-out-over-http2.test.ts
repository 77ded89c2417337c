/** Backends over HTTP/2: nghttpx, HAProxy, Node and Go; many tunnels in one connection, and which version is spoken with whom. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { openTunnel } from "../../support/connect-tunnel.ts";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { ask, FRONTS, type Front } from "../../support/fronts.ts";
import { goProgram } from "../../support/go-program.ts";
import { HTTP2_PROXIES, type Http2Proxy } from "../../support/http2-proxies.ts";
import { startListening } from "../../support/listening.ts";
import { OUTBOUND_PROXIES } from "../../support/outbound-proxies.ts";
import { install } from "../../support/peer-programs.ts";
import { scenario } from "../../support/scenario.ts";
import { openTlsBackends } from "../../support/backends.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const NEEDS = ["curl", "go", "haproxy", "nghttpx", "node", "squid"];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => void (web = openWeb(scene)));
  const { cert, key, trust, proxyWith } = openTlsBackends(scene, portail);
  const get = (proxy: AccessProxy, way: Front) => ask(proxy, way, `http://127.0.0.1:${web.port}/hello`);
  const open = async (command: (port: number) => string[] | Promise<string[]>) => {
    const port = freePort();
    return { port, program: await startListening(scene, port, await command(port)) };
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
      const secured = peer.scheme === "https" ? `trust = "servers"\n${auth ?? ""}${trust}` : (auth ?? "");
      const tables = `[backend.next]\ntarget = "${peer.scheme}://127.0.0.1:${port}"\nhttp-version = "2"\n${secured}`;
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
      expect(await proxy.metric('backend_http2_connections_open{backend="next"}')).toBe(1);
    });

    test("of a target that ends first every byte is read, however slowly", async () => {
      const size = 8 * 1024 * 1024;
      const server = createServer((socket) => void socket.on("error", () => {}).end(content(size)));
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      scene.defer(() => server.close());
      const { port } = server.address() as AddressInfo;
      const socket = await openTunnel(proxy.port, port, true);
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
      `[backend.next]\ntarget = "https://127.0.0.1:${port}"\ntrust = "servers"\n${more}${trust}`;
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

  let configs = 0;
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
