/** From whom a client gets answers, and what it sees of them, in both families of addresses. No time is asserted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Associated } from "../../support/associated.ts";
import { Scene } from "../../support/scene.ts";
import { udpEcho } from "../../support/udp-echo.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { startProxy, until } from "../harness.ts";
import { datagramStage, tally, udpTo } from "./stage.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());
const { here, there, withAssociation } = await datagramStage(scene);

describe("who may answer", () => {
  test("only whoever was sent to, by address and port", () =>
    withAssociation(async (client, proxy) => {
      await client.send("127.0.0.1", here.port, "hello");
      await client.answer("hello");
      const { port } = here.sources.at(-1)!;
      const stranger = await udpSocket("127.0.0.1");
      const elsewhere = await udpSocket("127.0.0.3");
      stranger.send("from another port", port, "127.0.0.1");
      elsewhere.send("from another address", port, "127.0.0.1");
      here.socket.send("from the target", port, "127.0.0.1");
      await client.answer("from the target");
      stranger.close();
      elsewhere.close();
      expect(client.received.map(({ data }) => data.toString())).toEqual(["hello", "from the target"]);
      expect((await tally(client, proxy)).dropped).toBe(2);
    }));

  test("all targets see one address and port, and each answer names its source", () =>
    withAssociation(
      async (client) => {
        await client.send("127.0.0.1", here.port, "here");
        await client.send("127.0.0.1", there.port, "there");
        const answers = [await client.answer("here"), await client.answer("there")];
        expect(here.sources.at(-1)!.port).toBe(there.sources.at(-1)!.port);
        expect(answers.map(({ from }) => from)).toEqual([`127.0.0.1:${here.port}`, `127.0.0.1:${there.port}`]);
      },
      { acl: udpTo(here.port, there.port) },
    ));

  test("an answer as large as a datagram with its header can be comes whole; a larger one is dropped", () =>
    withAssociation(async (client, proxy) => {
      await client.send("127.0.0.1", here.port, "hello");
      await client.answer("hello");
      const { port } = here.sources.at(-1)!;
      here.socket.send(Buffer.alloc(65_507, "x"), port, "127.0.0.1");
      here.socket.send(Buffer.alloc(65_497, "y"), port, "127.0.0.1");
      const large = await until(() => client.received.find(({ data }) => data.length > 60_000), "the large answer");
      expect(large.data.equals(Buffer.alloc(65_497, "y"))).toBe(true);
      expect((await tally(client, proxy)).dropped).toBe(1);
    }));

  test("a target that is not there ends nothing", () =>
    withAssociation(
      async (client) => {
        const gone = await udpEcho({ defer() {} });
        const { port } = gone;
        gone.socket.close();
        for (let i = 0; i < 20; i++) {
          await client.send("127.0.0.1", port, "anybody?");
          await client.send("127.0.0.1", here.port, `${i}`);
          await client.answer(`${i}`);
        }
        expect(here.received).toHaveLength(20);
      },
      { acl: `policy udp { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8] action allow }` },
    ));
});

describe("addresses of both families", () => {
  test.each([
    ["127.0.0.1", "::1"],
    ["::1", "127.0.0.1"],
    ["::1", "::1"],
  ])("a client at %s, a target at %s", async (host, target) => {
    const echo = await udpEcho(scene, target);
    const proxy = await startProxy(udpTo(echo.port), ["--udp", "--listen", "[::1]:0"]);
    const { listen } = await proxy.event("start");
    const port = Number(
      listen!
        .find((one) => one.includes(host))!
        .split(":")
        .at(-1),
    );
    const client = await Associated.open(port, { host });
    try {
      expect([client.code, client.relay.ip]).toEqual([0, host]);
      await client.send(target, echo.port, "hello");
      const { from } = await client.answer("hello");
      expect(from).toBe(target === "::1" ? `[::1]:${echo.port}` : `127.0.0.1:${echo.port}`);
    } finally {
      client.close();
      await proxy.stop();
    }
  });

  test("--udp-address is what a client of its family is told", async () => {
    const flags = ["--udp", "--listen", "[::1]:0", "--udp-address", "192.0.2.7"];
    const proxy = await startProxy(udpTo(here.port), flags);
    const { listen } = await proxy.event("start");
    const ports = listen!.map((one) => Number(one.split(":").at(-1)));
    const four = await Associated.open(ports[0]!);
    const six = await Associated.open(ports[1]!, { host: "::1" });
    expect([four.relay.ip, six.relay.ip]).toEqual(["192.0.2.7", "::1"]);
    four.close();
    six.close();
    await proxy.stop();
  });
});
