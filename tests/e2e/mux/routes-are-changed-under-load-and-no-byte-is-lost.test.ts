/** SIGHUP puts other routes in force while curl loads: open connections go on, new ones take the new routes; what is broken changes nothing. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { freePort } from "../../support/free-port.ts";
import { Nginx } from "../../support/nginx.ts";
import { authority, save } from "../../support/pki.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import type { Scene } from "../../support/scene.ts";
import { until } from "../../support/until.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const RELOADS = process.env["PORTAIL_LONG"] === "1" ? 1000 : 100;
/** Milliseconds that a connection may be open. */
const LONGEST = 600_000;
const SIZE = 1_000_001;
const HELD = 300_001;
/** Without TLS, with TLS that ends at the multiplexer, and with TLS that passes. */
const WAYS = ["plain", "ended", "passed"] as const;
type Way = (typeof WAYS)[number];

/** A web with TLS of its own. */
class TlsFront extends Nginx {
  constructor(scene: Scene, { port }: Web, tls: { cert: string; key: string }) {
    const pass = `proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_buffering off;`;
    super(scene, { tls, http: "access_log off;", server: `location / { ${pass} }` });
  }
}

scenario(
  import.meta.file,
  ["curl", "nginx", "openssl"],
  ({ scene, portail }) => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const own = save(scene, "own", ca.issue({ san: ["DNS:ended.example", "DNS:passed.example"] }));

    test(
      `${RELOADS} reloads`,
      async () => {
        const webs = [openWeb(scene), openWeb(scene)];
        const tls = new TlsFront(scene, webs[0]!, own);
        await tls.begin();
        const routes = (i: number) => {
          const target = `127.0.0.1:${webs[i % 2]!.port}`;
          return {
            routes: [
              { name: `plain-${i % 2}`, "first-bytes": ["http"], target },
              { name: `ended-${i % 2}`, "server-name": "ended.example", terminate: true, target },
              { name: `passed-${i % 2}`, "server-name": "passed.example", target: `127.0.0.1:${tls.port}` },
              ...(i % 3 === 0 ? [{ name: "more", "server-name": `a${i}.example`, target: "127.0.0.1:9" }] : []),
            ],
          };
        };
        const mux = await RunningMux.open(scene, portail, routes(0), ["--cert", own.cert, "--key", own.key]);
        const get = async (way: Way, path: string, size: number) => {
          const file = scene.path(`got-${way}-${path.length}`);
          const name = `${way}.example`;
          const to = ["--max-time", "600", "--cacert", cacert, "--connect-to", `${name}:443:127.0.0.1:${mux.port}`];
          const url = way === "plain" ? `http://127.0.0.1:${mux.port}` : `https://${name}`;
          const { status, stderr } = await curl([...to, "--output", file, `${url}/${path}/${size}`], {
            patience: LONGEST,
          });
          expect([way, status, stderr]).toEqual([way, 0, ""]);
          expect(digest(await Bun.file(file).bytes())).toBe(digest(content(size)));
        };
        // One connection of each kind through all of the reloads, and others one after the other.
        const halves = WAYS.map((way) => get(way, "halves", HELD));
        const asked = () => webs.flatMap(({ requests }) => requests.map(({ path }) => path));
        await until(
          "the first halves",
          () => asked().filter((path) => path.startsWith("/halves")).length === WAYS.length,
        );
        const state = { over: false };
        const loads = { plain: 0, ended: 0, passed: 0 };
        const load = async (way: Way) => {
          for (; !state.over; loads[way]++) await get(way, "bytes", SIZE);
        };
        const loading = WAYS.map(load);
        for (let i = 1; i <= RELOADS; i++) expect(await mux.reload(routes(i))).toMatchObject({ outcome: "done" });
        const before = { ...loads };
        await until("loads over the last routes", () => WAYS.every((way) => loads[way] > before[way] + 1));
        state.over = true;
        await Promise.all(loading);
        for (const web of webs) web.release();
        await Promise.all(halves);
        for (const web of webs) expect(web.requests.length).toBeGreaterThan(2);
        const sessions = () => mux.audit.of("session");
        await until("all records", () => sessions().length >= asked().length);
        expect(sessions().filter(({ decision }) => decision !== "allow")).toEqual([]);
        for (const way of WAYS)
          for (const i of [0, 1]) expect(sessions().map(({ route }) => route)).toContain(`${way}-${i}`);
        expect(await mux.stop()).toBe(0);
      },
      LONGEST,
    );

    test("an open connection outlives its route, and its listener", async () => {
      const web = openWeb(scene);
      const target = `127.0.0.1:${web.port}`;
      const own = freePort();
      const first = { name: "own", "first-bytes": ["http"], listen: [`127.0.0.1:${own}`], target };
      const rest = { name: "rest", "first-bytes": ["ssh"], target: "127.0.0.1:9" };
      const mux = await RunningMux.open(scene, portail, { routes: [first, rest] });
      const halves = curl(["--output", scene.path("halves"), `http://127.0.0.1:${own}/halves/100000`]);
      await until("the first half", () => web.requests.length > 0);
      expect(await mux.reload({ routes: [rest] })).toMatchObject({ outcome: "done" });
      expect((await curl([`http://127.0.0.1:${own}/hello`])).status).toBe(7);
      web.release();
      expect((await halves).status).toBe(0);
      expect(digest(await Bun.file(scene.path("halves")).bytes())).toBe(digest(content(100_000)));
      expect(await mux.reload({ routes: [first, rest] })).toMatchObject({ outcome: "done" });
      expect((await curl([`http://127.0.0.1:${own}/hello`])).stdout).toBe("hello from the web\n");
      expect(await mux.stop()).toBe(0);
    });

    test("routes that make no sense leave the old ones in force", async () => {
      const web = openWeb(scene);
      const good = { name: "web", "first-bytes": ["http"], target: `127.0.0.1:${web.port}` };
      const mux = await RunningMux.open(scene, portail, { routes: [good] });
      const twice = await mux.reload({ routes: [good, { ...good, name: "again" }] });
      expect(twice).toMatchObject({ outcome: "kept", error: expect.stringContaining("both take first bytes http") });
      expect(await mux.reload({ routes: [{ target: "nowhere" }] })).toMatchObject({ outcome: "kept" });
      expect(await mux.reload({ routes: [{ ...good, acl: scene.path("none.acl") }] })).toMatchObject({
        outcome: "kept",
      });
      expect((await curl([`http://127.0.0.1:${mux.port}/hello`])).stdout).toBe("hello from the web\n");
      expect(await mux.stop()).toBe(0);
    });

    test("check and explain say before a reload what it would do", async () => {
      const config = scene.write(
        "checked.toml",
        `listen = "127.0.0.1:1"
[[route]]
name = "a"
server-name = "a.example"
target = "127.0.0.1:2"
[[route]]
name = "b"
server-name = "a.example"
target = "127.0.0.1:2"
`,
      );
      const mux = (...args: string[]) => run([...portail.command, "mux", ...args, "--config", config]);
      expect(await mux("check")).toEqual({
        status: 1,
        stdout: [
          "127.0.0.1:1: a and b both take all protocol ids for a.example",
          "  hint: take it from one of them, or give one a server name or protocol ids of its own",
          "127.0.0.1:1: b is never reached: a took all that it would take",
          "  hint: leave it out, or narrow what takes its clients\n",
        ].join("\n"),
        stderr: "",
      });
      const { status, stdout } = await mux("explain", "--server-name", "A.example", "--alpn", "h2");
      expect([status, stdout.split("\n")[1]]).toEqual([0, "route a"]);
      expect(await mux("serve")).toMatchObject({ status: 78, stderr: expect.stringContaining("[mux.overlap]") });
    });
  },
  ["binary"],
);
