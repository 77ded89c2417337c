/** The end of `portail socks`: a drain that all survive, one that is cut short by time, and one by a second signal. */
import { expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { holdTransfer } from "../../support/held.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openWeb } from "../../support/web.ts";

const WAYS = [["socks4a"], ["socks5h"], ["http"], ["http", "--proxytunnel"]];

scenario(import.meta.file, ["curl", "ncat"], ({ scene, portail }) => {
  /** A proxy with a transfer under way in each protocol. */
  const busy = async (args: string[] = [], clients: string[] = []) => {
    const web = openWeb(scene);
    const proxy: AccessProxy = await portail.socks({ policy: allowLocal(web.port), args });
    const held = [];
    for (const [way, ...more] of WAYS) {
      held.push(await holdTransfer(scene, web, ["--proxy", proxy.url(way!), ...more, ...clients]));
    }
    const get = () => curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
    return { web, proxy, held, get };
  };

  test("SIGTERM: nobody new comes in, all that is open ends by itself, status 0", async () => {
    const { web, proxy, held, get } = await busy();
    const silent = start(scene, ["ncat", "127.0.0.1", String(proxy.port)], { feed: true });
    expect((await get()).status).toBe(0);
    await proxy.record("close");
    proxy.program.signal("SIGTERM");
    expect(await proxy.record("drain")).toMatchObject({ event: "drain", open: held.length });
    expect((await get()).status).toBe(7);
    // A client that has asked for nothing is not waited for.
    await silent.ended;
    expect(proxy.program.running).toBe(true);
    web.release();
    for (const { outcome, whole } of held) {
      expect(await outcome).toEqual({ status: 0, stdout: "", stderr: "" });
      expect(await whole()).toBe(true);
    }
    expect(await proxy.program.ended).toBe(0);
    expect(proxy.audit().at(-1)).toMatchObject({ event: "stop", open: 0 });
    expect(proxy.audit().filter(({ event }) => event === "close")).toHaveLength(held.length + 1);
  });

  test("a client that reads slowly gets all that was on its way to it", async () => {
    const { web, proxy, held } = await busy([], ["--limit-rate", "4M"]);
    proxy.program.signal("SIGTERM");
    await proxy.record("drain");
    web.release();
    const statuses = await Promise.all(held.map(async ({ outcome }) => (await outcome).status));
    expect(statuses).toEqual(WAYS.map(() => 0));
    for (const { whole } of held) expect(await whole()).toBe(true);
    expect(await proxy.program.ended).toBe(0);
  });

  test("--shutdown-timeout: what is still open then is cut and recorded, status 1", async () => {
    const { proxy, held } = await busy(["--shutdown-timeout", "200ms"]);
    expect(await proxy.stop()).toBe(1);
    for (const { outcome, whole } of held) {
      expect((await outcome).status).not.toBe(0);
      expect(await whole()).toBe(false);
    }
    expect(proxy.program.stderr).toMatch(/warn the shutdown timeout is over cut=4/);
    const ends = proxy.audit().filter((line) => line.event === "close");
    expect(ends).toHaveLength(held.length);
    for (const end of ends) expect(end).toMatchObject({ reason: "cut", received: expect.any(Number) });
    expect(proxy.audit().at(-1)).toMatchObject({ event: "stop", open: 0 });
  });

  test("a second SIGTERM cuts at once, status 1", async () => {
    const { proxy, held } = await busy();
    proxy.program.signal("SIGTERM");
    await proxy.record("drain");
    expect(await proxy.stop()).toBe(1);
    for (const { outcome } of held) expect((await outcome).status).not.toBe(0);
    expect(proxy.program.stderr).toMatch(/warn told to stop again cut=4/);
  });

  test("SIGINT drains as well, and nothing open is status 0", async () => {
    const proxy = await portail.socks({ policy: allowLocal(1) });
    proxy.program.signal("SIGINT");
    expect(await proxy.program.ended).toBe(0);
    expect(proxy.program.stderr).toContain("SIGINT: draining");
  });
});
