/** UDP associations against clients and targets that mean no good: who is heard, where anything goes, and what is kept. No time is asserted. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Associated, datagramHeader, type AssociateOptions } from "../support/associated.ts";
import { udpEcho, type UdpEcho } from "../support/udp-echo.ts";
import { udpSocket } from "../support/udp-socket.ts";
import { mutate } from "../fuzz/mutate.ts";
import { startDns } from "./dns-server.ts";
import { startProxy, until, type RunningProxy } from "./harness.ts";
import { createPrng } from "./prng.ts";
import { RawClient } from "./raw-client.ts";

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 50_000 : 2000;

setDefaultTimeout(60_000);

const ends: (() => unknown)[] = [];
const scene = { defer: (end: () => unknown) => void ends.push(end) };
let here: UdpEcho;
let there: UdpEcho;
beforeAll(async () => {
  here = await udpEcho(scene);
  there = await udpEcho(scene);
});
afterAll(() => {
  for (const end of ends) end();
});

const udpTo = (...ports: number[]) =>
  `policy udp { when proxy.cmd == "udp_associate" and dest.ip in [127.0.0.0/8, ::1] and port in [${ports.join(", ")}] action allow }`;

/** Runs `body` with a proxy that relays to `here`, and an association. */
async function withAssociation(
  body: (client: Associated, proxy: RunningProxy) => Promise<void>,
  { acl = udpTo(here.port), flags = [], ...options }: AssociateOptions & { acl?: string; flags?: string[] } = {},
): Promise<void> {
  const proxy = await startProxy(acl, ["--udp", ...flags]);
  const client = await Associated.open(proxy.port, options);
  here.received.length = there.received.length = 0;
  try {
    await body(client, proxy);
  } finally {
    client.close();
    await proxy.stop();
  }
}

/** The end of an association: how many datagrams it sent, received and dropped. */
async function tally(client: Associated, proxy: RunningProxy) {
  client.tcp.destroy();
  return (await proxy.event("close", ({ datagrams }) => datagrams !== undefined)).datagrams!;
}

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

describe("what is no datagram of SOCKS5", () => {
  test("fragments are dropped, each of them", () =>
    withAssociation(async (client, proxy) => {
      for (const frag of [1, 2, 0x7f, 0x80, 0xff]) {
        const datagram = Buffer.concat([datagramHeader("127.0.0.1", here.port), Buffer.from("part")]);
        datagram[2] = frag;
        await client.sendRaw(datagram);
      }
      await client.send("127.0.0.1", here.port, "whole");
      await client.answer("whole");
      expect(here.received).toEqual(["whole"]);
      expect(await tally(client, proxy)).toEqual({ sent: 1, received: 1, dropped: 5 });
    }));

  test("every cut of a header is dropped, a header without data is a datagram", () =>
    withAssociation(async (client, proxy) => {
      const header = datagramHeader("127.0.0.1", here.port);
      for (let cut = 0; cut < header.length; cut++) await client.sendRaw(header.subarray(0, cut));
      await client.sendRaw(header);
      await client.answer("");
      expect(here.received).toEqual([""]);
      // An empty datagram is none to the runtime's socket, or is dropped with the others.
      expect((await tally(client, proxy)).sent).toBe(1);
    }));

  test(`${ROUNDS} mutated datagrams: nothing reaches where it may not, and the association goes on`, () =>
    withAssociation(async (client, proxy) => {
      const random = createPrng();
      const seeds = [
        datagramHeader("127.0.0.1", here.port),
        datagramHeader("127.0.0.1", there.port),
        datagramHeader("a.example", 53),
      ];
      for (let round = 0; round < ROUNDS; round++) {
        const seed = Buffer.concat([seeds[random.below(seeds.length)]!, random.bytes(random.below(40))]);
        await client.sendRaw(random.below(10) === 0 ? random.bytes(random.below(80)) : mutate(seed, random));
      }
      const answered = until(
        () => client.received.find(({ data }) => data.toString() === "still here"),
        `seed ${random.seed}`,
      );
      const again = setInterval(() => void client.send("127.0.0.1", here.port, "still here"), 50);
      await answered.finally(() => clearInterval(again));
      expect([random.seed, there.received]).toEqual([random.seed, []]);
      expect((await tally(client, proxy)).dropped).toBeGreaterThan(0);
    }));
});

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
    const last = await until(() => proxy.events("close").length + proxy.events("reject").length >= 0, "records");
    expect(last).toBe(true);
    let client: Associated;
    do client = await Associated.open(proxy.port);
    while (client.code !== 0);
    client.close();
    await proxy.stop();
  });
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
