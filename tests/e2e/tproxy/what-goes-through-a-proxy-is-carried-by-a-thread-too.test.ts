/** `tproxy run --passthrough --proxy`: microsocks and tinyproxy lead what is captured, with and without credentials; a proxy that answers oddly loses no byte, and one that does not lead anywhere is told of as ever. */
import { beforeAll, describe, expect, test } from "bun:test";
import { dirname, join } from "node:path";
import { tinyproxy } from "../../support/peer-programs.ts";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "microsocks", "tinyproxy"];
const SUPPORT = join(import.meta.dir, "..", "..", "support");
const FAKE = "198.18.0.9";
const SERVER = "10.9.0.2";
const PROXY = "10.9.0.3";
const [PORT, NOBODY] = [7000, 7001];

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    let nets: TwoNetworks;
    let started = 0;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const greeter = join(SUPPORT, "greeter.mjs");
      const program = nets.far.start(scene, [process.execPath, greeter, "serve", "one", SERVER, String(PORT)]);
      await program.output("stdout", /ready/);
    }, 60_000);

    /** A proxy knows the name, and portail only the address that stands for it. */
    async function startProxy(command: readonly string[], port: number): Promise<Program> {
      const hosts = scene.write("proxy-hosts", `${SERVER} greeter.example\n`);
      const mounts = `mount --bind ${hosts} /etc/hosts && exec "$@"`;
      const program = nets.far.start(scene, ["unshare", "--mount", "sh", "-c", mounts, "sh", ...command]);
      const listens = async () => (await nets.far.run(["ss", "-Hltn", `sport = :${port}`])).stdout !== "";
      await until("the proxy", listens);
      return program;
    }

    async function leading(proxy: string) {
      const at = 1020 + started++;
      const fakes = scene.write("hosts", `${FAKE} greeter.example\n`);
      const args = ["--passthrough", "--disable-authentication", "--hosts", fakes, "--quiet", "--proxy", proxy];
      const more = ["--instance", `at-${at}`, "--listen-port", String(at), "--status", `127.0.0.1:${at + 4000}`];
      const command = [...portail.command, "tproxy", "run", ...args, ...more];
      const program = nets.near.start(scene, command);
      const table = `inet portail-at-${at}`;
      const captures = async () => (await nets.near.run(["nft", "list", "table", ...table.split(" ")])).status === 0;
      await until("the table", captures);
      return {
        async ask(count: number, port = PORT) {
          const greeter = join(SUPPORT, "greeter.mjs");
          const asking = [process.execPath, greeter, "ask", FAKE, String(port), String(count), "patiently"];
          return JSON.parse((await nets.near.run(asking)).stdout) as Record<string, number>;
        },
        async metrics() {
          return (await nets.near.run(["curl", "--silent", `http://127.0.0.1:${at + 4000}/metrics`])).stdout;
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
      const proxy = await startProxy(["microsocks", "-i", PROXY, "-p", "1080", "-u", "me", "-P", "secret"], 1080);
      const tproxy = await leading(`socks5://me:wrong@${PROXY}:1080`);
      expect(await tproxy.ask(3)).toEqual({ ECONNRESET: 3 });
      expect((await tproxy.stop()).match(/reason=proxy_credentials/g)).toHaveLength(3);
      await proxy.kill();
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
        const port = 3000 + started;
        const odd = nets.far.start(scene, [process.execPath, join(SUPPORT, "odd-proxy.mjs"), PROXY, `${port}`, mode]);
        await odd.output("stdout", /ready/);
        const tproxy = await leading(`http://${PROXY}:${port}`);
        expect(await tproxy.ask(40)).toEqual(said as Record<string, number>);
        await tproxy.stop();
        await odd.kill();
      });
    });
  },
  ["source"],
);
