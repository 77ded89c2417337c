/** The page of `mux serve` and `mux forward` at a UNIX socket: routes, who takes them, and the certificates of all, while curl's transfer goes on. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { holdTransfer } from "../../support/held.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { openWeb } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "openssl"], ({ scene, portail }) => {
  test("who, where, by which route and policy, and how much", async () => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(scene, "own", ca.issue({ cn: "the multiplexer", san: ["DNS:web.example"] }));
    const me = save(scene, "me", ca.issue({ cn: "alice", san: [] }));
    const web = openWeb(scene);
    const acl = scene.write("web.acl", 'policy people { when client.cn == "alice" action allow }\n');
    const route = {
      name: "web",
      "server-name": "web.example",
      terminate: true,
      trust: "people",
      "client-certificate": "required",
    };
    const mux = await RunningMux.open(
      scene,
      portail,
      { trusts: { people: { cacert } }, routes: [{ ...route, acl, target: `127.0.0.1:${web.port}` }] },
      ["--cert", own.cert, "--key", own.key, "--status", `unix:${scene.path("mux")}`],
    );
    const words = ["mux", "forward", `127.0.0.1:${mux.port}`, "--server-name", "web.example"];
    const known = ["--keystore", me.keystore, "--cacert", cacert, "--status", `unix:${scene.path("forward")}`];
    const forward = portail.start([...words, ...known, "--listen", "127.0.0.1:0"]);
    const [, port] = await forward.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    const held = await holdTransfer(scene, web, ["--connect-to", `127.0.0.1:${web.port}:127.0.0.1:${port}`]);
    const page = async (of: string) => (await curl(["--unix-socket", scene.path(of), "http://localhost/"])).stdout;
    const one = await page("mux");
    for (const part of ["CN=alice", `127.0.0.1:${web.port}`, "web, by people", "CN=the multiplexer", "Routes"])
      expect(one).toContain(`${part}<`);
    await until("half of it", async () => /data-label="To client">2\.0 MiB</.test(await page("mux")));
    const other = await page("forward");
    for (const part of [`127.0.0.1:${mux.port}`, "CN=alice", "open"]) expect(other).toContain(`>${part}<`);
    await until("half of it there", async () => /data-label="To client">2\.0 MiB</.test(await page("forward")));
    web.release();
    expect(await held.outcome).toMatchObject({ status: 0 });
    await until("the end", async () => (await page("mux")).includes("0 open"));
  });

  test("what passes as it is, is there with its bytes, too", async () => {
    const ca = authority();
    const cacert = scene.write("pass-ca.pem", ca.cert);
    const own = save(scene, "behind", ca.issue({ cn: "behind", san: ["DNS:web.example"] }));
    const web = openWeb(scene);
    const ends = { name: "ends", "server-name": "web.example", terminate: true, target: `127.0.0.1:${web.port}` };
    const behind = await RunningMux.open(scene, portail, { routes: [ends] }, ["--cert", own.cert, "--key", own.key]);
    const passes = { name: "passes", "server-name": "web.example", target: `127.0.0.1:${behind.port}` };
    const status = ["--status", `unix:${scene.path("passing")}`];
    const mux = await RunningMux.open(scene, portail, { routes: [passes] }, status);
    const words = ["mux", "forward", `127.0.0.1:${mux.port}`, "--server-name", "web.example", "--cacert", cacert];
    const forward = portail.start([...words, "--listen", "127.0.0.1:0"]);
    const [, port] = await forward.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    const held = await holdTransfer(scene, web, ["--connect-to", `127.0.0.1:${web.port}:127.0.0.1:${port}`]);
    const page = async () => (await curl(["--unix-socket", scene.path("passing"), "http://localhost/"])).stdout;
    await until("half of it", async () => /data-label="To client">2\.0 MiB</.test(await page()));
    const one = await page();
    for (const part of [`127.0.0.1:${behind.port}`, "passes", "open"]) expect(one).toContain(`>${part}<`);
    expect(one).toContain("1 open");
    web.release();
    expect(await held.outcome).toMatchObject({ status: 0 });
    await until("the end", async () => (await page()).includes("0 open"));
  });
});
