/** What ends an association, and what does not. No time is asserted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Associated } from "../../support/associated.ts";
import { Scene } from "../../support/scene.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { startProxy, until } from "../harness.ts";
import { RawClient } from "../raw-client.ts";
import { datagramStage, udpTo } from "./stage.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());
const { here, withAssociation } = await datagramStage(scene);

describe("an association is as long as its connection, and no longer", () => {
  test.each([
    ["ends", (client: Associated) => client.tcp.end()],
    ["is reset", (client: Associated) => client.tcp.resetAndDestroy()],
  ])("the connection %s", (_, end) =>
    withAssociation(async (client, proxy) => {
      await client.send("127.0.0.1", here.port, "hello");
      await client.answer("hello");
      end(client);
      const close = await proxy.event("close");
      expect(close).toMatchObject({ reason: "client", sent: 5, received: 5, target: `127.0.0.1:${client.relay.port}` });
      expect(close.datagrams).toEqual({ sent: 1, received: 1, dropped: 0 });
      // Nobody is there any more: the port is free for whoever wants it.
      (await udpSocket("127.0.0.1", client.relay.port)).close();
    }),
  );

  test("what is said over the connection is not heard, and does not end it", () =>
    withAssociation(async (client) => {
      client.tcp.write(Buffer.alloc(300_000, 5));
      await client.send("127.0.0.1", here.port, "hello");
      await client.answer("hello");
      expect(client.closed).toBe(false);
    }));

  test("nothing goes through it for --udp-idle-timeout: it ends, and the connection with it", () =>
    withAssociation(
      async (client, proxy) => {
        expect(await proxy.event("close")).toMatchObject({ reason: "idle", sent: 0 });
        await until(() => client.closed, "the end of the connection");
      },
      { flags: ["--udp-idle-timeout", "300ms"] },
    ));

  test("a client that leaves before its answer leaves nothing behind", async () => {
    const proxy = await startProxy(udpTo(here.port), ["--udp", "--max-concurrent-conns", "2"]);
    for (let i = 0; i < 30; i++) {
      const client = await RawClient.open(proxy.port);
      client.write(Buffer.from("05010005030001000000000000", "hex"));
      client.socket.destroy();
    }
    // Each is told of: as one that left, or one that found no place.
    await until(() => proxy.events("close").length + proxy.events("reject").length === 30, "a record of each");
    // Every place is free again.
    const pair = () => Promise.all([Associated.open(proxy.port), Associated.open(proxy.port)]);
    const close = (clients: Associated[]) => clients.forEach((client) => client.close());
    let clients = await pair();
    for (let tries = 0; tries < 50 && clients.some(({ code }) => code !== 0); tries++) {
      close(clients);
      clients = await pair();
    }
    expect(clients.map(({ code }) => code)).toEqual([0, 0]);
    close(clients);
    await proxy.stop();
  });
});
