/** Backends: dante, microsocks, squid, tinyproxy and another portail over mTLS, behind SOCKS5 and CONNECT; failover, refusals, no way around. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import { ask, FRONTS, killUnderLoad, type Front } from "../../support/fronts.ts";
import { startListening } from "../../support/listening.ts";
import { OUTBOUND_PROXIES, type OutboundProxy } from "../../support/outbound-proxies.ts";
import { install } from "../../support/peer-programs.ts";
import { authority, save } from "../../support/pki.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import type { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { freePort } from "../../support/free-port.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const NEEDS = ["curl", "danted", "microsocks", "squid", "tinyproxy"];
/** A name is not resolved here: what asks for its address would deny it. */
const TRUSTING = `
route all { use [BACKENDS] }
policy named { when route.local == false and host == "localhost" action allow }
policy via { when route.local == false and dest.ip in [127.0.0.0/8] action allow }
`;

async function open(scene: Scene, proxy: OutboundProxy): Promise<{ port: number; program: Program }> {
  const port = freePort();
  return { port, program: await startListening(scene, port, install(scene, proxy.program(port, scene.folder))) };
}

/** Accepts, and ends at once: what a proxy is that does not work. */
async function deadEnd(scene: Scene) {
  const server = createServer((socket) => {
    count.connections++;
    socket.on("error", () => {}).end();
  });
  const count = { connections: 0, port: 0 };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scene.defer(() => server.close());
  count.port = (server.address() as AddressInfo).port;
  return count;
}

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let web: Web;
  beforeAll(() => void (web = openWeb(scene)));

  const policyFor = (...backends: string[]) =>
    TRUSTING.replace("BACKENDS", backends.map((name) => JSON.stringify(name)).join(", "));
  let configs = 0;
  const proxyWith = (tables: string, policy: string, ...args: string[]) => {
    const config = scene.write(`backends-${++configs}.toml`, tables);
    return portail.socks({ policy, args: ["--config", config, ...args] });
  };
  const get = (proxy: AccessProxy, way: Front, url = `http://127.0.0.1:${web.port}/hello`) => ask(proxy, way, url);

  const peers = Object.entries(OUTBOUND_PROXIES).filter(([, { scheme }]) => scheme !== "socks5h");
  describe.each(peers)("through %s", (name, peer: OutboundProxy) => {
    let proxy: AccessProxy;
    beforeAll(async () => {
      const { port } = await open(scene, peer);
      const auth =
        peer.user === undefined
          ? ""
          : `auth-file = ${JSON.stringify(scene.write(`auth-${name}`, `${decodeURIComponent(peer.user)}\n`, 0o600))}\n`;
      proxy = await proxyWith(
        `[backend.next]\ntarget = "${peer.scheme}://127.0.0.1:${port}"\n${auth}`,
        policyFor("next"),
      );
    });

    for (const [front, way] of FRONTS) {
      test(`${front}: an address and a name`, async () => {
        for (const host of ["127.0.0.1", ...(name === "squid" ? [] : ["localhost"])]) {
          proxy.forget();
          expect(await get(proxy, way, `http://${host}:${web.port}/hello`)).toMatchObject({
            status: 0,
            stdout: "hello from the web\n",
          });
          expect(await proxy.record("decision")).toMatchObject({
            decision: "allow",
            route: ["all"],
            facts: { "route.local": false },
          });
          const close = await proxy.record("close");
          expect(close).toMatchObject({ backend: "next" });
          expect(close.dest).toBeUndefined();
        }
      });
    }

    test("16 MiB are whole", async () => {
      const path = scene.path(`bulk-${name}`);
      const size = 16 * 1024 * 1024;
      await curl(["--proxy", proxy.url("socks5h"), "--output", path, `http://127.0.0.1:${web.port}/bytes/${size}`]);
      expect(digest(await Bun.file(path).bytes())).toBe(digest(content(size)));
    });
  });

  describe("through another portail, over mTLS", () => {
    const people = authority("Chained people");
    const servers = authority("Chained proxies");
    const me = save(scene, "first", people.issue({ cn: "first" }));
    const next = save(scene, "next", servers.issue());
    const trusted = scene.write("servers.pem", servers.cert);
    let last: AccessProxy;
    const tables = (scheme: string, port: number, more = "") =>
      `[backend.next]\ntarget = "${scheme}://localhost:${port}"\nidentity = "me"\ntrust = "servers"\n${more}` +
      `[identity.me]\ncert = "${me.cert}"\nkey = "${me.key}"\n[trust.servers]\ncacert = ["${trusted}"]\n`;
    beforeAll(async () => {
      const flags = ["--cert", next.cert, "--key", next.key, "--cacert", scene.write("people.pem", people.cert)];
      const policy = `policy first { when client.cn == "first" and dest.ip in [127.0.0.0/8] and port == ${web.port} action allow }`;
      last = await portail.socks({ policy, args: flags });
    });

    for (const [front, way] of FRONTS) {
      for (const scheme of ["https", "socks5+tls"]) {
        test(`weaknesses 6.1.2 and 6.1.3: ${front}, then ${scheme}, with a certificate of our own`, async () => {
          const proxy = await proxyWith(tables(scheme, last.port), policyFor("next"));
          last.forget();
          expect(await get(proxy, way)).toMatchObject({ status: 0, stdout: "hello from the web\n" });
          const protocol = scheme === "https" ? "http" : "socks5";
          expect(await last.record("decision")).toMatchObject({ protocol, facts: { "client.cn": "first" } });
        });
      }

      test(`weakness 6.2.5: ${front}: what the next one denies is final, and the one behind it is not asked`, async () => {
        const other = await deadEnd(scene);
        const more = `[backend.other]\ntarget = "socks5://127.0.0.1:${other.port}"\n`;
        const proxy = await proxyWith(
          tables("https", last.port, "") + more,
          policyFor("next", "other"),
          "--fallback",
          "direct",
        );
        const { status, stderr } = await get(proxy, [...way, "--fail"], "http://127.0.0.1:1/");
        expect(`${status} ${stderr}`).toMatch(/^97 .*\(2\)|403/);
        expect(await proxy.record("close")).toMatchObject({ reason: "denied", tried: [{ backend: "next" }] });
        expect(other.connections).toBe(0);
      });
    }

    test("weakness 6.3.4: a policy is evaluated once whatever is tried, and TLS sessions are resumed", async () => {
      const dead = await deadEnd(scene);
      // A connection for each request, which HTTP/2 does without.
      const more = `http-version = "1.1"\n[backend.dead]\ntarget = "http://127.0.0.1:${dead.port}"\n`;
      const status = ["--status", "127.0.0.1:0"];
      const proxy = await proxyWith(tables("https", last.port, more), policyFor("dead", "next"), ...status);
      last.forget();
      for (let nth = 0; nth < 3; nth++) expect((await get(proxy, ["socks5h"])).status).toBe(0);
      const decisions = await until("the decisions", () => {
        const found = last.audit().filter((line) => line.event === "decision");
        return found.length === 3 && found;
      });
      expect(decisions.map(({ tls }) => tls?.resumed)).toEqual([false, true, true]);
      expect(dead.connections).toBeGreaterThan(0);
      expect(await proxy.metrics()).toContain("\nportail_policy_evaluation_seconds_count 3\n");
    });

    test("weakness 6.2.7: whom clients are held against is not whom backends are held against", async () => {
      const mine = save(scene, "mine", servers.issue({ nth: 2 }));
      const front = ["--cert", mine.cert, "--key", mine.key, "--cacert", trusted];
      const optional = ["--tls", "optional", "--client-cert", "optional"];
      const lacking = tables("https", last.port).replace('trust = "servers"\n', "");
      const proxy = await proxyWith(lacking, policyFor("next"), ...front, ...optional);
      expect((await get(proxy, ["socks5h"])).status).toBe(97);
      const [tried] = (await proxy.record("close")).tried!;
      expect(tried).toMatchObject({ backend: "next", error: expect.stringContaining("unknown_ca") });
    });

    test.each([
      ["another authority", { trust: save(scene, "wrong", authority("Others").issue()).cert, name: "" }, /unknown_ca/],
      ["another name", { trust: trusted, name: 'server-name = "other.example"\n' }, /name_mismatch/],
    ])("%s is not spoken to", async (_, { trust, name }, why) => {
      const wrong = tables("https", last.port, name).replace(trusted, trust);
      const proxy = await proxyWith(wrong, policyFor("next"));
      last.forget();
      expect((await get(proxy, ["socks5h"])).status).toBe(97);
      const [tried] = (await proxy.record("close")).tried!;
      expect(tried).toMatchObject({ backend: "next", error: expect.stringMatching(why) });
      expect(last.audit().filter(({ event }) => event === "decision")).toEqual([]);
    });
  });

  test("weakness 6.1.1: the first of two is asked first, whatever the client speaks", async () => {
    const first = await open(scene, OUTBOUND_PROXIES.microsocks);
    const second = await deadEnd(scene);
    const tables = `[backend.first]\ntarget = "socks5://127.0.0.1:${first.port}"\n[backend.second]\ntarget = "socks5://127.0.0.1:${second.port}"\n`;
    const proxy = await proxyWith(tables, policyFor("first", "second"));
    for (const [, way] of FRONTS) {
      proxy.forget();
      expect((await get(proxy, way)).status).toBe(0);
      const close = await proxy.record("close");
      expect([close.backend, close.tried]).toEqual(["first", undefined]);
    }
    expect(second.connections).toBe(0);
  });

  test("when the first one dies under load, the second serves, and nothing goes out directly", async () => {
    const first = await open(scene, OUTBOUND_PROXIES.microsocks);
    const second = await open(scene, OUTBOUND_PROXIES.tinyproxy);
    const tables = `[backend.first]\ntarget = "socks5://127.0.0.1:${first.port}"\n[backend.second]\ntarget = "http://127.0.0.1:${second.port}"\n`;
    const proxy = await proxyWith(tables, policyFor("first", "second"));
    const { failed, closes } = await killUnderLoad(proxy, web, first.program);
    // Those that were inside the first one when it died had no second chance.
    expect(failed).toBeLessThanOrEqual(FRONTS.length);
    const by = (name: string) => closes.filter(({ backend }) => backend === name).length;
    expect(by("first") + by("second")).toBe(closes.length);
    expect(by("second")).toBeGreaterThanOrEqual(12);
    expect(closes.filter(({ dest }) => dest !== undefined)).toEqual([]);
  });

  test("weakness 6.2.5: when all fail nothing goes out directly, unless that is asked for and the policy allows it", async () => {
    const dead = await deadEnd(scene);
    const tables = `[backend.dead]\ntarget = "http://127.0.0.1:${dead.port}"\n`;
    const before = web.requests.length;
    const closed = await proxyWith(tables, policyFor("dead"));
    expect((await get(closed, ["http", "--fail"])).stderr).toContain("502");
    const unwilling = await proxyWith(tables, policyFor("dead"), "--fallback", "direct");
    expect((await get(unwilling, ["http", "--fail"])).stderr).toContain("403");
    expect(web.requests.length).toBe(before);
    const local = `${policyFor("dead")}policy direct { when route.local == true and dest.ip in [127.0.0.0/8] action allow }\n`;
    const willing = await proxyWith(tables, local, "--fallback", "direct");
    expect(await get(willing, ["http"])).toMatchObject({ status: 0, stdout: "hello from the web\n" });
    expect(await willing.record("close")).toMatchObject({
      dest: `127.0.0.1:${web.port}`,
      tried: [{ backend: "dead" }],
    });
    expect(await willing.record("decision", ({ facts }) => facts["route.local"] === true)).toMatchObject({
      policy: "direct",
    });
  });

  test("a backend that fails again and again is left alone for a while", async () => {
    const dead = await deadEnd(scene);
    const live = await open(scene, OUTBOUND_PROXIES.microsocks);
    const tables = `[backend.dead]\ntarget = "http://127.0.0.1:${dead.port}"\n[backend.live]\ntarget = "socks5://127.0.0.1:${live.port}"\n`;
    const proxy = await proxyWith(tables, policyFor("dead", "live"), "--status", "127.0.0.1:0");
    for (let i = 0; i < 8; i++) expect((await get(proxy, ["socks5h"])).status).toBe(0);
    expect(dead.connections).toBeLessThan(8);
    expect(dead.connections).toBeGreaterThanOrEqual(3);
    const page = await proxy.metrics();
    expect(page).toContain(`portail_backend_failures_total{backend="dead"} ${dead.connections}\n`);
    expect(page).toContain('portail_backend_attempts_total{backend="live"} 8\n');
    expect(page).toContain('portail_backend_failures_total{backend="live"} 0\n');
    expect(page).toContain('portail_backend_healthy{backend="live"} 1\n');
  });

  test("the default serves what no route claims, and a direct exit stands where it is named", async () => {
    const peer = await open(scene, OUTBOUND_PROXIES.microsocks);
    const tables = `default-backend = "peer"\n[backend.peer]\ntarget = "socks5://127.0.0.1:${peer.port}"\n[backend.here]\ntarget = "direct"\n`;
    const policy = `route home { when host == "localhost" use ["here"] }\npolicy all { when dest.ip in [127.0.0.0/8, ::1] action allow }\n`;
    const proxy = await proxyWith(tables, policy);
    expect((await get(proxy, ["socks5h"])).status).toBe(0);
    expect(await proxy.record("close")).toMatchObject({ backend: "peer" });
    proxy.forget();
    expect((await get(proxy, ["socks5h"], `http://localhost:${web.port}/hello`)).status).toBe(0);
    const close = await proxy.record("close");
    expect(close.backend).toBeUndefined();
    expect(close.dest).toContain(String(web.port));
  });

  test.each([
    ['[backend.a]\ntarget = "gopher://x:1"\n', /\[backend\.a\].*gopher/],
    ["[backend.a]\n", /\[backend\.a\]: target is missing/],
    ['[backend.a]\ntarget = "http://x:1"\ntrust = "none"\n', /there is no table \[trust\.none\]/],
    ['[backend.a]\ntarget = "http://x:1"\nserver-name = "y"\n', /does not speak/],
    ['default-backend = "b"\n[backend.a]\ntarget = "http://x:1"\n', /no backend "b"/],
    ['[backend.a]\ntarget = "direct"\ntrget = "x"\n', /:3: unknown key "trget"/],
  ])("%j is refused", async (tables, says) => {
    const config = scene.write(`bad-${++configs}.toml`, tables);
    const flags = ["--listen", "127.0.0.1:0", "--acl", "builtin:sample", "--config", config];
    const outcome = await portail.run(["socks", ...flags]);
    expect(outcome.stderr).toMatch(says);
    expect([64, 78]).toContain(outcome.status!);
  });

  test("a route to a backend that does not exist is an error of the policy", async () => {
    const acl = scene.write("lost.acl", 'route a { use ["nowhere"] }\npolicy p { action allow }\n');
    const outcome = await portail.run(["socks", "--listen", "127.0.0.1:0", "--acl", acl]);
    expect(outcome).toMatchObject({ status: 65, stderr: expect.stringContaining("nowhere") });
  });
});
