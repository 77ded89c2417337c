/** Pushed metrics of a tunnel as netcat and a web server receive them; what the flags take. */
import { afterAll, describe, expect, test } from "bun:test";
import { GhostunnelMetrics } from "../../../../commands/tunnel/ghostunnel-metrics.ts";
import { TunnelMetrics } from "../../../../commands/tunnel/metrics.ts";
import { parsePushSettings, startPush } from "../../../../commands/tunnel/push.ts";
import { fakeRuntime } from "../../../adversarial/harness.ts";
import { leaveOut, missing } from "../../../support/needs.ts";
import { start } from "../../../support/program.ts";
import { Scene } from "../../../support/scene.ts";
import { until } from "../../../support/until.ts";
import { freePort } from "../../../support/free-port.ts";

const scene = new Scene();
afterAll(() => scene.close());

const DEFAULTS = {
  "metrics-graphite": undefined,
  "metrics-url": undefined,
  "metrics-prefix": "ghostunnel",
  "metrics-interval": "30s",
};
const parse = (given: Partial<Record<keyof typeof DEFAULTS, string>>) => parsePushSettings({ ...DEFAULTS, ...given });

async function push(given: Partial<Record<keyof typeof DEFAULTS, string>>) {
  const { log, lines } = fakeRuntime();
  const metrics = new TunnelMetrics();
  metrics.tunnel("it").accepted = 7;
  const settings = parse({ "metrics-interval": "20ms", ...given });
  scene.defer(await startPush(settings, new GhostunnelMetrics(metrics, settings.prefix), log));
  return lines;
}

describe("the flags", () => {
  test("by default push nothing", () => {
    expect(parse({})).toEqual({ graphite: undefined, url: undefined, prefix: "ghostunnel", interval: 30_000 });
  });

  test("take hosts, URLs and dotted prefixes", () => {
    expect(parse({ "metrics-graphite": "carbon.example:2003" }).graphite).toMatchObject({
      host: "carbon.example",
      port: 2003,
    });
    expect(parse({ "metrics-url": "https://user:secret@m.example/x?y=1" }).url?.host).toBe("m.example");
    expect(parse({ "metrics-prefix": "dc1.tunnel-3" }).prefix).toBe("dc1.tunnel-3");
  });

  test.each([
    ["metrics-graphite", "carbon.example"],
    ["metrics-graphite", "carbon.example:0"],
    ["metrics-graphite", "unix:/run/carbon"],
    ["metrics-url", "m.example"],
    ["metrics-url", "ftp://m.example/"],
    ["metrics-prefix", ""],
    ["metrics-prefix", "two words"],
    ["metrics-prefix", "1st"],
    ["metrics-prefix", "né"],
    ["metrics-prefix", "line\nbreak"],
    ["metrics-interval", "0"],
    ["metrics-interval", "soon"],
  ])("--%s %j is refused: status 64", (flag, value) => {
    expect(() => parse({ [flag]: value })).toThrow(expect.objectContaining({ exit: 64 }));
    expect(() => parse({ [flag]: value })).toThrow(`--${flag}`);
  });

  test("a URL that is refused is not repeated: it may hold a password", () => {
    expect(() => parse({ "metrics-url": "ftp://user:secret@h/" })).toThrow(/^(?!.*secret)/);
  });
});

describe("to a URL", () => {
  test("a JSON list, again and again, with the credentials of the URL", async () => {
    const got: {
      auth: string | null;
      type: string | null;
      method: string;
      list: { metric: string; value: number }[];
    }[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { headers, method } = request;
        const list = (await request.json()) as { metric: string; value: number }[];
        got.push({ auth: headers.get("authorization"), type: headers.get("content-type"), method, list });
        return new Response("thanks");
      },
    });
    scene.defer(() => server.stop(true));
    const lines = await push({ "metrics-url": `http://me:s%C3%A9cret@127.0.0.1:${server.port}/in` });
    await until("three pushes", () => got.length >= 3);
    expect(got[0]).toMatchObject({ method: "POST", type: "application/json" });
    expect(Buffer.from(got[0]!.auth!.slice(6), "base64").toString()).toBe("me:sécret");
    expect(got[0]!.list.find(({ metric }) => metric === "ghostunnel.accept.total")?.value).toBe(7);
    expect(lines).toEqual([]);
  });

  test("trouble is logged when it begins and when it is over, without the password", async () => {
    let status = 500;
    let asked = 0;
    const paths = new Set<string>();
    const fetch = ({ url }: Request) => {
      asked++;
      paths.add(new URL(url).pathname);
      return new Response(null, { status, headers: { Location: "/elsewhere" } });
    };
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch });
    scene.defer(() => server.stop(true));
    const lines = await push({ "metrics-url": `http://me:secret@127.0.0.1:${server.port}/in?token=secret` });
    await until("five refused pushes", () => asked >= 5);
    status = 302;
    await until("redirected pushes", () => asked >= 8);
    const place = `http://127.0.0.1:${server.port}/in`;
    expect(lines).toEqual([expect.stringContaining(`metrics do not reach ${place}: the answer is 500`)]);
    status = 204;
    await until("the end of the trouble", () => lines.length === 2);
    expect(lines[1]).toContain(`metrics reach ${place} again`);
    expect(lines.join()).not.toContain("secret");
    expect([...paths]).toEqual(["/in"]);
  });

  test("one that never answers is asked once at a time", async () => {
    let asked = 0;
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => (asked++, new Promise<Response>(() => {})),
    });
    scene.defer(() => server.stop(true));
    await push({ "metrics-url": `http://127.0.0.1:${server.port}/` });
    await until("the first push", () => asked === 1);
    await Bun.sleep(100);
    expect(asked).toBe(1);
  });
});

describe("to Graphite", () => {
  test("trouble is logged once, and over when somebody listens", async () => {
    const port = freePort();
    const lines = await push({ "metrics-graphite": `127.0.0.1:${port}` });
    await until("the trouble", () => lines.length === 1);
    expect(lines[0]).toContain(`warn metrics do not reach Graphite at 127.0.0.1:${port}: ECONNREFUSED`);
    const listener = Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } });
    scene.defer(() => listener.stop(true));
    await until("the end of the trouble", () => lines.length === 2);
    expect(lines[1]).toContain("again");
  });

  const absent = missing(["nc.openbsd"]);
  if (absent.length > 0) leaveOut("netcat receives metrics for Graphite", absent);
  else {
    test("netcat receives whole lines, on a new connection each time", async () => {
      const port = freePort();
      const sink = start(scene, ["nc.openbsd", "-lk", "127.0.0.1", String(port)]);
      await push({ "metrics-graphite": `localhost:${port}`, "metrics-prefix": "dc1.tunnel-3" });
      await sink.output("stdout", /(?:dc1\.tunnel-3\.accept\.total\.count 7 \d{10}\n[^]*){3}/);
      const lines = sink.stdout.slice(0, sink.stdout.lastIndexOf("\n")).split("\n");
      expect(lines.filter((line) => !/^dc1\.tunnel-3\.[\w.-]+ [\d.]+ \d{10}$/.test(line))).toEqual([]);
    });
  }
});
