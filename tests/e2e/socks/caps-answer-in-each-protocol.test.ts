/** `--max-conns-per-client`, `--max-conns-per-user`, `--max-requests-per-client` and `--max-concurrent-conns`: who is one too many is told so, and a place that is free again is given. */
import { expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { holdTransfer } from "../../support/held.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

/** How curl shows that it is one too many: SOCKS5 1 (general failure), SOCKS4 91, HTTP 503. */
const WAYS = [
  { way: "socks4a", args: [], status: 97, says: /\(91\)/ },
  { way: "socks5h", args: [], status: 97, says: /\(1\)/ },
  { way: "http", args: ["--proxytunnel"], status: 56, says: /CONNECT tunnel failed, response 503/ },
  { way: "http", args: ["--fail"], status: 22, says: /error: 503/ },
] as const;

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  const prepare = async (...args: string[]) => {
    const web = openWeb(scene);
    const proxy = await portail.socks({ policy: allowLocal(web.port), args });
    const get = (way: string, ...more: string[]) =>
      curl(["--proxy", proxy.url(way), ...more, `http://127.0.0.1:${web.port}/hello`]);
    return { web, proxy, get };
  };

  const expectRefusals = async (web: Web, proxy: AccessProxy, from: string) => {
    for (const { way, args, status, says } of WAYS) {
      proxy.forget();
      const url = `http://127.0.0.1:${web.port}/hello`;
      const outcome = await curl(["--interface", from, "--proxy", proxy.url(way), ...args, url]);
      expect(outcome).toMatchObject({ status, stdout: "" });
      expect(outcome.stderr).toMatch(says);
      const reject = await proxy.record("reject");
      expect(reject).toMatchObject({ reason: "limit", client: expect.stringContaining(`${from}:`) });
    }
  };

  test("weakness 6.2.10, no limit per client: the second of one address is refused, another address is not", async () => {
    const { web, proxy, get } = await prepare("--max-conns-per-client", "1");
    const held = await holdTransfer(scene, web, ["--proxy", proxy.url("socks5h")]);
    await expectRefusals(web, proxy, "127.0.0.1");
    expect(await get("socks5h", "--interface", "127.0.0.3")).toMatchObject({ status: 0 });
    expect(await get("http", "--interface", "127.0.0.3")).toMatchObject({ status: 0 });
    web.release();
    expect((await held.outcome).status).toBe(0);
    await until("the place to be free again", async () => (await get("socks5h")).status === 0);
  });

  test("weakness 6.2.10, no limit per user: the second of one user is refused from any address, another user is not", async () => {
    // Of htpasswd -nbB -C 4 NAME "correct horse".
    const hash = "$2y$04$yA3G955AZjSTvMtm8h216.CCNDAjLHG4YjvBX35yw7uVxkJNjVBYm";
    const users = scene.write("users", `alice:${hash}\nbob:${hash}\n`);
    const { web, proxy, get } = await prepare("--max-conns-per-user", "1", "--users", users);
    const as = (user: string) => ["--proxy-user", `${user}:correct horse`];
    const held = await holdTransfer(scene, web, ["--proxy", proxy.url("socks5h"), ...as("alice")]);
    for (const [way, more, says] of [
      ["socks5h", [], /\(1\)/],
      ["http", ["--proxytunnel"], /response 503/],
      ["http", ["--fail"], /error: 503/],
    ] as const) {
      proxy.forget();
      expect((await get(way, ...more, ...as("alice"), "--interface", "127.0.0.3")).stderr).toMatch(says);
      expect(await proxy.record("reject")).toMatchObject({ reason: "limit" });
      expect(await get(way, ...more, ...as("bob"))).toMatchObject({ status: 0 });
    }
    web.release();
    expect((await held.outcome).status).toBe(0);
    await until("the place to be free again", async () => (await get("socks5h", ...as("alice"))).status === 0);
  });

  test("weakness 6.2.10, no limit of the rate: more requests than a second's share are refused, another address is served", async () => {
    const { web, proxy, get } = await prepare("--max-requests-per-client", "5");
    const urls = Array.from({ length: 40 }, () => [
      "--output",
      "/dev/null",
      `http://127.0.0.1:${web.port}/hello`,
    ]).flat();
    const { stdout } = await curl(["--proxy", proxy.url("http"), "--write-out", "%{http_code}\n", ...urls]);
    const served = stdout.split("\n").filter((status) => status === "200").length;
    const refused = stdout.split("\n").filter((status) => status === "503").length;
    expect(served + refused).toBe(40);
    expect(served).toBeGreaterThanOrEqual(5);
    expect(refused).toBeGreaterThan(0);
    expect(await proxy.record("reject")).toMatchObject({ reason: "rate" });
    expect(await get("socks5h", "--interface", "127.0.0.3")).toMatchObject({ status: 0 });
    await until("the next second's share", async () => (await get("socks5h")).status === 0);
  });

  test("weakness 6.2.10, tunnels are not counted: whoever comes is refused while the places are taken, forward exchanges included", async () => {
    const { web, proxy, get } = await prepare("--max-concurrent-conns", "2");
    const tunnel = await holdTransfer(scene, web, ["--proxy", proxy.url("http"), "--proxytunnel"]);
    const exchange = await holdTransfer(scene, web, ["--proxy", proxy.url("http")]);
    await expectRefusals(web, proxy, "127.0.0.3");
    web.release();
    for (const { outcome, whole } of [tunnel, exchange]) {
      expect((await outcome).status).toBe(0);
      expect(await whole()).toBe(true);
    }
    await until("the places to be free again", async () => (await get("socks5h")).status === 0);
  });

  test("a forward request that is refused is told why, for machines too", async () => {
    const { web, proxy, get } = await prepare("--max-concurrent-conns", "1");
    await holdTransfer(scene, web, ["--proxy", proxy.url("socks5h")]);
    const { stdout } = await get("http", "--include");
    expect(stdout).toStartWith("HTTP/1.1 503 Service Unavailable\r\n");
    expect(stdout).toMatch(/^Proxy-Status: portail; error=connection_limit_reached\r$/m);
    expect(stdout).toEndWith("503 Service Unavailable: too many connections\n");
  });
});
