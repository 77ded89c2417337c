/** `--workers`: connections reach several processes, the status speaks for all, a reload reaches all, and none is left behind. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { countingTarget } from "../../support/counting-target.ts";
import { curl } from "../../support/curl.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";

scenario(import.meta.file, ["openssl", "curl"], ({ scene, portail }) => {
  const ca = authority();
  const cacert = scene.write("ca.pem", ca.cert);
  const me = ca.issue({ cn: "alice" });

  /** Over TLS there and back; who answered, by the serial of its certificate. */
  const ask = (port: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host: "127.0.0.1",
        port,
        ca: ca.cert,
        cert: me.cert,
        key: me.key,
        servername: "localhost",
      });
      socket.on("data", () => socket.end()).on("error", reject);
      socket.on("close", () => resolve(serial));
      let serial = "";
      socket.on("secureConnect", () => {
        serial = socket.getPeerCertificate().serialNumber;
        socket.write("hello");
      });
    });

  /** Processes that `pid` has started and that still run. */
  const children = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);

  test("three processes", async () => {
    const target = await countingTarget(scene);
    const { keystore } = save(scene, "server", ca.issue({ cn: "server" }));
    const status = freePort();
    const server = await portail.tunnel({
      side: "server",
      target: target.text,
      listen: [`127.0.0.1:${freePort()}`],
      args: [
        "--keystore",
        keystore,
        "--cacert",
        cacert,
        "--allow-all",
        "--workers",
        "3",
        "--status",
        `http://127.0.0.1:${status}`,
      ],
    });
    const pid = server.program.pid!;
    await until("two more processes", () => children(pid).length === 2);
    const metric = async (name: string) =>
      Number(
        new RegExp(`^portail_${name}\\{.*\\} (\\d+)$`, "m").exec(
          (await curl([`http://127.0.0.1:${status}/metrics`])).stdout,
        )?.[1],
      );
    await until("the status", async () => (await metric("connections_total")) === 0);

    for (let i = 0; i < 30; i++) await ask(server.port);
    const served = new Set(server.sessions().map(({ session }) => session.split("-")[0]));
    await until("all records", () => server.sessions().length === 30);
    expect(served.size).toBeGreaterThan(1);
    await until("the metrics of all", async () => (await metric("connections_total")) === 30);
    expect(await metric("handshake_seconds_count")).toBe(30);
    await until("nothing open", async () => (await metric("connections_open")) === 0);

    const fresh = ca.issue({ cn: "server", nth: 2 });
    save(scene, "server", fresh);
    await server.reload();
    const serial = BigInt(`0x${await serials(fresh.cert)}`);
    await until("the new certificate everywhere", async () => {
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask(server.port)));
      return answers.every((answer) => BigInt(`0x${answer}`) === serial);
    });

    const [victim] = children(pid);
    process.kill(victim!, "SIGKILL");
    await until("another in its place", () => children(pid).length === 2 && !children(pid).includes(victim!));
    await until("a connection after it", async () => (await ask(server.port).catch(() => "")) !== "");
    const last = children(pid);
    expect(await server.stop()).toBe(0);
    for (const child of last) expect(() => process.kill(child, 0)).toThrow();
  });

  test("what cannot be shared is refused", async () => {
    const { keystore } = save(scene, "server", ca.issue({ cn: "server" }));
    const common = [
      "tunnel",
      "server",
      "--target",
      "localhost:1",
      "--keystore",
      keystore,
      "--cacert",
      cacert,
      "--allow-all",
    ];
    for (const listen of ["127.0.0.1:0", "unix:socket", "systemd:x"]) {
      const { status, stderr } = await portail.run([...common, "--workers", "2", "--listen", listen]);
      expect([status, stderr]).toEqual([64, expect.stringContaining("[usage.conflict]")]);
    }
  });
});

async function serials(cert: string): Promise<string> {
  const { X509Certificate } = await import("node:crypto");
  return new X509Certificate(cert).serialNumber;
}
