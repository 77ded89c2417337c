/** `tproxy run --passthrough`: after the first connection to a destination the others are carried by a thread of their own, for as long as the way is known to be right; nothing else changes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { ruleset } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "curl", "socat"];
const GREETER = join(import.meta.dir, "..", "..", "support", "greeter.mjs");
/** Of nobody; both stand for the same name, which the test lets be at one server and then at another. */
const [FAKE, FAKE6] = ["198.18.0.9", "fd70:6f72:7461::9"];
const ONE = { name: "one", at: ["10.9.0.2", "fd09::2"] };
const TWO = { name: "two", at: ["10.9.0.3", "fd09::3"] };
const [PORT, STATUS] = [7000, 7900];
const MARK = 0x70_6f_72_74;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    let nets: TwoNetworks;
    let tproxy: Program;
    const servers = new Map<string, Program>();

    /** What programs know is not what portail knows: its own resolver leads to the true addresses. */
    const leadTo = ({ at }: typeof ONE) =>
      scene.write("true-hosts", at.map((ip) => `${ip} greeter.example\n`).join(""));
    const fakes = scene.write("hosts", `${FAKE} greeter.example\n${FAKE6} greeter.example\n`);
    const nsswitch = scene.write("nsswitch.conf", "hosts: files\n");

    const serve = async ({ name, at }: typeof ONE, address: string) => {
      const program = nets.far.start(scene, [process.execPath, GREETER, "serve", name, address, String(PORT)]);
      await program.output("stdout", /ready/);
      servers.set(`${name} ${at.indexOf(address)}`, program);
    };

    beforeAll(async () => {
      nets = await openNetworks(scene);
      for (const one of [ONE, TWO]) for (const address of one.at) await serve(one, address);
      const counting = `table inet watch { chain output { type filter hook output priority 0; meta mark ${MARK} tcp dport ${PORT} tcp flags & (syn | ack) == syn counter; }; }`;
      expect(await nets.near.run(["nft", "-f", "-"], { stdin: counting })).toMatchObject({ status: 0 });
      const hosts = leadTo(ONE);
      const mounts = `mount --bind ${hosts} /etc/hosts && mount --bind ${nsswitch} /etc/nsswitch.conf && exec "$@"`;
      const args = ["--passthrough", "--port-map", "8443:443", "--disable-authentication", "--hosts", fakes, "--quiet"];
      const command = [...portail.command, "tproxy", "run", ...args, "--status", `127.0.0.1:${STATUS}`];
      tproxy = nets.near.start(scene, ["unshare", "--mount", "sh", "-c", mounts, "sh", ...command]);
      await until("the table", async () => (await ruleset(nets.near)).includes("inet portail"));
    }, 60_000);
    afterAll(() => tproxy.kill());

    const ask = async (address: string, count: number, ...how: string[]) => {
      const asking = [process.execPath, GREETER, "ask", address, String(PORT), String(count), ...how];
      const { stdout } = await nets.near.run(asking);
      return JSON.parse(stdout) as Record<string, number>;
    };
    const metric = async (line: RegExp) => {
      const { stdout } = await nets.near.run(["curl", "--silent", `http://127.0.0.1:${STATUS}/metrics`]);
      return Number(line.exec(stdout)?.[1]);
    };
    const marked = async () => {
      const { stdout } = await nets.near.run(["nft", "list", "table", "inet", "watch"]);
      return Number(/packets (\d+)/.exec(stdout)?.[1]);
    };
    /** Ticks of the processor that the program's first thread, and its others, have used. */
    const ticks = () => {
      const of = { first: 0, others: 0 };
      for (const thread of readdirSync(`/proc/${tproxy.pid}/task`)) {
        const text = readFileSync(`/proc/${tproxy.pid}/task/${thread}/stat`, "utf8");
        const name = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
        const [user, system] = text
          .slice(text.lastIndexOf(")") + 2)
          .split(" ")
          .slice(11, 13)
          .map(Number);
        if (Number(thread) === tproxy.pid) of.first += user! + system!;
        else if (name === "Worker") of.others += user! + system!;
      }
      return of;
    };

    test("thousands of connections, by IPv4 and IPv6, whose server speaks first and whose client ends first", async () => {
      await ask(FAKE, 1);
      const before = { ticks: ticks(), marked: await marked() };
      expect(await ask(FAKE, 3000)).toEqual({ one: 3000 });
      expect(await ask(FAKE6, 500)).toEqual({ one: 500 });
      const after = ticks();
      expect(after.others - before.ticks.others).toBeGreaterThan(after.first - before.ticks.first);
      // Our own connections are known by their mark, whoever makes them.
      expect((await marked()) - before.marked).toBe(3500);
    });

    test("they count as all others do", async () => {
      await until("all to be closed", async () => (await metric(/connections_open\{rule="default"\} (\d+)/)) === 0);
      expect(await metric(/rule_connections_total\{rule="default"\} (\d+)/)).toBe(3501);
      expect(await metric(/portail_connections_total (\d+)/)).toBe(3501);
      const bytes = await metric(/relayed_bytes_total\{rule="default",from="target"\} (\d+)/);
      expect(bytes - (await metric(/relayed_bytes_total\{rule="default",from="client"\} (\d+)/))).toBe(4 * 3501);
    });

    test("clients that wait for the server's first words get them", async () => {
      await ask(FAKE, 1);
      expect(await ask(FAKE, 3000, "silently")).toEqual({ one: 3000 });
      expect(await ask(FAKE, 300)).toEqual({ one: 300 });
    });

    test("a hundred megabytes there and back, and they count", async () => {
      await ask(FAKE, 1);
      const digest = "tee >(head -c 104857600 | sha256sum >&2)";
      const send = `head -c 104857600 /dev/urandom | ${digest} | socat -t 20 - tcp:${FAKE}:${PORT} | tail -c +5 | sha256sum`;
      const slow = nets.near.start(scene, ["socat", "-", `tcp:${FAKE}:${PORT}`], { feed: true });
      await slow.write("here\n");
      await slow.output("stdout", /one\nhere/);
      const { stdout, stderr } = await nets.near.run(["bash", "-c", send]);
      expect(stdout).toHaveLength(68);
      expect(stdout).toBe(stderr);
      await until(
        "the other to be closed",
        async () => (await metric(/connections_open\{rule="default"\} (\d+)/)) === 1,
      );
      // Of one that is open the bytes count, too.
      expect(await metric(/relayed_bytes_total\{rule="default",from="client"\} (\d+)/)).toBeGreaterThan(104_857_600);
      await slow.endInput();
      expect(await slow.ended).toBe(0);
    });

    test("where the server is gone it is looked for anew, and is found when it is back", async () => {
      await ask(FAKE, 1);
      await Promise.all(["one 0", "one 1"].map((one) => servers.get(one)!.kill()));
      expect(await ask(FAKE, 5)).toEqual({ ECONNRESET: 5 });
      for (const address of ONE.at) await serve(ONE, address);
      expect(await ask(FAKE, 100)).toEqual({ one: 100 });
      expect(await metric(/refused_total\{reason="dial_refused"\} (\d+)/)).toBe(5);
    });

    test("when the name leads elsewhere they go there after a second, and after a reload at once", async () => {
      expect(await ask(FAKE, 10)).toEqual({ one: 10 });
      leadTo(TWO);
      tproxy.signal("SIGHUP");
      await until("the reload", async () => (await metric(/reloads_total\{outcome="done"\} (\d+)/)) >= 1);
      const said = await ask(FAKE, 10);
      expect(said).toEqual({ two: 10 });
      leadTo(ONE);
      await until("the other server", async () => (await ask(FAKE, 1))["one"] === 1);
    });

    test("a stop lets who is open end, and refuses others", async () => {
      await ask(FAKE, 1);
      const open = nets.near.start(scene, ["socat", "-", `tcp:${FAKE}:${PORT}`], { feed: true });
      await open.write("here\n");
      await open.output("stdout", /one\nhere/);
      tproxy.signal("SIGTERM");
      await until("refusals", async () => Object.keys(await ask(FAKE, 1))[0]?.startsWith("ECONN") === true);
      await open.write("still here\n");
      await open.output("stdout", /still here/);
      expect(tproxy.running).toBe(true);
      await open.endInput();
      expect(await open.ended).toBe(0);
      expect(await tproxy.ended).toBe(0);
      expect(await ruleset(nets.near)).not.toContain("inet portail");
    });
  },
  ["source", "binary"],
);
