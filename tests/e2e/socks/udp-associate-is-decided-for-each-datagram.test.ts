/** The reference had UDP ASSOCIATE disabled because its ACL was not evaluated per datagram. Here PySocks sends by one association to several targets. */
import { expect, test } from "bun:test";
import { run } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { PYSOCKS } from "../../support/socks-forwarder.ts";
import { udpEcho } from "../../support/udp-echo.ts";

/** Arguments: proxy port, rounds, seconds to wait for an answer, then host and port of each target, in turn. Prints how many answers came from which port. */
const CLIENT = `
import collections, json, socket, sys
import socks
proxy, rounds = int(sys.argv[1]), int(sys.argv[2])
targets = [(host, int(port)) for host, port in zip(sys.argv[4::2], sys.argv[5::2])]
way = socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM)
way.set_proxy(socks.SOCKS5, "127.0.0.1", proxy)
way.settimeout(float(sys.argv[3]))
answers = collections.Counter()
for i in range(rounds):
    for host, port in targets:
        way.sendto(f"{i}".encode(), (host, port))
    try:
        answers[way.recvfrom(2048)[1][1]] += 1
    except socket.timeout:
        pass
print(json.dumps(answers))
`;

const ROUNDS = 12;

scenario(import.meta.file, [PYSOCKS], ({ scene, portail }) => {
  const send = async (proxyPort: number, patience: number, ...targets: (string | number)[]) => {
    const argv = ["/usr/bin/python3", "-c", CLIENT, ...[proxyPort, ROUNDS, patience, ...targets].map(String)];
    const { status, stdout, stderr } = await run(argv);
    expect([status, stderr]).toEqual([0, ""]);
    return JSON.parse(stdout) as Record<string, number>;
  };

  test("a policy that allows one destination holds for each datagram, counted at both", async () => {
    const [allowed, denied] = [await udpEcho(scene), await udpEcho(scene)];
    const policy = `policy one { when proxy.cmd == "udp_associate" and dest.ip == 127.0.0.1 and port == ${allowed.port} action allow }`;
    const proxy = await portail.socks({ policy, args: ["--udp"] });
    const answers = await send(proxy.port, 10, "127.0.0.1", denied.port, "localhost", allowed.port);
    expect(answers).toEqual({ [allowed.port]: ROUNDS });
    expect(allowed.received).toHaveLength(ROUNDS);
    expect(denied.received).toEqual([]);
    const close = await proxy.record("close");
    expect(close.datagrams).toEqual({ sent: ROUNDS, received: ROUNDS, dropped: ROUNDS });
    const decisions = proxy.audit().filter(({ event }) => event === "decision");
    expect(decisions).toHaveLength(2);
    expect(decisions).toMatchObject([
      { decision: "deny", target: `127.0.0.1:${denied.port}`, session: close.session },
      {
        decision: "allow",
        target: `localhost:${allowed.port}`,
        dest: `127.0.0.1:${allowed.port}`,
        session: close.session,
      },
    ]);
  });

  test("nothing goes to a destination behind a backend, nor past it, and replay and explain say the same", async () => {
    const [open, behind] = [await udpEcho(scene), await udpEcho(scene)];
    const policy = `
route far { when port == ${behind.port} use ["far"] }
route here { when port == ${open.port} use ["here"] }
policy all { when proxy.cmd == "udp_associate" and dest.ip == 127.0.0.1 action allow }`;
    const tables = '[backend.far]\ntarget = "socks5://127.0.0.1:1"\n[backend.here]\ntarget = "direct"\n';
    const config = scene.write("backends.toml", tables);
    const proxy = await portail.socks({ policy, args: ["--udp", "--config", config] });
    const answers = await send(proxy.port, 10, "127.0.0.1", behind.port, "127.0.0.1", open.port);
    expect(answers).toEqual({ [open.port]: ROUNDS });
    expect(behind.received).toEqual([]);
    expect(await proxy.decision(`127.0.0.1:${behind.port}`)).toMatchObject({
      decision: "deny",
      policy: "all",
      reason: "backend",
      route: ["far"],
    });
    await proxy.stop();
    const replay = await portail.run(["acl", "replay", proxy.policyFile, proxy.auditFile]);
    expect(replay.stdout).toContain("0 would change, 2 would not (0 by another policy), 0 cannot be told");
    const audit = await Bun.file(proxy.auditFile).text();
    const { stdout } = await portail.run(["acl", "explain", proxy.policyFile, "-"], { stdin: audit });
    expect(stdout).toContain(
      "deny by all: the policy allows, but a backend takes no datagrams\n  recorded as deny by all (backend)",
    );
    expect(stdout).toContain("allow by all\n  recorded as allow by all\n");
  });

  test("a policy of before, which names hosts and ports, lets no datagram out even with --udp", async () => {
    const target = await udpEcho(scene);
    const policy = `policy web { when host in ["localhost", "127.0.0.1"] and dest.ip in [127.0.0.0/8] and port == ${target.port} action allow }`;
    const proxy = await portail.socks({ policy, args: ["--udp"] });
    expect(await send(proxy.port, 0.05, "127.0.0.1", target.port, "localhost", target.port)).toEqual({});
    expect(target.received).toEqual([]);
    const { guard, policy: by } = await proxy.decision(`127.0.0.1:${target.port}`);
    expect([guard, by]).toEqual(["udp", "web"]);
  });
});
