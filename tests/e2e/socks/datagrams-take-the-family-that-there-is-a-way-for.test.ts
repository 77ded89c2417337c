/** A name with addresses of both families, on a machine that has no way to IPv6: kdig's question goes out by IPv4, in a network of its own. */
import { expect, test } from "bun:test";
import { AccessProxy } from "../../support/access-proxy.ts";
import { OwnNetwork } from "../../support/own-network.ts";
import { scenario } from "../../support/scenario.ts";
import { forwarder, PYSOCKS } from "../../support/socks-forwarder.ts";

const NEEDS = ["dnsmasq", "ip", "kdig", "nsenter", PYSOCKS, "unshare"];
const PORT = 5353;

scenario(import.meta.file, NEEDS, ({ scene, portail }) => {
  test("the first address that can be sent to is taken, and answers", async () => {
    const network = await OwnNetwork.open(scene);
    const records = ["--host-record=both.example,127.0.0.1,2001:db8::1", `--pid-file=${scene.path("dns.pid")}`];
    const server = ["--keep-in-foreground", "--no-resolv", "--no-hosts", "--log-facility=-", `--port=${PORT}`];
    await network.start(scene, ["dnsmasq", ...server, ...records]).output("stderr", /started/);
    const policy = `policy dns { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.1, 2001:db8::1] action allow }`;
    const args = ["--udp", "--resolver", `127.0.0.1:${PORT}`];
    const begin = (argv: string[]) => portail.start(argv, {}, network.prefix);
    const proxy = new AccessProxy(scene, begin, { policy, args });
    await proxy.listening();
    const way = await forwarder(scene, proxy.port, "both.example", PORT, network.prefix);
    const ask = ["kdig", "@127.0.0.1", "-p", String(way), "+short", "+timeout=5", "both.example", "AAAA"];
    expect((await network.run(ask)).stdout).toBe("2001:db8::1\n");
    // Both were allowed; the one by IPv6 stands first.
    expect((await proxy.decision(`both.example:${PORT}`)).dest).toBe(`[2001:db8::1]:${PORT}`);
  });
});
