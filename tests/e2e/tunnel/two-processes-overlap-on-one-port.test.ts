/** SO_REUSEPORT: a second process takes over the ports of the first, its status included; and a bound socket of somebody else is no obstacle. */
import { connect } from "node:net";
import { beforeAll, expect, test } from "bun:test";
import { countingTarget, type CountingTarget } from "../../support/counting-target.ts";
import { curl } from "../../support/curl.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["openssl", "curl"], ({ scene, portail }) => {
  let target: CountingTarget;
  let args: string[] = [];
  let cacert = "";

  beforeAll(async () => {
    const ca = authority();
    cacert = scene.write("ca.pem", ca.cert);
    const { keystore } = save(scene, "own", ca.issue());
    target = await countingTarget(scene, { ...ca.issue(), ca: ca.cert });
    args = ["--keystore", keystore, "--cacert", cacert];
  });

  const client = (listen: string, status: string) =>
    portail.tunnel({ side: "client", target: target.text, listen: [listen], args: [...args, "--status", status] });

  async function statusPort(tunnel: RunningTunnel): Promise<number> {
    const [, port] = await tunnel.program.output("stderr", /"message":"status on [^"]*:(\d+)"/);
    return Number(port);
  }

  function echo(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(port, "127.0.0.1", () => socket.end("hello"));
      socket
        .on("data", (chunk) => (text += chunk))
        .on("end", () => resolve(text))
        .on("error", reject);
    });
  }

  test("the new one listens beside the old one, and has all when the old one is gone", async () => {
    const old = await client("127.0.0.1:0", "127.0.0.1:0");
    const port = await statusPort(old);
    const next = await client(`127.0.0.1:${old.port}`, `127.0.0.1:${port}`);
    expect([next.port, await statusPort(next)]).toEqual([old.port, port]);
    expect(await old.stop()).toBe(0);

    expect(await Promise.all(Array.from({ length: 8 }, () => echo(next.port)))).toEqual(Array(8).fill("hello"));
    await until("all sessions", () => next.sessions().length === 8);
    const status = await curl(["--cacert", cacert, `https://localhost:${port}/_status`]);
    expect(JSON.parse(status.stdout)).toMatchObject({ ok: true, message: "listening" });
    expect(await next.stop()).toBe(0);
  });

  test("a port that somebody shares is taken", async () => {
    const shared: object = { reusePort: true };
    const holder = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} }, ...shared });
    scene.defer(() => holder.stop(true));
    const tunnel = await client(`127.0.0.1:${holder.port}`, "127.0.0.1:0");
    expect(tunnel.port).toBe(holder.port);
    expect(await tunnel.stop()).toBe(0);
  });
});
