/** SIGHUP under load: a broken policy leaves the old one in force, a good one rules the next connection; no tunnel is lost. */
import { beforeAll, expect, test } from "bun:test";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { curl } from "../../support/curl.ts";
import type { Outcome } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";
import { content, digest, openWeb, type Web } from "../../support/web.ts";

const SIZE = 16 * 1024 * 1024;
const WAYS = [["socks4a"], ["socks5h"], ["http"], ["http", "--proxytunnel"]] as const;
const BROKEN = "policy local { when dest.ip in [127.0.0.0/8] and prot == 80 action allow }\n";
const REPLACED = "policy closed { when port > 0 action deny }\n";

scenario(import.meta.file, ["curl"], ({ scene, portail }) => {
  let web: Web;
  let proxy: AccessProxy;
  let old: string;
  beforeAll(async () => {
    web = openWeb(scene);
    old = allowLocal(web.port);
    proxy = await portail.socks({ policy: old });
  });

  /** Transfers that have got to their middle; `end` lets them go on and answers what arrived. */
  const transfers = async (name: string) => {
    web.hold();
    web.requests.length = 0;
    const files = WAYS.flatMap((way, i) => [0, 1].map((n) => ({ way, path: scene.path(`${name}-${i}-${n}`) })));
    const running = files.map(({ way: [way, ...args], path }) =>
      curl(["--proxy", proxy.url(way), ...args, "--output", path, `http://127.0.0.1:${web.port}/halves/${SIZE}`]),
    );
    await until("all transfers to begin", () => web.requests.length === files.length);
    const end = async () => {
      web.release();
      const statuses = (await Promise.all(running)).map(({ status }) => status);
      const digests = await Promise.all(files.map(async ({ path }) => digest(await Bun.file(path).bytes())));
      return { statuses, digests };
    };
    return { count: files.length, end };
  };

  /** Requests without a pause, each on a connection of its own, until told to stop. */
  const requests = () => {
    const stop = new AbortController();
    const outcomes: Outcome[] = [];
    const lane = async ([way, ...args]: (typeof WAYS)[number]) => {
      while (!stop.signal.aborted) {
        outcomes.push(await curl(["--proxy", proxy.url(way), ...args, `http://127.0.0.1:${web.port}/hello`]));
      }
    };
    const lanes = WAYS.map(lane);
    const more = async () => {
      const enough = outcomes.length + 2 * WAYS.length;
      await until("more requests", () => outcomes.length >= enough);
    };
    return { more, end: () => (stop.abort(), Promise.all(lanes).then(() => outcomes)) };
  };

  test("a broken policy changes nothing", async () => {
    const held = await transfers("broken");
    const load = requests();
    await load.more();
    const reload = await proxy.reload(BROKEN);
    await load.more();
    expect(reload).toMatchObject({ outcome: "kept" });
    expect(reload.error).toMatch(/:1:50: error: .*"prot"/);
    expect(reload.error).toContain("^^^^");
    expect(proxy.program.stderr).toMatch(/error the reload failed, the old policy stays in force/);
    expect(proxy.program.stderr).toContain("[acl.unknown_fact]");
    const outcomes = await load.end();
    expect(outcomes.filter(({ status, stdout }) => status !== 0 || stdout !== "hello from the web\n")).toEqual([]);
    const after = await curl(["--proxy", proxy.url("socks5h"), "http://127.0.0.1:1/"]);
    expect(after.status).toBe(97);
    const { statuses, digests } = await held.end();
    expect(statuses).toEqual(Array(held.count).fill(0));
    expect(new Set(digests)).toEqual(new Set([digest(content(SIZE))]));
    const decisions = proxy.audit().filter((line) => line.event === "decision");
    expect(new Set(decisions.map(({ policies }) => policies))).toEqual(new Set([reload.policies!]));
  });

  test("a good policy rules the next connection, and no tunnel is lost", async () => {
    const held = await transfers("good");
    const load = requests();
    await load.more();
    const before = (await proxy.record("start")).policies;
    const reload = await proxy.reload(REPLACED);
    expect(reload).toMatchObject({ outcome: "done" });
    expect(reload.policies).not.toBe(before);
    for (const [way, ...args] of WAYS) {
      proxy.forget();
      const { status } = await curl([
        "--fail",
        "--proxy",
        proxy.url(way),
        ...args,
        `http://127.0.0.1:${web.port}/hello`,
      ]);
      expect(status).not.toBe(0);
      const denied = await proxy.record("decision", ({ decision }) => decision === "deny");
      expect(denied).toMatchObject({ policy: "closed", policies: reload.policies });
    }
    await load.end();
    const { statuses, digests } = await held.end();
    expect(statuses).toEqual(Array(held.count).fill(0));
    expect(new Set(digests)).toEqual(new Set([digest(content(SIZE))]));
  });

  test("the old policy can be taken up again", async () => {
    expect(await proxy.reload(old)).toMatchObject({ outcome: "done" });
    const { stdout } = await curl(["--proxy", proxy.url("socks5h"), `http://127.0.0.1:${web.port}/hello`]);
    expect(stdout).toBe("hello from the web\n");
  });
});
