/** In a network of its own: nftables leads port 53 to the stub, the C library asks it, dnsmasq is the resolver; without an exemption the stub sees its own questions come back. */
import { beforeAll, expect, test } from "bun:test";
import { startDnsmasq, type Dnsmasq } from "../../support/dnsmasq.ts";
import { OwnNetwork } from "../../support/own-network.ts";
import { scenario } from "../../support/scenario.ts";

const NEEDS = ["bash", "dnsmasq", "getent", "ip", "kdig", "nft", "nsenter", "unshare"];

/** A nameserver as programs know it; it leads nowhere but here. */
const NAMESERVER = "192.0.2.53";

const tell: Parameters<typeof scenario>[2] = ({ scene, portail }) => {
  let network: OwnNetwork;
  let dnsmasq: Dnsmasq;
  const STUB = 5300;

  beforeAll(async () => {
    network = await OwnNetwork.open(scene);
    const route = await network.run(["ip", "route", "add", "local", "192.0.2.0/24", "dev", "lo"]);
    expect(route).toMatchObject({ status: 0, stderr: "" });
    const records = ["--host-record=real.example,203.0.113.7", "--host-record=both.example,203.0.113.8,2001:db8::8"];
    dnsmasq = await startDnsmasq(scene, ["--listen-address=::1", ...records], network.prefix);
    const rules = ["udp", "tcp"].map((protocol) => `${protocol} dport 53 redirect to :${STUB}`).join("\n");
    const table = `table ip dns {\nchain output {\ntype nat hook output priority -100\n${rules}\n}\n}\n`;
    const nft = await network.run(["nft", "-f", "-"], { stdin: table });
    expect(nft).toMatchObject({ status: 0, stderr: "" });
  });

  const begin = async (port: number, ...more: string[]) => {
    const names = ["--match", "**.mapped.example", "--range", "198.18.0.0/15", "--range", "fd00:1::/64"];
    const args = ["tproxy", "dns", "--listen", `127.0.0.1:${port}`, ...names, ...more];
    const program = portail.start(args, {}, network.prefix);
    await program.output("stderr", /answering on/);
    return program;
  };

  test("getaddrinfo(3) gets addresses of ours, true ones, and none", async () => {
    const status = ["--status", "127.0.0.1:9100"];
    const program = await begin(STUB, "--upstream", `127.0.0.1:${dnsmasq.port}`, ...status);
    const resolv = scene.write("resolv.conf", `nameserver ${NAMESERVER}\noptions edns0 timeout:5\n`);
    const nsswitch = scene.write("nsswitch.conf", "hosts: dns\n");
    const mounts = `mount --bind ${resolv} /etc/resolv.conf && mount --bind ${nsswitch} /etc/nsswitch.conf && exec "$@"`;
    const inside = ["unshare", "--mount", "sh", "-c", mounts, "sh"];
    const lookup = async (name: string) => {
      const { stdout } = await network.run([...inside, "getent", "ahosts", name]);
      return [...new Set(stdout.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))].toSorted();
    };
    expect(await lookup("db.mapped.example")).toEqual(["198.18.0.1", "fd00:1::1"]);
    expect(await lookup("real.example")).toEqual(["203.0.113.7"]);
    expect(await lookup("both.example")).toEqual(["2001:db8::8", "203.0.113.8"]);
    expect(await lookup("nobody.example")).toEqual([]);
    const byTcp = await network.run(["kdig", `@${NAMESERVER}`, "+tcp", "+short", "db.mapped.example", "A"]);
    expect(byTcp.stdout).toBe("198.18.0.1\n");
    expect(dnsmasq.queries().some((query) => query.includes("mapped.example"))).toBe(false);
    const read = "exec 3<>/dev/tcp/127.0.0.1/9100; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3";
    const { stdout: metrics } = await network.run(["bash", "-c", read]);
    expect(metrics).toContain('portail_dns_queries_total{transport="tcp"} 1\n');
    expect(metrics).toContain("portail_names 1\n");
    expect(metrics).toMatch(/portail_dns_answers_total\{kind="fake"\} 3\n/);
    program.signal("SIGTERM");
    expect(await program.ended).toBe(0);
  });

  test("over IPv6, to clients and to a resolver", async () => {
    const program = await begin(STUB, "--listen", "[::1]:5301", "--upstream", `[::1]:${dnsmasq.port}`);
    const ask = async (...words: string[]) =>
      (await network.run(["kdig", "@::1", "-p", "5301", "+short", "+retry=0", ...words])).stdout;
    for (const way of ["+notcp", "+tcp"]) {
      expect(await ask(way, "real.example", "A")).toBe("203.0.113.7\n");
      expect(await ask(way, "db.mapped.example", "AAAA")).toBe("fd00:1::1\n");
    }
    await program.kill();
  });

  test("strangers get nothing, by UDP and by TCP, and those who may ask do", async () => {
    const program = await begin(STUB, "--listen", "192.0.2.9:5302", "--allow-from", "192.0.2.10");
    const ask = (from: string, way: string) =>
      network.run([
        "kdig",
        "@192.0.2.9",
        "-p",
        "5302",
        "-b",
        from,
        way,
        "+short",
        "+timeout=1",
        "+retry=0",
        "db.mapped.example",
      ]);
    for (const way of ["+notcp", "+tcp"]) {
      const [stranger, friend] = await Promise.all([ask("192.0.2.11", way), ask("192.0.2.10", way)]);
      expect([stranger.status, stranger.stdout.includes("198.18.")]).toEqual([1, false]);
      expect(friend).toMatchObject({ status: 0, stdout: "198.18.0.1\n" });
    }
    await program.kill();
  });

  test("its own questions that come back to it are dropped and complained of", async () => {
    const program = await begin(STUB, "--upstream", NAMESERVER, "--upstream-timeout", "200ms");
    const asked = await network.run(["kdig", `@${NAMESERVER}`, "+timeout=5", "+retry=0", "real.example", "A"]);
    expect(asked.stdout).toContain("status: SERVFAIL");
    expect(program.stderr).toContain("our own questions to resolvers come back to us");
    const ours = await network.run(["kdig", `@${NAMESERVER}`, "+short", "db.mapped.example", "A"]);
    expect(ours.stdout).toBe("198.18.0.1\n");
    program.signal("SIGTERM");
    expect(await program.ended).toBe(0);
  });
};

scenario(import.meta.file, NEEDS, tell, ["source"]);
