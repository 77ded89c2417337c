/** The page of `tunnel server` and `tunnel client`: who is in the tunnel, and the traffic, while curl's transfer goes on; over HTTPS for whom the ACL names. */
import { beforeAll, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { holdTransfer, type Held } from "../../support/held.ts";
import { authority, save } from "../../support/pki.ts";
import { parseExposition, PROMETHEUS } from "../../support/prometheus.ts";
import { scenario } from "../../support/scenario.ts";
import type { RunningTunnel } from "../../support/tunnel-scene.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "openssl", PROMETHEUS], ({ scene, portail }) => {
  const ca = authority();
  const admins = authority("Admins");
  const cacert = scene.write("ca.pem", ca.cert);
  let web: Web;
  let server: RunningTunnel;
  let client: RunningTunnel;
  let held: Held;

  beforeAll(async () => {
    web = openWeb(scene);
    const own = save(scene, "server", ca.issue({ cn: "server" }));
    const me = save(scene, "client", ca.issue({ cn: "alice", san: [] }));
    const acl = scene.write("who.acl", 'policy alice { when client.cn == "alice" action allow }\n');
    const look = scene.write(
      "look.acl",
      'policy ada { when command == "tunnel" and client.cn == "ada" action allow }\n',
    );
    const status = [
      "--status",
      "127.0.0.1:0",
      "--status-acl",
      look,
      "--status-cacert",
      scene.write("a.pem", admins.cert),
    ];
    server = await portail.tunnel({
      side: "server",
      target: `127.0.0.1:${web.port}`,
      args: ["--keystore", own.keystore, "--cacert", cacert, "--acl", acl, ...status],
    });
    client = await portail.tunnel({
      side: "client",
      target: `localhost:${server.port}`,
      args: ["--keystore", me.keystore, "--cacert", cacert, "--status", `unix:${scene.path("status")}`],
    });
    held = await holdTransfer(scene, web, ["--connect-to", `127.0.0.1:${web.port}:127.0.0.1:${client.port}`]);
  });

  const ofServer = async (path: string, cn?: string) => {
    const who = cn === undefined ? undefined : save(scene, cn, admins.issue({ cn, san: [] }));
    const shown = who === undefined ? [] : ["--cert", who.cert, "--key", who.key];
    return (await curl(["--cacert", cacert, ...shown, `https://${await server.status()}${path}`])).stdout;
  };
  const ofClient = async (path: string) =>
    (await curl(["--unix-socket", scene.path("status"), `http://localhost${path}`])).stdout;

  test("at a UNIX socket: where it leads, and whose certificate the server has", async () => {
    const page = await ofClient("/");
    expect(page).toContain("<bdi>CN=server</bdi>");
    expect(page).toContain(`<bdi>localhost:${server.port}</bdi>`);
    expect(page).toContain("CN=alice");
  });

  test("over HTTPS: to whom the ACL names, and to nobody else", async () => {
    const page = await ofServer("/", "ada");
    expect(page).toContain("<bdi>CN=alice</bdi>");
    expect(page).toContain(`<bdi>127.0.0.1:${web.port}</bdi>`);
    expect(page).toContain("server, by alice");
    for (const cn of ["bob", undefined]) {
      const other = await ofServer("/", cn);
      expect(other).toContain("1 open");
      expect(other).not.toContain("CN=alice");
    }
  });

  test("bytes count while the transfer lasts, and no more often afterwards", async () => {
    const received = async (text: string) => {
      const samples = (await parseExposition(text)).get("portail_relayed_bytes")!.samples;
      return Number(samples.find(({ labels }) => labels["from"] === "target")!.value);
    };
    for (const metrics of [() => ofServer("/metrics"), () => ofClient("/metrics")]) {
      await until("half of it", async () => (await received(await metrics())) > 2 * 1024 * 1024);
      expect(await received(await metrics())).toBeLessThan(3 * 1024 * 1024);
    }
    web.release();
    expect(await held.whole().then(() => held.outcome)).toMatchObject({ status: 0 });
    const { received: recorded } = await server.session(({ sent }) => sent > 0);
    for (const metrics of [() => ofServer("/metrics"), () => ofClient("/metrics")])
      await until("all of it", async () => (await received(await metrics())) === recorded);
    expect(await ofServer("/metrics")).toMatch(/portail_policy_decisions_total\{policy="alice"\} [1-9]/);
    await until("nobody there", async () => (await ofServer("/", "ada")).includes("0 open"));
  });
});
