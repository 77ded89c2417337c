/** `portail rpc` at a daemon with real proxies behind it: the default backend is changed, unset, and a dynamic one led elsewhere. */
import { beforeAll, describe, expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { microsocks } from "../../support/peer-programs.ts";
import { startListening } from "../../support/listening.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { openWeb, type Web } from "../../support/web.ts";

scenario(import.meta.file, ["curl", "microsocks"], ({ scene, portail }) => {
  let web: Web;
  let daemon: Program;
  let port = 0;
  let control: string;
  const behind: Record<string, number> = {};

  beforeAll(async () => {
    web = openWeb(scene);
    for (const name of ["alpha", "beta"]) {
      behind[name] = freePort();
      await startListening(scene, behind[name], microsocks(behind[name]).argv);
    }
    const policy = scene.write(
      "filter.acl",
      `route marked { when host == "127.0.0.1" and port == 1 use ["moving", "alpha",] }
policy web { when host in ["127.0.0.1",] and (port == ${web.port} or port == 1) action allow }\n`,
    );
    const file = scene.write(
      "portail.toml",
      `filter-acl-rules-path = "${policy}"
connect-timeout = 5
default-backend = "alpha"
[backends.alpha]
target-address = "127.0.0.1:${behind["alpha"]}"
[backends.beta]
target-address = "127.0.0.1:${behind["beta"]}"
[backends.moving]
dynamic = true
[backends.both]
dynamic = true
target-address = "127.0.0.1:${behind["alpha"]}"
[rpc]
admin-groups = ["root"]
trusted-groups = ["root"]
`,
    );
    control = scene.path("control");
    const flags = ["--bind-proxy-address", "127.0.0.1:0", "--bind-rpc-socket", control];
    daemon = portail.start(["daemon", "-c", file, ...flags, "--log-preset", "container"]);
    const [, listening] = await daemon.output("stderr", /listening on 127\.0\.0\.1:(\d+)/);
    port = Number(listening);
  });

  const rpc = (...args: string[]) => portail.run(["rpc", "--rpc-socket", control, "--json", ...args]);
  let seen = 0;
  /** The backend of the request, as its end is recorded. */
  const through = async (target = web.port): Promise<unknown> => {
    const { status } = await curl(["--proxy", `socks5h://127.0.0.1:${port}`, `http://127.0.0.1:${target}/hello`]);
    const closes = () => [...daemon.stdout.matchAll(/^.*"event":"close".*$/gm)].slice(seen);
    const [line] = await until("the end of the request", () => (closes().length > 0 ? closes()[0] : undefined));
    seen++;
    const record = JSON.parse(line) as { backend?: string; tried?: { backend: string }[] };
    return { status, backend: record.backend, tried: record.tried?.map(({ backend }) => backend) };
  };
  const served = (backend: string | undefined) => ({ status: 0, backend, tried: undefined });

  test("the configured default is used, and told", async () => {
    expect(await rpc("print-current-backend")).toMatchObject({ stdout: '{"backend_id":"alpha"}\n' });
    expect(await through()).toEqual(served("alpha"));
  });

  test("another is used from the next request on", async () => {
    expect(await rpc("set-default-backend", "beta")).toMatchObject({ status: 0, stdout: '{"success":true}\n' });
    expect(await through()).toEqual(served("beta"));
  });

  test("unset, requests go out directly, as far as the policy lets them", async () => {
    expect((await rpc("unset-default-backend")).status).toBe(0);
    expect(await through()).toEqual(served(undefined));
  });

  describe("a dynamic backend", () => {
    test("weakness 6.1.10: one that leads nowhere yet is passed over, not the end of the request", async () => {
      expect(await through(1)).toMatchObject({ tried: expect.arrayContaining(["moving"]) });
    });

    test("weakness 6.1.10: one with an address stays dynamic, and static ones do not move", async () => {
      const list = JSON.parse((await rpc("list-backends")).stdout) as object[];
      expect(list).toEqual([
        { id: "alpha", current: false, dynamic: false, spec: spec("alpha") },
        { id: "beta", current: false, dynamic: false, spec: spec("beta") },
        { id: "moving", current: false, dynamic: true },
        { id: "both", current: false, dynamic: true, spec: spec("alpha") },
      ]);
      const to = ["--target-address", `127.0.0.1:${behind["beta"]}`];
      expect((await rpc("update-dynamic-backend", "both", ...to)).status).toBe(0);
      const { status, stderr } = await rpc("update-dynamic-backend", "alpha", ...to);
      expect([status, stderr]).toEqual([1, expect.stringContaining("[control.immutable]")]);
    });

    test("is used where it is led", async () => {
      const to = ["--target-address", `127.0.0.1:${behind["beta"]}`];
      expect((await rpc("update-dynamic-backend", "moving", ...to)).status).toBe(0);
      expect((await rpc("set-default-backend", "moving")).status).toBe(0);
      expect(await through()).toEqual(served("moving"));
    });

    test("is named in the list of what is open", async () => {
      const halves = `http://127.0.0.1:${web.port}/halves/4`;
      const asking = curl(["--proxy", `socks5h://127.0.0.1:${port}`, halves]);
      const list = () => portail.run(["socks", "ctl", "list", "--json", "--control", `unix:${control}`]);
      const open = await until("the tunnel", async () => {
        const { stdout } = await list();
        const lines = stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as object]));
        return lines.find((one) => "dest" in one);
      });
      const through = { backend: "moving", dest: `127.0.0.1:${behind["beta"]}`, target: `127.0.0.1:${web.port}` };
      expect(open).toMatchObject(through);
      web.release();
      expect((await asking).status).toBe(0);
    });

    test("an explanation knows the default", async () => {
      const args = ["explain", `127.0.0.1:${web.port}`, "--control", `unix:${control}`, "--json"];
      const { stdout } = await portail.run(["socks", "ctl", ...args]);
      expect(JSON.parse(stdout)).toMatchObject({ decision: "allow", policy: "web", backends: ["moving"] });
    });
  });

  const spec = (name: string) => ({ target_address: `127.0.0.1:${behind[name]}`, identity_aware: false });
});
