/** Programs over UDP, through associations that PySocks opens: kdig asks dnsmasq, coturn's clients ask its server, and kdig shakes hands by QUIC. */
import { beforeAll, expect, test } from "bun:test";
import type { AccessProxy } from "../../support/access-proxy.ts";
import { run, start } from "../../support/program.ts";
import { resolve } from "node:path";
import { scenario } from "../../support/scenario.ts";
import { forwarder, PYSOCKS } from "../../support/socks-forwarder.ts";
import { freePort } from "../../support/free-port.ts";

const NEEDS = ["dnsmasq", "kdig", "openssl", PYSOCKS, "turnserver", "turnutils_stunclient", "turnutils_uclient"];

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  let proxy: AccessProxy;
  beforeAll(async () => {
    const policy = `
policy udp {
  when proxy.cmd == "udp_associate" and (dest.ip in [127.0.0.0/8] or dest.ip == ::1)
  action allow
}`;
    proxy = await portail.socks({ policy, args: ["--udp"] });
  });

  /** Everything that went through came back counted. */
  const expectRecorded = async (target: string) => {
    expect(await proxy.decision(target)).toMatchObject({
      protocol: "socks5",
      decision: "allow",
      policy: "udp",
      facts: { "proxy.cmd": "udp_associate" },
    });
  };

  test("DNS: kdig gets the answers of dnsmasq, small and large, by address and by name", async () => {
    const port = freePort();
    const long = Array.from({ length: 6 }, (_, i) => `${i}`.repeat(200));
    const records = ["--host-record=a.example,192.0.2.33,2001:db8::33", `--txt-record=long.example,${long.join(",")}`];
    const server = [
      "--keep-in-foreground",
      "--no-resolv",
      "--no-hosts",
      "--log-facility=-",
      "--log-queries",
      "--edns-packet-max=4096",
    ];
    const listen = [
      `--port=${port}`,
      "--listen-address=127.0.0.1",
      "--bind-interfaces",
      `--pid-file=${scene.path("dns.pid")}`,
    ];
    const dnsmasq = start(scene, ["dnsmasq", ...server, ...listen, ...records]);
    await dnsmasq.output("stderr", /started/);
    for (const host of ["127.0.0.1", "localhost"]) {
      proxy.forget();
      const way = String(await forwarder(scene, proxy.port, host, port));
      const ask = (...question: string[]) =>
        run(["kdig", "@127.0.0.1", "-p", way, "+short", "+timeout=5", "+bufsize=4096", ...question]);
      expect((await ask("a.example", "A")).stdout).toBe("192.0.2.33\n");
      expect((await ask("a.example", "AAAA")).stdout).toBe("2001:db8::33\n");
      expect((await ask("long.example", "TXT")).stdout).toBe(`${long.map((text) => `"${text}"`).join(" ")}\n`);
      await expectRecorded(`${host}:${port}`);
    }
    expect(dnsmasq.stderr.match(/query\[/g)).toHaveLength(6);
  });

  test("STUN and TURN: coturn's clients learn their address and relay without loss", async () => {
    const [port, low] = [freePort(), 40_000 + Math.floor(Math.random() * 20_000)];
    const listen = [
      "-L",
      "127.0.0.1",
      "-E",
      "127.0.0.1",
      "-p",
      String(port),
      "--min-port",
      String(low),
      "--max-port",
      String(low + 200),
    ];
    const people = ["-a", "-u", "alice:secret", "-r", "portail.example", "--allow-loopback-peers"];
    const frugal = [
      "-n",
      "--no-cli",
      "--no-tls",
      "--no-dtls",
      "--no-tcp",
      "--log-file",
      "stdout",
      "--pidfile",
      scene.path("turn.pid"),
    ];
    const server = start(scene, ["turnserver", ...frugal, ...listen, ...people, "--userdb", scene.path("turn.db")]);
    await server.output("stdout", /SQLite DB connection success/);
    const way = String(await forwarder(scene, proxy.port, "127.0.0.1", port));
    const stun = await run(["turnutils_stunclient", "-p", way, "127.0.0.1"]);
    const [, reflexive] = /UDP reflexive addr: 127\.0\.0\.1:(\d+)/.exec(stun.stdout)!;
    expect(Number(reflexive)).toBeGreaterThan(0);
    await expectRecorded(`127.0.0.1:${port}`);
    // Two clients that talk to each other, each by an allocation of its own: permissions, channels, data both ways.
    const turn = await run(
      ["turnutils_uclient", "-u", "alice", "-w", "secret", "-y", "-c", "-n", "50", "-l", "800", "-p", way, "127.0.0.1"],
      { patience: 28_000 },
    );
    expect(turn.stdout).toContain("Total lost packets 0 (0.000000%)");
    expect(turn.stdout).toMatch(/tot_send_msgs=100, tot_recv_msgs=100/);
  });

  test("QUIC: kdig completes a handshake and a query with a server of another make", async () => {
    const [key, certificate] = [scene.path("doq-key.pem"), scene.path("doq.pem")];
    const make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    await run([...make, "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"]);
    const script = resolve(import.meta.dir, "../../support/doq-server.ts");
    const server = start(scene, [process.execPath, script, key, certificate]);
    const [, port] = await server.output("stdout", /^(\d+)\n/);
    const way = String(await forwarder(scene, proxy.port, "127.0.0.1", Number(port)));
    const { stdout } = await run([
      "kdig",
      "@127.0.0.1",
      "-p",
      way,
      "+quic",
      "+timeout=5",
      "+retry=0",
      "a.example",
      "A",
    ]);
    expect(stdout).toMatch(/^;; QUIC session \(QUICv1\)-\(TLS1\.3\)/m);
    expect(stdout).toMatch(/status: NOERROR/);
    expect(stdout).toMatch(/^a\.example\.\s+IN\s+A$|;; a\.example\.\s+IN\s+A$/m);
    await expectRecorded(`127.0.0.1:${port}`);
  });
});
