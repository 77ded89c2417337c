/** `tproxy run --keepalive`: a silent connection whose program and whose server answer probes goes on; where one of them is gone, the other is told. */
import { beforeAll, expect, test } from "bun:test";
import { authority, save } from "../../support/pki.ts";
import { start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { RunningTproxy } from "../../support/tproxy-scene.ts";
import { NETWORK_NEEDS, openNetworks, type TwoNetworks } from "../../support/two-networks.ts";
import { until } from "../../support/until.ts";

const NEEDS = [...NETWORK_NEEDS, "openssl", "socat", "ss"];
/** Whose connection stays, whose program is gone, and whose server. */
const [KEPT, NO_PROGRAM, NO_SERVER] = ["10.9.0.2", "10.9.0.3", "10.9.0.4"];
const LISTEN_PORT = 1019;
/** Probes without an answer after which the system gives a connection up, each a second after the other. */
const MOST_LOST = 10;
/** Milliseconds for all of them, on a slow machine. */
const PATIENCE = 45_000;

scenario(
  import.meta.file,
  NEEDS,
  ({ scene, portail }) => {
    const ca = authority("Servers");
    const clients = authority("Clients");
    const own = save(scene, "alice", clients.issue({ cn: "alice" }));
    const server = save(scene, "echo", ca.issue({ cn: "echo", san: ["DNS:echo.example"] }));
    const hosts = scene.write("hosts", [KEPT, NO_PROGRAM, NO_SERVER].map((ip) => `${ip} echo.example\n`).join(""));
    let nets: TwoNetworks;
    let tproxy: RunningTproxy;

    beforeAll(async () => {
      nets = await openNetworks(scene);
      const { near, far } = nets;
      const files = `cert=${server.keystore},cafile=${scene.write("clients.pem", clients.cert)},verify=1`;
      far.start(scene, ["socat", `openssl-listen:7001,reuseaddr,fork,${files}`, "exec:cat"]);
      await until("socat", async () => (await far.run(["bash", "-c", `: < /dev/tcp/${KEPT}/7001`])).status === 0);
      const identity = ["--keystore", own.keystore, "--cacert", scene.write("ca.pem", ca.cert), "--hosts", hosts];
      const args = [...identity, "--portMap", "7000:7001", "--keepalive", "1s", "--no-session-resumption"];
      tproxy = await RunningTproxy.start(scene, portail, near, args);
    }, 60_000);

    /** A program with a connection that has carried something. */
    async function connect(ip: string): Promise<Program> {
      const program = start(scene, [...nets.near.prefix, "socat", "-d", "-", `tcp:${ip}:7000`], { feed: true });
      await program.write("one\n");
      await program.output("stdout", /one/);
      return program;
    }

    const nft = async (net: TwoNetworks["near"], rules: string) => {
      expect(await net.run(["nft", "-f", "-"], { stdin: rules })).toMatchObject({ status: 0, stderr: "" });
    };
    const filter = (rules: string) =>
      `table inet watch {
  counter to_program { }
  counter to_server { }
  chain output { type filter hook output priority 0; ${rules}; }
}`;
    const probes = async (name: string) => {
      const { stdout } = await nets.near.run(["nft", "list", "counter", "inet", "watch", name]);
      return Number(/packets (\d+)/.exec(stdout)?.[1]);
    };
    /** How the record says that a connection ended. */
    const ended = (ip: string) =>
      until(
        () => `the end of ${ip}: ${tproxy.program.stderr}`,
        () => tproxy.audit.of("session").find(({ original }) => original === `${ip}:7000`),
        PATIENCE,
      );

    test(
      "both sides are asked, and each is told when the other is gone",
      async () => {
        const { near, far } = nets;
        const [kept, noProgram, noServer] = await Promise.all([KEPT, NO_PROGRAM, NO_SERVER].map(connect));
        const ofProgram = (ip: string) => `tcp sport ${LISTEN_PORT} ct original ip daddr ${ip}`;
        const counting = `${ofProgram(KEPT)} counter name to_program; ip daddr ${KEPT} tcp dport 7001 counter name to_server;`;
        await nft(near, filter(`${counting} ${ofProgram(NO_PROGRAM)} drop`));
        await nft(far, filter(`ip saddr ${NO_SERVER} drop`));
        const lost = { decision: "allow", sent: 4, received: 4, error: expect.stringContaining("ETIMEDOUT") };
        expect(await ended(NO_PROGRAM)).toMatchObject({ ...lost, reason: "client" });
        expect(await ended(NO_SERVER)).toMatchObject({ ...lost, reason: "upstream" });
        await noServer!.output("stderr", /Connection reset by peer/);
        const atServer = async () => (await far.run(["ss", "-Htn", "state", "established", "src", NO_PROGRAM])).stdout;
        await until("the server to be told", async () => (await atServer()) === "");
        for (const side of ["to_program", "to_server"])
          await until(`probes ${side}`, async () => (await probes(side)) > MOST_LOST, PATIENCE);
        expect([kept!.running, noProgram!.running]).toEqual([true, true]);
        await kept!.write("two\n");
        await kept!.output("stdout", /^one\ntwo\n$/);
        await kept!.endInput();
        expect(await kept!.ended).toBe(0);
        expect(await ended(KEPT)).toMatchObject({ decision: "allow", reason: "client", sent: 8, received: 8 });
      },
      3 * PATIENCE,
    );
  },
  ["source"],
);
