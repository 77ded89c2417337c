/** Where datagrams go: the policy, names and reloads are held to for each of them, and what waits or sweeps is bounded. No time is asserted. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Scene } from "../../support/scene.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { startDns } from "../dns-server.ts";
import { until } from "../harness.ts";
import { datagramStage, tally, udpTo } from "./stage.ts";

setDefaultTimeout(60_000);

const scene = new Scene();
afterAll(() => scene.close());
const { here, there, withAssociation } = await datagramStage(scene);

describe("where datagrams go", () => {
  /** The reference: "UDP ASSOCIATE disabled because ACL was not evaluated per datagram". */
  test("the policy is evaluated per datagram: an allowed destination opens no other", () =>
    withAssociation(async (client, proxy) => {
      for (let i = 0; i < 10; i++) {
        await client.send("127.0.0.1", there.port, `forbidden ${i}`);
        await client.send("127.0.0.1", here.port, `allowed ${i}`);
      }
      await client.answer("allowed 9");
      expect(there.received).toEqual([]);
      expect(here.received).toEqual(Array.from({ length: 10 }, (_, i) => `allowed ${i}`));
      expect(await tally(client, proxy)).toEqual({ sent: 10, received: 10, dropped: 10 });
      // One line for each destination, not for each datagram.
      expect(proxy.events("decision").map(({ target, decision }) => [target, decision])).toEqual([
        [`127.0.0.1:${there.port}`, "deny"],
        [`127.0.0.1:${here.port}`, "allow"],
      ]);
      expect(proxy.events("decision")[0]!.facts).toMatchObject({ "proxy.cmd": "udp_associate", port: there.port });
    }));

  test("a policy for connections lets no datagram out", () =>
    withAssociation(
      async (client, proxy) => {
        await client.send("127.0.0.1", here.port, "quic");
        expect(await proxy.event("decision")).toMatchObject({
          decision: "deny",
          policy: "web",
          reason: "guard",
          guard: "udp",
          facts: { "proxy.cmd": "udp_associate" },
        });
        expect(here.received).toEqual([]);
      },
      { acl: `policy web { when dest.ip in [127.0.0.0/8] and port == ${here.port} action allow }` },
    ));

  test("a name that has a loopback address is refused by the address guard, and resolved once", async () => {
    const dns = await startDns({ "rebind.example": [["127.0.0.1"]] });
    const acl = `policy any { when proxy.cmd == "udp_associate" and port == ${here.port} action allow }`;
    await withAssociation(
      async (client, proxy) => {
        for (let i = 0; i < 5; i++) await client.send("rebind.example", here.port, `${i}`);
        expect(await proxy.event("decision")).toMatchObject({ decision: "deny", guard: "loopback" });
        for (let i = 0; i < 5; i++) await client.send("rebind.example", here.port, `${i}`);
        expect((await tally(client, proxy)).dropped).toBeGreaterThanOrEqual(5);
        expect(here.received).toEqual([]);
        expect(dns.asked("rebind.example", "A")).toBe(1);
        expect(proxy.events("decision")).toHaveLength(1);
      },
      { acl, flags: ["--resolver", dns.address] },
    );
    dns.close();
  });

  test("what waits for a name is sent in order; an address that changes later is not followed", async () => {
    const dns = await startDns({ "slow.example": [["127.0.0.1"], ["127.0.0.9"]] });
    await withAssociation(
      async (client) => {
        for (let i = 0; i < 8; i++) await client.send("slow.example", here.port, `${i}`);
        await client.answer("7");
        await client.send("slow.example", here.port, "later");
        await client.answer("later");
        expect(here.received).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "later"]);
        expect(client.received.map(({ from }) => from)).toEqual(Array(9).fill(`127.0.0.1:${here.port}`));
        expect(dns.asked("slow.example", "A")).toBe(1);
      },
      { flags: ["--resolver", dns.address] },
    );
    dns.close();
  });

  test("a reload decides anew by the address that is known, and says nothing where nothing changes", async () => {
    const dns = await startDns({ "moved.example": [["127.0.0.1"], ["127.0.0.9"]] });
    await withAssociation(
      async (client, proxy) => {
        await client.send("moved.example", here.port, "before");
        await client.answer("before");
        proxy.writePolicy(`${udpTo(here.port)}\n# the same`);
        proxy.runtime.signal("SIGHUP");
        await proxy.event("reload");
        await client.send("moved.example", here.port, "after");
        await client.answer("after");
        expect(here.received).toEqual(["before", "after"]);
        expect(dns.asked("moved.example", "A")).toBe(1);
        expect(proxy.events("decision")).toHaveLength(1);
      },
      { flags: ["--resolver", dns.address] },
    );
    dns.close();
  });

  test("a reload that denies holds for the next datagram to an address that nobody answered from", () =>
    withAssociation(async (client, proxy) => {
      await client.send("127.0.0.1", here.port, "before");
      await client.answer("before");
      proxy.writePolicy(udpTo(there.port));
      proxy.runtime.signal("SIGHUP");
      await proxy.event("reload");
      await client.send("127.0.0.1", here.port, "after");
      await client.send("127.0.0.1", there.port, "there");
      await client.answer("there");
      expect(here.received).toEqual(["before"]);
    }));

  test("of what waits for a slow resolver the first sixteen are kept, in order", async () => {
    const dns = await startDns({ "slow.example": [["127.0.0.1"]] });
    const slow = await udpSocket();
    const [, dnsPort] = dns.address.split(":");
    slow.on("message", (query, from) => {
      if (from.port === Number(dnsPort)) slow.send(query, asker!.port, asker!.address);
      else {
        asker = from;
        setTimeout(() => slow.send(query, Number(dnsPort), "127.0.0.1"), 200);
      }
    });
    let asker: { port: number; address: string } | undefined;
    await withAssociation(
      async (client, proxy) => {
        for (let i = 0; i < 40; i++) await client.send("slow.example", here.port, `${i}`);
        await client.answer("15");
        expect(here.received).toEqual(Array.from({ length: 16 }, (_, i) => `${i}`));
        expect(await tally(client, proxy)).toEqual({ sent: 16, received: 16, dropped: 24 });
      },
      { flags: ["--resolver", `127.0.0.1:${slow.address().port}`] },
    );
    slow.close();
    dns.close();
  });

  test("more than a few that wait for a resolver that is silent are dropped; the name is not tried for each", async () => {
    const dns = await startDns({}, ["silent.example"]);
    await withAssociation(
      async (client, proxy) => {
        for (let i = 0; i < 40; i++) await client.send("silent.example", here.port, Buffer.alloc(1200));
        expect(await proxy.event("decision")).toMatchObject({ reason: "unresolved" });
        expect(await tally(client, proxy)).toEqual({ sent: 0, received: 0, dropped: 40 });
        expect(dns.asked("silent.example", "A")).toBe(1);
      },
      { flags: ["--resolver", dns.address, "--dns-timeout", "500ms"] },
    );
    dns.close();
  });

  test("a sweep over thousands of destinations is cut short: neither the audit nor the memory grows with it", () =>
    withAssociation(async (client, proxy) => {
      for (let port = 1; port <= 3000; port++) {
        await client.send("127.0.0.1", port, "anybody?");
        // The system drops what nobody reads in time.
        if (port % 100 === 0) await Bun.sleep(2);
      }
      const again = setInterval(() => void client.send("127.0.0.1", here.port, "and here"), 20);
      await until(() => client.received.length > 0, "an answer, once destinations may be new again").finally(() =>
        clearInterval(again),
      );
      await tally(client, proxy);
      // 512 at once, and 256 more each second.
      expect(proxy.events("decision").length).toBeLessThan(1500);
    }));

  test("hosts and ports that are none are dropped, and recorded once where they have a name", () =>
    withAssociation(async (client, proxy) => {
      for (let i = 0; i < 3; i++) await client.send("two words", 53, "x");
      await client.send("127.0.0.1", 0, "x");
      await client.sendRaw(Uint8Array.of(0, 0, 0, 3, 2, 0xc3, 0x28, 0, 53));
      expect(await tally(client, proxy)).toEqual({ sent: 0, received: 0, dropped: 5 });
      expect(proxy.events("reject").map(({ reason }) => reason)).toEqual(["bad_target"]);
      expect(proxy.events("decision")).toEqual([]);
    }));

  test("a reload changes what may be sent and who may answer, from the next datagram on", () =>
    withAssociation(async (client, proxy) => {
      await client.send("127.0.0.1", here.port, "before");
      await client.answer("before");
      const { port, address } = here.sources.at(-1)!;
      proxy.writePolicy(udpTo(there.port));
      proxy.runtime.signal("SIGHUP");
      await proxy.event("reload");
      here.socket.send("too late", port, address);
      await client.send("127.0.0.1", here.port, "after");
      await client.send("127.0.0.1", there.port, "there");
      await client.answer("there");
      expect([here.received, there.received]).toEqual([["before"], ["there"]]);
      expect(client.received.map(({ data }) => data.toString())).toEqual(["before", "there"]);
      const told = proxy.events("decision").map(({ target, decision }) => `${decision} ${target}`);
      expect(told).toEqual([
        `allow 127.0.0.1:${here.port}`,
        `deny 127.0.0.1:${here.port}`,
        `allow 127.0.0.1:${there.port}`,
      ]);
    }));
});
