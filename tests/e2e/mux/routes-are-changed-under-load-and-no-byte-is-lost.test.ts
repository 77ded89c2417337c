/** SIGHUP puts other routes in force while curl loads: open connections go on, new ones take the new routes; what is broken changes nothing. */
import { expect, test } from "bun:test";
import { curl } from "../../support/curl.ts";
import { RunningMux } from "../../support/mux-scene.ts";
import { freePort } from "../../support/free-port.ts";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { content, digest, openWeb } from "../../support/web.ts";

const RELOADS = process.env["PORTAIL_LONG"] === "1" ? 100 : 25;
const SIZE = 3_000_001;

scenario(import.meta.file, ["curl", "openssl"], ({ scene, portail }) => {
  test(`${RELOADS} reloads`, async () => {
    const webs = [openWeb(scene), openWeb(scene)];
    const routes = (i: number) => ({
      routes: [
        { name: `web-${i % 2}`, "first-bytes": ["http"], target: `127.0.0.1:${webs[i % 2]!.port}` },
        ...(i % 3 === 0 ? [{ name: "more", "server-name": `a${i}.example`, target: "127.0.0.1:9" }] : []),
      ],
    });
    const mux = await RunningMux.open(scene, portail, routes(0));
    const wanted = digest(content(SIZE));
    const state = { over: false };
    let loads = 0;
    const load = async () => {
      while (!state.over) {
        const file = scene.path(`got-${loads++}`);
        const { status, stderr } = await curl(["--output", file, `http://127.0.0.1:${mux.port}/bytes/${SIZE}`]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(digest(await Bun.file(file).bytes())).toBe(wanted);
      }
    };
    const loading = [load(), load()];
    for (let i = 1; i <= RELOADS; i++) expect(await mux.reload(routes(i))).toMatchObject({ outcome: "done" });
    const before = loads;
    await until("loads over the last routes", () => loads > before + 3);
    state.over = true;
    await Promise.all(loading);
    for (const web of webs) expect(web.requests.length).toBeGreaterThan(0);
    expect(mux.audit.of("session").filter(({ decision }) => decision !== "allow")).toEqual([]);
    expect(await mux.stop()).toBe(0);
  });

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
    expect(await mux.reload({ routes: [{ ...good, acl: scene.path("none.acl") }] })).toMatchObject({ outcome: "kept" });
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
});
