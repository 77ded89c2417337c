/** `GET http://…` by curl: what the web server sees of it, and several requests on one connection, each decided by itself. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { scenario } from "../../support/scenario.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let origin: string;
  let proxy: AccessProxy;
  beforeAll(async () => {
    web = openWeb(scene, (request, url) => {
      if (url.pathname === "/nothing") return new Response(null, { status: 204 });
      if (url.pathname === "/moved") return Response.redirect("/hello", 302);
      if (url.pathname === "/zipped") {
        return new Response(Bun.gzipSync(content(100_000)), { headers: { "content-encoding": "gzip" } });
      }
      return url.pathname === "/method" ? new Response(`${request.method}\n`) : undefined;
    });
    origin = `http://127.0.0.1:${web.port}`;
    const policy = [
      `policy no_admin { when path =~ "^/admin" action deny }`,
      `policy reading { when dest.ip in [127.0.0.1] and port == ${web.port} action allow }`,
    ];
    proxy = await portail.socks({ policy: policy.join("\n") });
  });

  const get = (...args: string[]) => curl(["--proxy", proxy.url("http"), ...args]);

  test("the server sees its own authority, and nothing that was meant for the proxy or this connection", async () => {
    const headers = ["Proxy-Connection: keep-alive", "Proxy-Secret: x", "Connection: X-Hop", "X-Hop: 1", "TE: gzip"];
    const given = [...headers, "Host: other.example", "X-Kept: yes"].flatMap((header) => ["--header", header]);
    expect(await get(...given, "--proxy-user", "ada:secret", `${origin}/hello?a=%2e%2E/b`)).toMatchObject({
      status: 0,
    });
    const seen = web.requests.at(-1)!;
    expect(seen.host).toBe(`127.0.0.1:${web.port}`);
    expect(seen.headers.get("x-kept")).toBe("yes");
    for (const name of ["proxy-connection", "proxy-secret", "proxy-authorization", "x-hop", "te"]) {
      expect(seen.headers.get(name)).toBeNull();
    }
  });

  test("requests on one connection are decided one by one", async () => {
    proxy.forget();
    const format = ["--write-out", "%{http_code} %{num_connects}\n", "--output", "/dev/null"];
    const urls = ["/hello", "/admin/users", "/hello"].flatMap((path) => [...format, `${origin}${path}`]);
    const { stdout } = await get(...urls);
    expect(stdout.split("\n").map((line) => line.split(" ")[0])).toEqual(["200", "403", "200", ""]);
    const decisions = () => proxy.audit().filter((line) => line.event === "decision");
    await proxy.record("decision", () => decisions().length === 3);
    expect(decisions().map(({ policy }) => policy)).toEqual(["reading", "no_admin", "reading"]);
    expect(web.requests.filter(({ path }) => path.startsWith("/admin"))).toEqual([]);
  });

  test("one connection serves requests that are allowed, one after the other", async () => {
    const format = ["--write-out", "%{http_code} %{num_connects}\n", "--output", "/dev/null"];
    const urls = ["/hello", "/nothing", "/moved", "/hello"].flatMap((path) => [...format, `${origin}${path}`]);
    expect((await get(...urls)).stdout).toBe("200 1\n204 0\n302 0\n200 0\n");
  });

  test("weakness 6.1.9: methods, bodies and encodings pass unchanged", async () => {
    for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]) {
      expect((await get("--request", method, `${origin}/method`)).stdout).toBe(`${method}\n`);
    }
    expect((await get("--head", `${origin}/method`)).stdout).toStartWith("HTTP/1.1 200 OK\r\n");
    const path = scene.write("body", content(300_000));
    const post = ["--request", "POST", "--data-binary", `@${path}`, `${origin}/digest`];
    for (const header of ["Transfer-Encoding: chunked", "Expect: 100-continue", "X-Plain: yes"]) {
      expect((await get("--header", header, ...post)).stdout).toBe(digest(content(300_000)));
    }
    const zipped = scene.path("zipped");
    expect((await get("--compressed", "--output", zipped, `${origin}/zipped`)).status).toBe(0);
    expect(digest(await Bun.file(zipped).bytes())).toBe(digest(content(100_000)));
  });

  test("a method that is none, a path without an authority, and a scheme that is not http", async () => {
    for (const [target, status] of [
      ["/hello", 400],
      [`ftp://127.0.0.1:${web.port}/hello`, 400],
      [`https://127.0.0.1:${web.port}/hello`, 400],
    ] as const) {
      const format = ["--write-out", "%{http_code}", "--output", "/dev/null"];
      const { stdout } = await curl([...format, "--request-target", target, `http://127.0.0.1:${proxy.port}/`]);
      expect(stdout).toBe(String(status));
    }
  });

  test("a server that refuses the connection, and one that does not answer in HTTP", async () => {
    const mute = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { open: (socket) => void socket.end("what?\n"), data() {} },
    });
    scene.defer(() => mute.stop(true));
    const policy = "policy all { when dest.ip in [127.0.0.1] action allow }";
    expect(await proxy.reload(policy)).toMatchObject({ outcome: "done" });
    for (const [port, error] of [
      [1, "connection_refused"],
      [mute.port, "proxy_internal_error"],
    ]) {
      const { stdout } = await get("--include", `http://127.0.0.1:${port}/`);
      expect(stdout).toStartWith("HTTP/1.1 502 Bad Gateway\r\n");
      expect(stdout).toContain(`Proxy-Status: portail; error=${error}\r\n`);
    }
  });
});
