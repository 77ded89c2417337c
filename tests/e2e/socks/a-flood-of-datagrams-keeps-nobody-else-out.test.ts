/** One client sends datagrams faster than they can be relayed; curl gets its pages all the same, over connections and while it lasts. */
import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { curl } from "../../support/curl.ts";
import { start } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { udpEcho } from "../../support/udp-echo.ts";
import { openWeb } from "../../support/web.ts";

/** Milliseconds: longer than the pages take, and than curl waits. */
const FLOOD = 20_000;

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  test("pages come while the flood lasts", async () => {
    const web = openWeb(scene);
    const sink = await udpEcho(scene);
    const policy = `
policy web { when dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }
policy udp { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8] and port == ${sink.port} action allow }`;
    const proxy = await portail.socks({ policy, args: ["--udp"] });
    const script = resolve(import.meta.dir, "../../support/datagram-flood.ts");
    const flood = start(scene, [process.execPath, script, String(proxy.port), String(sink.port), String(FLOOD)]);
    await flood.output("stdout", /flooding/);
    for (let i = 0; i < 10; i++) {
      const page = await curl([
        "--max-time",
        "10",
        "--proxy",
        proxy.url("socks5h"),
        `http://127.0.0.1:${web.port}/hello`,
      ]);
      expect(page).toMatchObject({ status: 0, stdout: "hello from the web\n" });
    }
    expect(flood.running).toBe(true);
    await flood.kill();
    expect((await proxy.record("close", ({ datagrams }) => datagrams !== undefined)).datagrams!.sent).toBeGreaterThan(
      1000,
    );
  });
});
