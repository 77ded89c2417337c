/** Of whom a relay takes datagrams, and who gets none at all. No time is asserted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Associated } from "../../support/associated.ts";
import { Scene } from "../../support/scene.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { startProxy, until } from "../harness.ts";
import { datagramStage, tally, udpTo } from "./stage.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());
const { here, withAssociation } = await datagramStage(scene);

describe("who is heard", () => {
  test("another address of this machine is not, however well-formed", () =>
    withAssociation(async (client, proxy) => {
      const stranger = await udpSocket("127.0.0.2");
      await client.send("127.0.0.1", here.port, "spoofed", stranger);
      await client.send("127.0.0.1", here.port, "own");
      await client.answer("own");
      await client.send("127.0.0.1", here.port, "spoofed again", stranger);
      await client.send("127.0.0.1", here.port, "end");
      await client.answer("end");
      stranger.close();
      expect(here.received).toEqual(["own", "end"]);
      expect(await tally(client, proxy)).toEqual({ sent: 2, received: 2, dropped: 2 });
    }));

  test("the first port that speaks is the client's, another one of its address is not", () =>
    withAssociation(async (client, proxy) => {
      const other = await udpSocket("127.0.0.1");
      await client.send("127.0.0.1", here.port, "first");
      await client.answer("first");
      await client.send("127.0.0.1", here.port, "second", other);
      await client.send("127.0.0.1", here.port, "third");
      await client.answer("third");
      other.close();
      expect(here.received).toEqual(["first", "third"]);
      expect(await tally(client, proxy)).toEqual({ sent: 2, received: 2, dropped: 1 });
    }));

  test("garbage binds no port", () =>
    withAssociation(async (client) => {
      const other = await udpSocket("127.0.0.1");
      await client.sendRaw(Buffer.from("hello"), other);
      await client.send("127.0.0.1", here.port, "own");
      await client.answer("own");
      other.close();
    }));

  test("an announced port is held to: another one is not heard even where it is the first", () =>
    withAssociation(
      async (client) => {
        const other = await udpSocket("127.0.0.1");
        await client.send("127.0.0.1", here.port, "early bird", other);
        await client.send("127.0.0.1", here.port, "announced");
        await client.answer("announced");
        other.close();
        expect(here.received).toEqual(["announced"]);
      },
      { announce: "self" },
    ));

  test("an announced address that is not the client's is refused at once", () =>
    withAssociation(
      async (client, proxy) => {
        expect(client.code).toBe(2);
        expect(await proxy.event("reject")).toMatchObject({ reason: "protocol" });
      },
      { announce: Buffer.from("01c00002040035", "hex") },
    ));
});

describe("who gets no association", () => {
  test("nobody without --udp: command not supported", async () => {
    const proxy = await startProxy(udpTo(here.port));
    expect((await Associated.open(proxy.port)).code).toBe(7);
    expect(await proxy.event("reject")).toMatchObject({ reason: "protocol" });
    await proxy.stop();
  });

  test("a client on a UNIX socket, which has no address that datagrams could come from", async () => {
    const folder = mkdtempSync(join(tmpdir(), "portail-adversarial-"));
    const path = join(folder, "proxy.sock");
    const proxy = await startProxy(udpTo(here.port), ["--udp", "--listen", `unix:${path}`]);
    const client = createConnection({ path });
    client.write(Buffer.from("05010005030001000000000000", "hex"));
    let answer = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => (answer = Buffer.concat([answer, chunk])));
    await until(() => answer.length >= 12, "the answer");
    expect(answer.toString("hex")).toStartWith("05000507");
    expect(await proxy.event("reject")).toMatchObject({ reason: "protocol", client: "unix:" });
    client.destroy();
    await proxy.stop();
    rmSync(folder, { recursive: true });
  });

  test("who is one too many, in all or of one address, until a place is given back", async () => {
    for (const flag of ["--max-concurrent-conns", "--max-conns-per-client"]) {
      const proxy = await startProxy(udpTo(here.port), ["--udp", flag, "2"]);
      const [one, two, three] = await Promise.all([1, 2, 3].map(() => Associated.open(proxy.port)));
      expect([one!.code, two!.code, three!.code].toSorted()).toEqual([0, 0, 1]);
      expect(await proxy.event("reject")).toMatchObject({ reason: "limit" });
      for (const client of [one!, two!, three!]) client.close();
      await until(() => proxy.events("close").length === 2, "two ends");
      expect((await Associated.open(proxy.port)).code).toBe(0);
      await proxy.stop();
    }
  });

  test("a drain lets open associations be, and takes no new one", async () => {
    const proxy = await startProxy(udpTo(here.port), ["--udp"]);
    const client = await Associated.open(proxy.port);
    const drained = proxy.drain();
    await proxy.event("drain");
    await client.send("127.0.0.1", here.port, "still");
    await client.answer("still");
    client.close();
    expect(await drained).toBe(0);
  });
});
