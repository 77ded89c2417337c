/** `portail tproxy dns --listen 127.0.0.1:0`: the system chooses a port that TCP has free, and UDP must have it too. */
import { beforeAll, expect, test } from "bun:test";
import { OwnNetwork } from "../../support/own-network.ts";
import { scenario } from "../../support/scenario.ts";

/** All ports that the system may choose for the stub. */
const PORTS = [40_000, 40_001, 40_002, 40_003];
/** Takes the ports that it is told, of UDP. */
const TAKE = `
import socket, sys, time
taken = []
for port in sys.argv[1:]:
    taken.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    taken[-1].bind(("127.0.0.1", int(port)))
print("taken", flush=True)
time.sleep(600)
`;

scenario(
  import.meta.file,
  ["unshare", "nsenter", "ip", "kdig", "python3"],
  ({ scene, portail }) => {
    let net: OwnNetwork;

    beforeAll(async () => {
      net = await OwnNetwork.open(scene);
    });

    /** Of which the system chooses from now on. */
    async function choose(from: number, to: number): Promise<void> {
      const command = ["sh", "-ec", `echo "${from} ${to}" > /proc/sys/net/ipv4/ip_local_port_range`];
      expect(await net.run(command)).toMatchObject({ status: 0, stderr: "" });
    }
    const few = () => choose(PORTS[0]!, PORTS.at(-1)!);
    /** Clients need ports too, and leave them taken for a while. */
    const others = () => choose(50_000, 60_000);

    const dns = ["tproxy", "dns", "--listen", "127.0.0.1:0", "--map", "db.example.com=127.77.0.1"];

    test.each(PORTS)("only %d is free", async (free) => {
      await few();
      const taken = PORTS.filter((port) => port !== free).map(String);
      const taker = net.start(scene, ["python3", "-c", TAKE, ...taken]);
      await taker.output("stdout", /taken/);
      const stub = net.start(scene, [...portail.command, ...dns]);
      const [, port] = await stub.output("stderr", /answering on 127\.0\.0\.1:(\d+)/);
      expect(Number(port)).toBe(free);
      await taker.kill();
      await others();
      for (const by of ["+notcp", "+tcp"]) {
        const { stdout } = await net.run(["kdig", "@127.0.0.1", "-p", port!, by, "+short", "db.example.com", "A"]);
        expect(stdout).toBe("127.77.0.1\n");
      }
      await stub.kill();
    });

    test("none is free", async () => {
      await few();
      const taker = net.start(scene, ["python3", "-c", TAKE, ...PORTS.map(String)]);
      await taker.output("stdout", /taken/);
      const { status, stderr } = await net.run([...portail.command, ...dns]);
      expect([status, stderr]).toEqual([71, expect.stringContaining("[listen.eaddrinuse]")]);
      await taker.kill();
    });
  },
  ["source"],
);
