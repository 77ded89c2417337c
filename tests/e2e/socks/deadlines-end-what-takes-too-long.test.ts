/** The deadlines of `portail socks`, each by the flag that sets it: a slow client, an idle tunnel, an old one, a half-closed one. */
import { beforeAll, expect, test } from "bun:test";
import { createServer, type AddressInfo } from "node:net";
import { allowLocal, type AccessProxy } from "../../support/access-proxy.ts";
import { start, type Program } from "../../support/program.ts";
import { scenario } from "../../support/scenario.ts";
import { freePort } from "../../support/free-port.ts";
import { until } from "../../support/until.ts";

scenario(import.meta.file, ["socat"], ({ scene, portail }) => {
  let port: number;
  beforeAll(async () => {
    port = freePort();
    const echo = ["socat", "-d", "-d", `TCP4-LISTEN:${port},bind=127.0.0.1,fork`, "EXEC:cat"];
    await start(scene, echo).output("stderr", /listening on/);
  });

  const proxyWith = (...args: string[]) => portail.socks({ policy: allowLocal(port), args });
  /** `linger`: seconds that socat waits for one direction when the other has ended. */
  const tunnel = async (proxy: AccessProxy, linger = 0.1): Promise<Program> => {
    const way = `SOCKS4A:127.0.0.1:localhost:${port},socksport=${proxy.port}`;
    const client = start(scene, ["socat", `-t${linger}`, "-", way], { feed: true });
    await client.write("hello\n");
    await client.output("stdout", /hello/);
    return client;
  };

  test("weakness 6.2.9: --handshake-timeout: a client that says nothing, or only half, is let go and recorded", async () => {
    const proxy = await proxyWith("--handshake-timeout", "300ms");
    for (const said of ["", "\x05", "\x05\x01\x00\x05\x01\x00\x03\x09local", "CONNECT 127.0.0.1:1 HTTP/1.1\r\n"]) {
      proxy.forget();
      const client = start(scene, ["socat", "-t0.1", "-", `TCP4:127.0.0.1:${proxy.port}`], { feed: true });
      if (said !== "") await client.write(said);
      await client.ended;
      expect(await proxy.record("reject")).toMatchObject({ reason: "timeout" });
      expect(proxy.audit().filter(({ event }) => event === "decision")).toEqual([]);
    }
  });

  for (const [flag, reason] of [
    ["--idle-timeout", "idle"],
    ["--max-conn-lifetime", "lifetime"],
  ]) {
    test(`weakness 6.2.12: ${flag}: the tunnel is cut and the record says why`, async () => {
      const proxy = await proxyWith(flag!, "400ms");
      const client = await tunnel(proxy);
      await client.ended;
      expect(client.stdout).toBe("hello\n");
      expect(await proxy.record("close")).toMatchObject({ reason, sent: 6, received: 6 });
    });
  }

  test("weakness 6.2.12: --close-timeout: a tunnel of which one direction has ended is cut", async () => {
    const silent = createServer({ allowHalfOpen: true }, (socket) => void socket.on("error", () => {}).resume());
    await new Promise<void>((listening) => silent.listen(0, "127.0.0.1", listening));
    scene.defer(() => silent.close());
    const { port: deaf } = silent.address() as AddressInfo;
    const proxy = await portail.socks({ policy: allowLocal(deaf), args: ["--close-timeout", "400ms"] });
    const way = `SOCKS4A:127.0.0.1:localhost:${deaf},socksport=${proxy.port}`;
    const client = start(scene, ["socat", "-t20", "-", way], { feed: true });
    await client.write("hello\n");
    await client.endInput();
    await client.ended;
    expect(await proxy.record("close")).toMatchObject({ reason: "half_closed", sent: 6, received: 0 });
  });

  test("--idle-timeout spares a tunnel in which bytes move", async () => {
    const proxy = await proxyWith("--idle-timeout", "2s");
    const client = await tunnel(proxy, 20);
    for (let i = 0; i < 12; i++) {
      await client.write(`${i}\n`);
      await client.output("stdout", new RegExp(`^${i}$`, "m"));
      await Bun.sleep(250);
    }
    expect(client.running).toBe(true);
    await client.endInput();
    await client.ended;
    expect(await proxy.record("close")).toMatchObject({ sent: 32, received: 32 });
  });

  test("weakness 6.2.12: the system probes both ends of a tunnel that has lived a while", async () => {
    const proxy = await proxyWith();
    const client = await tunnel(proxy, 20);
    // proc(5): local and remote address, state 01 (established), queues, and the timer: 02 is keepalive.
    const hex = (value: number) => value.toString(16).toUpperCase().padStart(4, "0");
    const probed = async (ends: string) => {
      const rows = (await Bun.file("/proc/net/tcp").text()).split("\n");
      return rows.some((row) => new RegExp(`^ *\\d+: ${ends} 01 \\w+:\\w+ 02:`).test(row));
    };
    await until("probes of the client", () => probed(`0100007F:${hex(proxy.port)} \\w+:\\w+`), 25_000);
    await until("probes of the target", () => probed(`\\w+:\\w+ 0100007F:${hex(port)}`));
    await client.endInput();
    await client.ended;
  });

  test("without a flag nothing is cut", async () => {
    const proxy = await proxyWith();
    const client = await tunnel(proxy, 20);
    await client.endInput();
    expect(await client.ended).toBe(0);
    expect(await proxy.record("close")).toMatchObject({ reason: expect.stringMatching(/^(client|upstream)$/) });
  });
});
