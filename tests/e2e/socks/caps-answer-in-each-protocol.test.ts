/** `--max-conns-per-client` and `--max-concurrent-conns`: who is one too many is told so, and a place that is free again is given. */
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
