/** `tproxy run --passthrough --proxy`: microsocks and tinyproxy lead what is captured, with and without credentials; a proxy that answers oddly loses no byte, and one that does not lead anywhere is told of as ever. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { tinyproxy } from "../../support/peer-programs.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { ruleset } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "microsocks", "tinyproxy"];
const SUPPORT = join(import.meta.dir, "..", "..", "support");
const FAKE = "198.18.0.9";
const SERVER = "10.9.0.2";
const PROXY = "10.9.0.3";
const [PORT, NOBODY] = [7000, 7001];
/**
 * One for all that are started, one after the other: of a connection that was reset the firewall remembers for seconds where
 * it was led, and leads another there that comes from the same port.
 */
const [LISTEN, STATUS] = [1020, 5020];

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    let nets: TwoNetworks;
    let oddProxies = 0;
    const running: Program[] = [];

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const greeter = join(SUPPORT, "greeter.mjs");
      const program = nets.far.start(scene, [process.execPath, greeter, "serve", "one", SERVER, String(PORT)]);
      await program.output("stdout", /ready/);
    }, 60_000);

    afterEach(async () => {
      for (const program of running.splice(0)) if (program.running) await program.kill();
    });

    /** A proxy knows the name, and portail only the address that stands for it. */
    async function startProxy(command: readonly string[], port: number): Promise<Program> {
      const hosts = scene.write("proxy-hosts", `${SERVER} greeter.example\n`);
      const mounts = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
      const program = nets.far.start(scene, ["unshare", "--mount", "sh", "-c", mounts, "sh", ...command]);
      running.push(program);
      const listens = async () => (await nets.far.run(["ss", "-Hltn", `sport = :${port}`])).stdout !== "";
      await until("the proxy", listens);
      return program;
    }

    async function leading(proxy: string) {
      const fakes = scene.write("hosts", `${FAKE} greeter.example\n`);
      const args = ["--passthrough", "--disable-authentication", "--hosts", fakes, "--quiet", "--proxy", proxy];
      const more = ["--listen-port", String(LISTEN), "--status", `127.0.0.1:${STATUS}`];
      const command = [...portail.command, "tproxy", "run", ...args, ...more];
      const program = nets.near.start(scene, command);
      running.push(program);
      await until("the table", async () => (await ruleset(nets.near)).includes("inet portail"));
      return {
        async ask(count: number, port = PORT) {
          const greeter = join(SUPPORT, "greeter.mjs");
          const asking = [process.execPath, greeter, "ask", FAKE, String(port), String(count), "patiently"];
          return JSON.parse((await nets.near.run(asking)).stdout) as Record<string, number>;
        },
        async metrics() {
          return (await nets.near.run(["curl", "--silent", `http://127.0.0.1:${STATUS}/metrics`])).stdout;
        },
        async stop() {
          program.signal("SIGTERM");
          expect(await program.ended).toBe(0);
          return program.stderr;
        },
      };
    }

    const counted = (metrics: string) =>
      Number(/portail_rule_connections_total\{rule="default"\} (\d+)/.exec(metrics)?.[1]);

    test.each([
      ["microsocks", "socks5://", ["microsocks", "-i", PROXY, "-p", "1080"]],
      ["microsocks with a password", "socks5://me:se%40cret@", ["microsocks", "-i", PROXY, "-p", "1080", "-u", "me", "-P", "se@cret"]], // prettier-ignore
      ["tinyproxy", "http://", undefined],
      ["tinyproxy with a password", "http://me:secret@", undefined],
    ])("%s leads all of them", async (name, scheme, command) => {
      const more = [`Listen ${PROXY}`, ...(name.includes("password") ? ["BasicAuth me secret"] : [])];
      const { argv, files } = tinyproxy(dirname(scene.path("tinyproxy.conf")), 1080, { name: "tinyproxy", more });
      for (const [file, text] of Object.entries(files)) scene.write(file, text);
      const proxy = await startProxy(command ?? argv, 1080);
      const tproxy = await leading(`${scheme}${PROXY}:1080`);
      expect(await tproxy.ask(1)).toEqual({ one: 1 });
      expect(await tproxy.ask(400)).toEqual({ one: 400 });
      await until("all of them", async () => counted(await tproxy.metrics()) === 401);
      // Behind the proxy nobody listens there.
      expect(await tproxy.ask(2, NOBODY)).toEqual({ ECONNRESET: 2 });
      await proxy.kill();
      expect(await tproxy.ask(2)).toEqual({ ECONNRESET: 2 });
      expect(await tproxy.stop()).toMatch(/reason=proxy_\w+[^]*reason=dial_refused/);
    });

    test("a password that is wrong is told of", async () => {
      await startProxy(["microsocks", "-i", PROXY, "-p", "1080", "-u", "me", "-P", "secret"], 1080);
      const tproxy = await leading(`socks5://me:wrong@${PROXY}:1080`);
      expect(await tproxy.ask(3)).toEqual({ ECONNRESET: 3 });
      expect((await tproxy.stop()).match(/reason=proxy_credentials/g)).toHaveLength(3);
    });

    describe("a proxy that", () => {
      test.each([
        ["split", { one: 40 }],
        ["joined", { one: 40 }],
        ["slow", { one: 40 }],
        ["garbage", { ECONNRESET: 40 }],
        ["leaves", { ECONNRESET: 40 }],
        ["resets", { ECONNRESET: 40 }],
        ["denies", { ECONNRESET: 40 }],
      ])("%s", async (mode, said) => {
        const port = 3000 + oddProxies++;
        const odd = nets.far.start(scene, [process.execPath, join(SUPPORT, "odd-proxy.mjs"), PROXY, `${port}`, mode]);
        running.push(odd);
        await odd.output("stdout", /ready/);
        const tproxy = await leading(`http://${PROXY}:${port}`);
        expect(await tproxy.ask(40)).toEqual(said as Record<string, number>);
        await tproxy.stop();
      });
    });
  },
  ["source"],
);
