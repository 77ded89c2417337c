/** Health checks of backends: microsocks, dante, squid, another portail over TLS and sshd die and come back, and requests are spared it. */
import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { freePort } from "../../support/free-port.ts";
import { holdTransfer } from "../../support/held.ts";
import { startListening } from "../../support/listening.ts";
import { OUTBOUND_PROXIES, type OutboundProxy } from "../../support/outbound-proxies.ts";
import { install } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import { PATH, run, start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { openSshd } from "../../support/sshd.ts";
import { policyFor } from "../../support/backends.ts";
import { until } from "../../support/until.ts";
import { openWeb, type Web } from "../../support/web.ts";

const NEEDS = ["curl", "danted", "microsocks", "squid", "promtool", "ssh", "ssh-keygen", "sshd"];
const OFTEN = 'health-interval = "1s"\nhealth-fall = 2\nhealth-rise = 2\n';
const { dante, microsocks, squid } = OUTBOUND_PROXIES;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => void (web = openWeb(scene)));

  const begin = async (peer: OutboundProxy, port: number): Promise<Program> => {
    return startListening(scene, port, install(scene, peer.program(port, scene.folder)));
  };
  const end = async (program: Program) => {
    program.signal("SIGTERM");
    await program.ended;
  };
  const backend = (name: string, target: string, health: string, more = "") =>
    `[backend.${name}]\ntarget = "${target}"\nhealth = "${health}"\n${OFTEN}${more}`;
  let configs = 0;
  const proxyWith = async (tables: string, policy: string, ...args: string[]) => {
    const config = scene.write(`health-${++configs}.toml`, tables);
    const runtime = scene.mkdir(`run-${configs}`);
    const proxy = await portail.socks({
      policy,
      args: ["--config", config, "--status", "127.0.0.1:0", ...args],
      env: { XDG_RUNTIME_DIR: runtime },
    });
    return { proxy, runtime, page: () => proxy.metrics() };
  };
  type Checked = Awaited<ReturnType<typeof proxyWith>>;
  const get = (proxy: AccessProxy, way = "socks5h") =>
    curl(["--fail", "--proxy", proxy.url(way), `http://127.0.0.1:${web.port}/hello`]);
  const value = (page: string, name: string, of: string) => {
    const [, number] = new RegExp(`^portail_backend_${name}\\{backend="${of}"\\} (\\S+)$`, "m").exec(page) ?? [];
    return number === undefined ? undefined : Number(number);
  };
  const checked = ({ page }: Checked, name: string, least: number) =>
    until(`check ${least} of ${name}`, async () => (value(await page(), "checks_total", name) ?? 0) >= least);
  const told = ({ proxy }: Checked, name: string, what: "down" | "up again") =>
    proxy.program.output("stderr", new RegExp(`backend ${name} is ${what}(?:: (.*))?`));
  const times = ({ proxy }: Checked, text: string) => proxy.program.stderr.split(text).length - 1;

  test.each([
    ["microsocks", microsocks],
    ["dante", dante],
    ["squid", squid],
  ])("%s is down before a request has failed, and comes back", async (_, peer: OutboundProxy) => {
    const [port, reserve] = [freePort(), freePort()];
    let first = await begin(peer, port);
    await begin(microsocks, reserve);
    const url = `${peer.scheme}://127.0.0.1:${port}`;
    const tables =
      backend("near", url, "connect") +
      backend("far", url, `127.0.0.1:${web.port}`) +
      `[backend.second]\ntarget = "socks5://127.0.0.1:${reserve}"\n`;
    const seen = web.requests.length;
    const running = await proxyWith(tables, policyFor("near", "far", "second"));
    const { proxy, page } = running;
    for (const name of ["near", "far"]) {
      await checked(running, name, 1);
      expect(value(await page(), "check_failures_total", name)).toBe(0);
    }

    await end(first);
    const [, why] = await told(running, "near", "down");
    expect(why).toMatch(/cannot connect to .*ECONNREFUSED/);
    await told(running, "far", "down");
    const during = await page();
    for (const name of ["near", "far"]) {
      expect(value(during, "up", name)).toBe(0);
      expect(value(during, "healthy", name)).toBe(0);
    }
    expect(value(during, "healthy", "second")).toBe(1);
    expect(value(during, "up", "second")).toBeUndefined();
    expect(await run(["promtool", "check", "metrics"], { stdin: during })).toMatchObject({
      status: 0,
      stdout: "",
      stderr: "",
    });
    // Checks are no requests, neither to the audit nor to who is asked.
    expect(proxy.audit().map(({ event }) => event)).toEqual(["start"]);
    expect(web.requests.length).toBe(seen);
    expect(during).toContain("portail_tunnels_total 0\n");
    expect(during).toContain("portail_dial_seconds_count 0\n");

    expect(await get(proxy)).toMatchObject({ status: 0, stdout: "hello from the web\n" });
    const error = expect.stringMatching(/^it is down by its checks: /);
    expect(await proxy.record("close")).toMatchObject({
      backend: "second",
      tried: [
        { backend: "near", error },
        { backend: "far", error },
      ],
    });
    const after = await page();
    for (const name of ["near", "far"]) {
      expect(value(after, "attempts_total", name)).toBe(0);
      expect(value(after, "failures_total", name)).toBe(0);
    }
    expect(value(after, "attempts_total", "second")).toBe(1);

    first = await begin(peer, port);
    await told(running, "near", "up again");
    await told(running, "far", "up again");
    proxy.forget();
    expect((await get(proxy, "http")).status).toBe(0);
    const close = await proxy.record("close");
    expect([close.backend, close.tried]).toEqual(["near", undefined]);
    expect(times(running, "backend ")).toBe(4);
    await proxy.stop();
    await end(first);
  });

  test("when all are down nothing goes out directly, unless that is asked for and the policy allows it", async () => {
    const tables = ["one", "two"].map((name) => backend(name, `socks5://127.0.0.1:${freePort()}`, "connect")).join("");
    const direct = `${policyFor("one", "two")}policy direct { when route.local == true and dest.ip in [127.0.0.0/8] action allow }\n`;
    const [closed, willing] = await Promise.all([
      proxyWith(tables, direct),
      proxyWith(tables, direct, "--fallback", "direct"),
    ]);
    for (const one of [closed, willing]) for (const name of ["one", "two"]) await told(one, name, "down");
    const before = web.requests.length;
    expect((await get(closed.proxy, "http")).stderr).toContain("502");
    expect(await closed.proxy.record("close")).toMatchObject({
      reason: "failed",
      tried: [{ backend: "one" }, { backend: "two" }],
    });
    expect(web.requests.length).toBe(before);
    expect((await get(willing.proxy)).status).toBe(0);
    expect(await willing.proxy.record("close")).toMatchObject({ dest: `127.0.0.1:${web.port}` });
    expect(value(await willing.page(), "attempts_total", "one")).toBe(0);
    // What was found outlives a reload.
    expect(await closed.proxy.reload(`${direct}# changed\n`)).toMatchObject({ outcome: "done" });
    expect(value(await closed.page(), "up", "one")).toBe(0);
    expect(times(closed, "is up again")).toBe(0);
  });

  test("a proxy that stands and does not lead to the target is down by that target alone", async () => {
    const port = freePort();
    const target = freePort();
    await begin(microsocks, port);
    const url = `socks5://127.0.0.1:${port}`;
    const running = await proxyWith(
      backend("leads", url, `127.0.0.1:${target}`) + backend("stands", url, "connect"),
      policyFor("leads", "stands"),
    );
    const [, why] = await told(running, "leads", "down");
    expect(why).toContain("refused");
    await checked(running, "stands", 2);
    expect((await get(running.proxy)).status).toBe(0);
    expect(await running.proxy.record("close")).toMatchObject({ backend: "stands", tried: [{ backend: "leads" }] });
    const late = createServer((socket) => void socket.on("error", () => {}).end());
    await new Promise<void>((resolve) => late.listen(target, "127.0.0.1", resolve));
    scene.defer(() => late.close());
    await told(running, "leads", "up again");
  });

  test("one that accepts and says nothing fails by the deadline, and is never asked twice at a time", async () => {
    const mute = await listen(() => {});
    const tables = backend("mute", `http://127.0.0.1:${mute.port}`, "127.0.0.1:1");
    const running = await proxyWith(tables, policyFor("mute"), "--connect-timeout", "1500ms");
    expect((await told(running, "mute", "down"))[1]).toMatch(/no answer (in time|within 1500 ms)$/);
    await checked(running, "mute", 4);
    expect(mute.most).toBe(1);
  });

  test("TLS that is not right is down, and what is right is up", async () => {
    const servers = authority("Checked proxies");
    const next = save(scene, "next", servers.issue());
    const far = await portail.socks({
      policy: "policy none { action deny }",
      args: ["--cert", next.cert, "--key", next.key],
    });
    const right = scene.write("servers.pem", servers.cert);
    const wrong = save(scene, "wrong", authority("Others").issue()).cert;
    const url = `https://localhost:${far.port}`;
    const running = await proxyWith(
      backend("right", url, "connect", 'trust = "right"\n') +
        backend("wrong", url, "connect", 'trust = "wrong"\n') +
        backend("refused", url, "127.0.0.1:1", 'trust = "right"\n') +
        `[trust.right]\ncacert = ["${right}"]\n[trust.wrong]\ncacert = ["${wrong}"]\n`,
      policyFor("wrong", "refused", "right"),
    );
    expect((await told(running, "wrong", "down"))[1]).toContain("unknown_ca");
    expect((await told(running, "refused", "down"))[1]).toContain("403");
    await checked(running, "right", 3);
    const page = await running.page();
    expect(value(page, "up", "right")).toBe(1);
    expect(value(page, "check_failures_total", "right")).toBe(0);
  });

  describe.each(["connect", "a target"])("a host behind SSH, checked by %s", (how) => {
    test("is connected before a request comes, is down with its sshd, and comes back", async () => {
      const sshd = await openSshd(scene);
      const health = how === "connect" ? how : `127.0.0.1:${web.port}`;
      const ssh = `ssh-config = ${JSON.stringify(sshd.config)}\n`;
      const running = await proxyWith(backend("bastion", "ssh://bastion", health, ssh), policyFor("bastion"));
      await checked(running, "bastion", 2);
      expect(readdirSync(running.runtime).length).toBe(1);
      expect(value(await running.page(), "check_failures_total", "bastion")).toBe(0);
      for (const pid of familyOf(sshd.pid)) process.kill(pid, "SIGKILL");
      expect((await told(running, "bastion", "down"))[1]).toContain("no SSH connection to bastion");
      expect((await get(running.proxy)).status).not.toBe(0);
      expect(value(await running.page(), "attempts_total", "bastion")).toBe(0);
      start(scene, [Bun.which("sshd", { PATH })!, "-D", "-e", "-f", scene.path(`sshd_config-${sshd.port}`)]);
      await told(running, "bastion", "up again");
      expect((await get(running.proxy)).status).toBe(0);
      await running.proxy.stop();
      await until("nothing left of ssh", () => readdirSync(running.runtime).length === 0);
    });
  });

  test("a dynamic one is checked where it is led, from there on, and its state is shown", async () => {
    const port = freePort();
    const peer = await begin(microsocks, port);
    const control = `unix:${scene.path(`control-${++configs}`)}`;
    const running = await proxyWith(
      `[backend.moving]\ndynamic = true\nhealth = "connect"\n${OFTEN}[backend.still]\ntarget = "direct"\n` +
        backend("fixed", `socks5://127.0.0.1:${port}`, "connect"),
      policyFor("moving"),
      "--control",
      control,
    );
    const ctl = (...args: string[]) => portail.run(["socks", "ctl", ...args, "--control", control]);
    const states = async () => JSON.parse((await ctl("backends", "--json")).stdout) as Record<string, unknown>[];
    await checked(running, "fixed", 3);
    expect(value(await running.page(), "checks_total", "moving")).toBe(0);
    const [moving, still, fixed] = await states();
    expect(moving).toEqual({ id: "moving", current: false, dynamic: true, left_alone: false });
    expect(still).toEqual({ id: "still", current: false, dynamic: false, left_alone: false });
    expect(fixed).toMatchObject({ id: "fixed", health: "up", age: expect.any(Number), left_alone: false });

    expect((await ctl("update-backend", "moving", `127.0.0.1:${freePort()}`)).status).toBe(0);
    await told(running, "moving", "down");
    expect((await states())[0]).toMatchObject({ health: "down", error: expect.stringContaining("ECONNREFUSED") });
    expect((await ctl("backends")).stdout).toMatch(/moving +dynamic .* down \d+s: cannot connect to .*\n/);
    expect((await get(running.proxy)).status).not.toBe(0);

    // Elsewhere it is another one, of which nothing bad is known.
    expect((await ctl("update-backend", "moving", `127.0.0.1:${port}`)).status).toBe(0);
    expect((await get(running.proxy)).status).toBe(0);
    expect((await states())[0]).toMatchObject({ health: "up" });
    expect(times(running, "backend moving is up again")).toBe(0);
    expect((await ctl("backends")).stdout).toMatch(/fixed +static .* up \d+s\n/);
    await end(peer);
    await Promise.all([
      told(running, "fixed", "down"),
      until("the second end", () => times(running, "moving is down") === 2),
    ]);
  });

  test("checks end when the proxy begins to drain", async () => {
    const [drained, other] = [await listen((socket) => socket.end()), await listen((socket) => socket.end())];
    const local = `policy local { when dest.ip in [127.0.0.0/8] action allow }\n`;
    const [first, second] = await Promise.all(
      [drained, other].map(({ port }) => proxyWith(backend("seen", `http://127.0.0.1:${port}`, "connect"), local)),
    );
    await until("checks of both", () => drained.connections > 0 && other.connections > 0);
    web.hold();
    const held = await holdTransfer(scene, web, ["--proxy", first!.proxy.url("socks5h")]);
    first!.proxy.program.signal("SIGTERM");
    await first!.proxy.record("drain");
    // One may have been on its way.
    const least = drained.connections;
    const before = other.connections;
    await until("more checks by the one that goes on", () => other.connections >= before + 4);
    expect(drained.connections).toBeLessThanOrEqual(least + 1);
    web.release();
    expect(await held.outcome).toMatchObject({ status: 0 });
    expect(await first!.proxy.program.ended).toBe(0);
    await second!.proxy.stop();
  });

  test("a direct exit that is to be checked is refused", async () => {
    const config = scene.write("direct.toml", '[backend.here]\ntarget = "direct"\nhealth = "connect"\n');
    const flags = ["--listen", "127.0.0.1:0", "--acl", "builtin:sample", "--config", config];
    const { status, stderr } = await portail.run(["socks", ...flags]);
    expect(status).toBe(78);
    expect(stderr).toContain("[backend.here]: there is nothing to check of a direct exit [config.backend]");
    expect(stderr).toContain("hint: leave health out");
  });

  /** A server that counts those who come, and how many of them are there at a time at most. */
  async function listen(greet: (socket: { end(): unknown }) => unknown) {
    const count = { connections: 0, open: 0, most: 0, port: 0 };
    const server: Server = createServer((socket) => {
      count.connections++;
      count.most = Math.max(count.most, ++count.open);
      socket.on("error", () => {}).on("close", () => count.open--);
      socket.resume();
      greet(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    scene.defer(() => server.close());
    count.port = (server.address() as AddressInfo).port;
    return count;
  }
});

/** A process, its children and theirs. */
function familyOf(pid: number): number[] {
  const parents = new Map(
    readdirSync("/proc").flatMap((id): [number, number][] => {
      try {
        return [[Number(id), Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1])]];
      } catch {
        return [];
      }
    }),
  );
  const ofPid = (id: number): number[] => [
    id,
    ...[...parents].flatMap(([child, by]) => (by === id ? ofPid(child) : [])),
  ];
  return ofPid(pid);
}
