/** `tunnel client` in front of `tunnel server` in front of a service: what one connection looks like on all sides. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { countingTarget } from "../../support/counting-target.ts";
import { authority, save } from "../../support/pki.ts";
import { scenario } from "../../support/scenario.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["openssl"], ({ scene, portail }) => {
  test("bytes come back, both sides record them, and nothing stays open", async () => {
    const ca = authority();
    const cacert = scene.write("ca.pem", ca.cert);
    const target = await countingTarget(scene);
    const { keystore } = save(scene, "server", ca.issue({ cn: "server" }));
    const me = save(scene, "client", ca.issue({ cn: "alice", san: [] }));
    const server = await portail.tunnel({
      side: "server",
      target: target.text,
      args: ["--keystore", keystore, "--cacert", cacert, "--allow-cn", "alice"],
    });
    const client = await portail.tunnel({
      side: "client",
      target: `localhost:${server.port}`,
      args: ["--cert", me.cert, "--key", me.key, "--cacert", cacert],
    });
    const before = [server.sockets(), client.sockets()];

    const answer = await new Promise<string>((resolve, reject) => {
      let text = "";
      connect(client.port, "127.0.0.1")
        .on("data", (chunk) => (text += chunk))
        .on("end", () => resolve(text))
        .on("error", reject)
        .end("hello");
    });

    expect(answer).toBe("hello");
    expect([target.connections, target.bytes]).toEqual([1, 5]);
    const dest = expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string;
    const counts = { decision: "allow", reason: "client", sent: 5, received: 5, dest };
    expect(await server.session()).toMatchObject({ ...counts, certificate: { subject: "CN=alice" } });
    expect(await client.session()).toMatchObject({ ...counts, upstream: { subject: "CN=server" } });
    for (const { log } of [server, client].map((tunnel) => ({ log: () => tunnel.log().map((line) => line.message) }))) {
      await until("the end in the log", () => log().some((line) => line.startsWith("closed pipe:")));
      expect(log().filter((line) => line.startsWith("opening pipe:"))).toHaveLength(1);
    }
    await until("all sockets closed", () => server.sockets() === before[0] && client.sockets() === before[1]);
    expect([await server.stop(), await client.stop()]).toEqual([0, 0]);
  });
});
