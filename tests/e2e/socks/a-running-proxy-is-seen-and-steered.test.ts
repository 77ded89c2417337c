/** `portail socks ctl`: what is open is shown, cut and explained, files are read anew while tunnels go on, and the end begins. */
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { beforeAll, describe, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["curl", "socat"], ({ scene, portail }) => {
  let proxy: AccessProxy;
  let control: string;
  /** Says hello, and nothing else. */
  let port = 0;
  /** Says nothing. */
  let silent = 0;
  const accepted: Socket[] = [];
  const policy = () => `policy nowhere { when host == "nowhere.test" action deny }\n${allowLocal(port, silent)}`;
  const env = () => ({ PORTAIL_CONTROL: control });
  const ctl = (...args: string[]) => portail.run(["socks", "ctl", ...args], { env: env() });
  const list = async () => {
    const { status, stdout, stderr } = await ctl("list", "--json");
    if (status !== 0) throw new Error(stderr);
    return stdout.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
  };

  const listen = async (greet: (socket: Socket) => unknown): Promise<number> => {
    const target = createServer((socket) => {
      accepted.push(socket.on("error", () => {}));
      greet(socket);
    });
    await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
    scene.defer(() => {
      for (const socket of accepted) socket.destroy();
      target.close();
    });
    return (target.address() as { port: number }).port;
  };

  beforeAll(async () => {
    port = await listen((socket) => socket.write("hello"));
    silent = await listen(() => {});
    control = `unix:${scene.path("control")}`;
    proxy = await portail.socks({ policy: policy(), args: ["--control", control] });
  });

  /** A tunnel that stays open. */
  const tunnel = async (): Promise<Program> => {
    const client = start(scene, ["socat", "-", `PROXY:127.0.0.1:127.0.0.1:${port},proxyport=${proxy.port}`], {
      feed: true,
    });
    await client.output("stdout", /hello/);
    return client;
  };

  describe("what is open (weakness 6.2.13: tunnels could neither be seen nor ended)", () => {
    test("is nothing at first", async () => {
      expect(await list()).toEqual([]);
      expect((await ctl("list")).stdout).toBe("SESSION  CLIENT  STATE  TARGET  VIA  POLICY  OUT  IN  AGE\n");
    });

    test("is shown with who, where, by which policy and how much, and cut by its session alone", async () => {
      const [one, other] = [await tunnel(), await tunnel()];
      const open = await list();
      expect(open).toHaveLength(2);
      const target = `127.0.0.1:${port}`;
      for (const shown of open) {
        expect(shown).toMatchObject({ state: "open", protocol: "http", target, dest: target, policy: "local" });
        expect(shown).toMatchObject({ client: expect.stringMatching(/^127\.0\.0\.1:\d+$/), sent: 0, received: 5 });
        expect(shown["age"]).toBeGreaterThanOrEqual(0);
      }
      const { session } = await proxy.decision(target);
      expect(open.map((shown) => shown["session"])).toContain(session);
      const table = (await ctl("list")).stdout;
      expect(table).toContain(`${session}  `);
      expect(table).toContain("direct");

      expect(await ctl("close", String(open[0]!["session"]))).toEqual({ status: 0, stdout: "", stderr: "" });
      expect(await one.ended).not.toBeNull();
      const closed = await proxy.record("close", (line) => line.session === open[0]!["session"]);
      expect(closed).toMatchObject({ reason: "cut", received: 5 });
      expect(await until("one tunnel", async () => (await list()).length === 1)).toBe(true);
      expect(other.running).toBe(true);
      const orders = await proxy.record("control", (line) => line.method === "dev.portail.Control.CloseConnection");
      expect(orders).toMatchObject({ uid: process.getuid!(), outcome: "done", subject: open[0]!["session"] });
      other.signal("SIGTERM");
      await other.ended;
    });

    test("a session that is not there is said so", async () => {
      const { status, stderr } = await ctl("close", "no-such-session");
      expect(status).toBe(1);
      expect(stderr).toContain('nothing is open under the session "no-such-session" [control.not_found]');
    });

    test("a forwarded request is there too", async () => {
      const asking = curl(["--proxy", proxy.url("http"), `http://127.0.0.1:${silent}/`]);
      const shown = await until("the request", async () => (await list()).find(({ state }) => state === "open"));
      expect(shown).toMatchObject({ target: `127.0.0.1:${silent}`, policy: "local", protocol: "http" });
      expect((await ctl("close", String(shown["session"]))).status).toBe(0);
      expect((await asking).status).not.toBe(0);
    });
  });

  describe("a decision is explained", () => {
    test("as the proxy would make it now", async () => {
      const { status, stdout } = await ctl("explain", `127.0.0.1:${port}`, "--user", "alice");
      expect(status).toBe(0);
      expect(stdout).toStartWith("allow by local\n");
      expect(stdout).toContain('client.user = "alice"');
      expect(stdout).toMatch(/✓ dest\.ip in \[127\.0\.0\.0\/8, ::1\]/);
    });

    test("to programs, with the status as asked for", async () => {
      const { status, stdout } = await ctl("explain", "nowhere.test:443", "--json", "--exit-status");
      expect(status).toBe(1);
      const told = JSON.parse(stdout) as object;
      expect(told).toMatchObject({ decision: "deny", policy: "nowhere", reason: "policy", backends: [] });
      expect(told).toMatchObject({ account: { steps: [{ decision: { outcome: "deny" } }] } });
    });

    test("with the addresses that the proxy's own resolver knows", async () => {
      const { stdout } = await ctl("explain", `localhost:${port}`);
      expect(stdout).toMatch(/^allow by local\n/);
    });

    test("facts that make no request are refused", async () => {
      const { status, stderr } = await ctl("explain", "a.test:1", "clientip=192.0.2.1");
      expect(status).toBe(65);
      expect(stderr).toContain("did you mean client.ip?");
    });
  });

  describe("files are read anew (weakness 6.2.20: that took a restart, which cut all tunnels)", () => {
    test("while a tunnel goes on", async () => {
      const client = await tunnel();
      writeFileSync(proxy.policyFile, "policy nobody { action deny }\n");
      expect(await ctl("reload", "--json")).toMatchObject({ status: 0, stdout: '{"outcome":"done"}\n' });
      const { status } = await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/`]);
      expect(status).not.toBe(0);
      await client.write("still here");
      const arrived = until("the bytes", () =>
        accepted.some((socket) => String(socket.read() ?? "").includes("still here")),
      );
      expect(await arrived).toBe(true);
      client.signal("SIGTERM");
      await client.ended;
    });

    test("a broken policy is shown to who asked, and changes nothing", async () => {
      writeFileSync(proxy.policyFile, "policy open {");
      const { status, stderr } = await ctl("reload");
      expect(status).toBe(1);
      expect(stderr).toContain('the block "open" has no closing "}"');
      expect(stderr).toContain("[control.kept]");
      writeFileSync(proxy.policyFile, policy());
      expect((await ctl("reload")).status).toBe(0);
    });
  });

  describe("what cannot be done is told", () => {
    test("where nothing answers", async () => {
      const nobody = await ctl("list", "--control", "unix:/nonexistent/control");
      expect(nobody).toMatchObject({ status: 69, stderr: expect.stringContaining("[control.unreachable]") });
      expect((await ctl("list", "--control", "127.0.0.1:1")).status).toBe(64);
    });

    test("a backend that is not there", async () => {
      expect((await ctl("backends", "--json")).stdout).toBe("[]\n");
      const { status, stderr } = await ctl("set-default", "paris");
      expect(status).toBe(1);
      expect(stderr).toContain('there is no backend "paris" [control.not_found]');
      expect((await ctl("unset-default", "--json")).stdout).toBe('{"default":null}\n');
      expect((await ctl("update-backend", "paris", "192.0.2.1:1080")).status).toBe(1);
    });
  });

  test("the end begins, is seen, and waits for what is open", async () => {
    const client = await tunnel();
    expect((await ctl("drain")).stdout).toBe("1 open\n");
    await proxy.record("drain");
    const { status } = await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${port}/`]);
    expect(status).not.toBe(0);
    expect(await list()).toHaveLength(1);
    expect(proxy.program.running).toBe(true);
    client.signal("SIGTERM");
    expect(await proxy.program.ended).toBe(0);
  });
});
