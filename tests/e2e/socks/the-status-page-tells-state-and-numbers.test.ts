/** `portail socks --status`: state and metrics as curl and Prometheus' parser read them, and the order to stop. */
import { expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { holdTransfer } from "../../support/held.ts";
import { start } from "../../support/program.ts";
import { parseExposition, PROMETHEUS } from "../../support/prometheus.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb } from "../../support/web.ts";

const NEEDS = ["curl", "systemd-socket-activate", PROMETHEUS];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  const serve = async (policy: string, args: string[] = []) => {
    const proxy = await portail.socks({ policy, args: ["--status", "127.0.0.1:0", ...args] });
    const [, place] = await proxy.program.output("stderr", /status on (\S+)/);
    return { proxy, url: `http://${place}` };
  };
  const state = async (url: string) => JSON.parse((await curl([`${url}/_status`])).stdout);
  const values = async (url: string) => {
    const families = await parseExposition((await curl([`${url}/metrics`])).stdout);
    const samples = [...families.values()].flatMap(({ samples }) => samples);
    return new Map(
      samples.map(({ name, labels, value }) => [[name, ...Object.values(labels)].join(" "), Number(value)]),
    );
  };

  test("weakness 6.4.16: the state: listening, the last reload, and nothing that does not hold", async () => {
    const { proxy, url } = await serve(allowLocal(1));
    const before = await state(url);
    expect(before).toMatchObject({
      ok: true,
      status: "ok",
      listen_address: `127.0.0.1:${proxy.port}`,
      backend_ok: true,
      message: "listening",
      last_reload: "0001-01-01T00:00:00Z",
    });
    await proxy.reload(allowLocal(1, 2));
    const after = await until("the reload on the page", async () => {
      const page = await state(url);
      return page.last_reload !== before.last_reload && page;
    });
    expect(after).toMatchObject({ ok: true, message: "listening" });
    expect(Date.parse(after.last_reload)).toBeGreaterThan(Date.parse(before.time) - 1);
    expect((await curl(["--request", "POST", "--write-out", "%{http_code}", `${url}/_shutdown`])).stdout).toEndWith(
      "404",
    );
    expect(await proxy.stop()).toBe(0);
  });

  test("weakness 6.4.15: the numbers: decisions, bytes also of what is still open, ends, reloads", async () => {
    const web = openWeb(scene);
    const { proxy, url } = await serve(allowLocal(web.port));
    const get = (way: string, port: number) => curl(["--proxy", proxy.url(way), `http://127.0.0.1:${port}/hello`]);
    expect((await get("socks5h", web.port)).stdout).toBe("hello from the web\n");
    await get("socks5h", 9);
    await get("http", 9);
    const held = await holdTransfer(scene, web, ["--proxy", proxy.url("http")]);
    const during = await until("the first half", async () => {
      const seen = await values(url);
      return (seen.get("portail_upstream_bytes_total received") ?? 0) > 2 * 1024 * 1024 && seen;
    });
    expect(during.get("portail_connections_total")).toBe(4);
    expect(during.get("portail_tunnels_open")).toBe(1);
    expect(during.get("portail_decisions_total allow")).toBe(2);
    expect(during.get("portail_decisions_total deny")).toBe(2);
    expect(during.get("portail_upstream_bytes_total received")).toBeLessThan(3 * 1024 * 1024);
    web.release();
    expect(await held.whole().then(() => held.outcome)).toMatchObject({ status: 0 });
    await proxy.reload("policy broken {");
    const after = await until("the end", async () => {
      const seen = await values(url);
      return seen.get("portail_tunnels_open") === 0 && seen;
    });
    expect(after.get("portail_upstream_bytes_total received")).toBeGreaterThan(4 * 1024 * 1024);
    expect(after.get("portail_upstream_bytes_total sent")).toBeGreaterThan(100);
    expect(after.get("portail_ends_total done")).toBe(1);
    expect(after.get("portail_reloads_total kept")).toBe(1);
    expect(after.get("portail_last_reload_successful")).toBe(0);
    expect(after.get("portail_resident_memory_bytes")).toBeGreaterThan(1e7);
    expect([...after].filter(([name]) => !name.startsWith("portail_"))).toEqual([]);
    expect(await proxy.stop()).toBe(0);
  });

  test("--enable-shutdown: POST /_shutdown drains as SIGTERM does", async () => {
    const web = openWeb(scene);
    const { proxy, url } = await serve(allowLocal(web.port), ["--enable-shutdown"]);
    const held = await holdTransfer(scene, web, ["--proxy", proxy.url("socks5h")]);
    expect((await curl(["--include", `${url}/_shutdown`])).stdout).toMatch(/^HTTP\/1\.1 405 /);
    expect((await curl(["--request", "POST", `${url}/_shutdown`])).stdout).toBe("stopping\n");
    await proxy.record("drain");
    expect((await curl([`${url}/_status`])).status).toBe(7);
    web.release();
    expect(await held.outcome).toMatchObject({ status: 0 });
    expect(await held.whole()).toBe(true);
    expect(await proxy.program.ended).toBe(0);
  });

  test("where the status cannot be served, the proxy does not start, and holds no port", async () => {
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    scene.defer(() => taken.stop(true));
    const port = freePort();
    const acl = scene.write("any.acl", allowLocal(1));
    const args = ["socks", "--listen", `127.0.0.1:${port}`, "--acl", acl, "--status", `127.0.0.1:${taken.port}`];
    const { status, stderr } = await portail.run(args);
    expect(status).toBe(71);
    expect(stderr).toContain(`cannot listen on 127.0.0.1:${taken.port}: the address is in use [listen.eaddrinuse]`);
    expect(stderr).not.toContain("listening on");
    const https = await portail.run(["socks", "--acl", acl, "--status", "https://127.0.0.1:0"]);
    expect(https).toMatchObject({ status: 78, stderr: expect.stringContaining("[status.no_certificate]") });
  });

  test("a UNIX socket serves it, and one of the service manager beside another for clients", async () => {
    const path = scene.path("status");
    const acl = scene.write("local.acl", allowLocal(1));
    const proxy: AccessProxy = await portail.socks({ policy: allowLocal(1), args: ["--status", `unix:${path}`] });
    const there = ["--unix-socket", path, "http://status/_status"];
    expect(JSON.parse((await curl(there)).stdout)).toMatchObject({ ok: true });
    expect(await proxy.stop()).toBe(0);
    const [port, statusPort] = [freePort(), freePort()];
    const listen = ["--listen", `127.0.0.1:${port}`, "--listen", `127.0.0.1:${statusPort}`, "--fdname=proxy:status"];
    const socks = [
      ...portail.command,
      "socks",
      "--listen",
      "systemd:proxy",
      "--status",
      "systemd:status",
      "--acl",
      acl,
    ];
    const manager = start(scene, ["systemd-socket-activate", ...listen, `--setenv=HOME=/nonexistent`, ...socks]);
    await manager.output("stderr", /Listening on[^]*Listening on/);
    const page = await state(`http://127.0.0.1:${statusPort}`);
    expect(page).toMatchObject({ ok: true, listen_address: `127.0.0.1:${port}` });
    manager.signal("SIGTERM");
    expect(await manager.ended).toBe(0);
  });
});
