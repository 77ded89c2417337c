/** Resolvers that are silent, wrong or forged, and what the stub tells its clients then. */
import { afterEach, expect, test } from "bun:test";
import { dnsQuery, dnsReply, parseDns, words } from "../../support/dns-message.ts";
import { askUdp, DnsConnection, DnsUpstream, framed, type Asked } from "../../support/dns-upstream.ts";
import { freePort } from "../../support/free-port.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { until } from "../../support/until.ts";
import { runStub, type RunningStub, type StubChanges } from "./stub.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function upstream(answer?: (asked: Asked) => void): Promise<DnsUpstream> {
  const it = await DnsUpstream.open(answer);
  ends.push(() => it.close());
  return it;
}

async function stub(changes: StubChanges): Promise<RunningStub> {
  const it = await runStub(changes);
  ends.push(() => it.stub.close());
  return it;
}

const address = (last: number) => [{ type: 1, data: Uint8Array.of(192, 0, 2, last) }];
const answers = (last: number) => (asked: Asked) => asked.reply(dnsReply(asked.query, address(last)));
const QUERY = dnsQuery("Other.Example", {
  id: 0x4242,
  edns: { size: 1400, options: words(65_001, 3, 0x0102, 0x0300).subarray(0, 7) },
});

/** The last byte of the address that was answered, or the rcode. */
async function ask(port: number, query = QUERY): Promise<string> {
  const answer = await askUdp(port, query);
  if (answer === undefined) return "silence";
  const { id, rcode, answers: records } = parseDns(answer);
  expect(id).toBe(query.readUInt16BE(0));
  return records.length === 0 ? `rcode ${rcode}` : `address ${records[0]!.data[3]}`;
}

test("a query goes out as it came but for its id and the case of its name, and the answer comes back so", async () => {
  const unknown = { type: 65_280, data: Buffer.from("\xc0\x0c any bytes \0\xff", "latin1") };
  const server = await upstream(({ query, reply }) => reply(dnsReply(query, [unknown, ...address(1)])));
  const { port, counts } = await stub({ ports: [server.port] });
  expect(await askUdp(port, QUERY)).toEqual(dnsReply(QUERY, [unknown, ...address(1)]));
  const [{ query }] = server.asked as [Asked];
  expect(query.toString("latin1", 2).toLowerCase()).toBe(QUERY.toString("latin1", 2).toLowerCase());
  expect(counts.answers.forwarded).toBe(1);
  expect(counts.waiting + counts.outstanding).toBe(0);
});

test("ids, ports and the case of letters are random", async () => {
  const server = await upstream(answers(1));
  const { port } = await stub({ ports: [server.port] });
  await Promise.all(Array.from({ length: 64 }, (_, i) => ask(port, dnsQuery(`long-enough-${i}.example`))));
  const of = (read: (asked: Asked) => unknown) => new Set(server.asked.map(read)).size;
  expect(of(({ query }) => query.readUInt16BE(0))).toBeGreaterThan(56);
  expect(of((asked) => asked.port)).toBe(8);
  const name = ({ query }: Asked) => query.toString("latin1", 13, 24);
  expect(of(name)).toBeGreaterThan(32);
  expect(new Set(server.asked.map((asked) => name(asked).toLowerCase())).size).toBe(1);
});

test("what is not the reply is not taken for it: other id, question, kind, or sender", async () => {
  const stranger = await udpSocket();
  ends.push(() => stranger.close());
  const server = await upstream(({ query, port, reply }) => {
    const forged = dnsReply(query, address(66));
    const changed = (change: (bytes: Buffer) => void) => {
      const bytes = Buffer.from(forged);
      change(bytes);
      return bytes;
    };
    stranger.send(forged, port, "127.0.0.1");
    reply(changed((bytes) => bytes.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0)));
    reply(changed((bytes) => (bytes[13]! ^= 1)));
    reply(changed((bytes) => bytes.writeUInt16BE(query.readUInt16BE(2), 2)));
    reply(forged.subarray(0, 14));
    reply(Buffer.alloc(0));
    setTimeout(() => reply(dnsReply(query, address(1))), 30);
  });
  const { port, counts } = await stub({ ports: [server.port], timeout: 5000 });
  expect(await ask(port)).toBe("address 1");
  expect(counts.upstream.unexpected).toBeGreaterThanOrEqual(5);
});

test("an answer in another case of letters is asked for again by TCP", async () => {
  const server = await upstream(({ query, transport, reply }) => {
    const lower = Buffer.from(query.toString("latin1").toLowerCase(), "latin1");
    query.copy(lower, 0, 0, 12);
    reply(dnsReply(transport === "udp" ? lower : query, address(transport === "udp" ? 66 : 1)));
  });
  const { port, counts } = await stub({ ports: [server.port] });
  expect(await ask(port, dnsQuery("a-name-of-many-letters.example"))).toBe("address 1");
  expect(counts.upstream.tcp).toBe(1);
});

test("a cut answer is passed on by UDP, and asked for again by TCP for who asks by TCP", async () => {
  const server = await upstream(({ query, transport, reply }) => {
    reply(transport === "udp" ? dnsReply(query, [], { flags: 0x0200 }) : dnsReply(query, address(1)));
  });
  const { port } = await stub({ ports: [server.port] });
  expect(parseDns((await askUdp(port, QUERY))!).flags & 0x0200).toBe(0x0200);
  expect(server.asked.map(({ transport }) => transport)).toEqual(["udp"]);
  const client = new DnsConnection(port);
  client.socket.write(framed(QUERY));
  await until("the answer", () => client.messages.length === 1);
  expect(client.messages[0]).toEqual(dnsReply(QUERY, address(1)));
  expect(server.asked.map(({ transport }) => transport)).toEqual(["udp", "udp", "tcp"]);
  client.socket.destroy();
});

test("an answer that is longer than the client takes is cut", async () => {
  const text = { type: 16, data: Buffer.concat([Buffer.of(250), Buffer.alloc(250, 97)]) };
  const server = await upstream(({ query, reply }) => reply(dnsReply(query, [text, text, text])));
  const { port } = await stub({ ports: [server.port] });
  const message = parseDns((await askUdp(port, dnsQuery("other.example", { type: 16, edns: { size: 600 } })))!);
  expect(message).toMatchObject({ flags: 0x8380, answers: [], additional: [{ type: 41 }] });
  const whole = parseDns((await askUdp(port, dnsQuery("other.example", { type: 16, edns: { size: 1232 } })))!);
  expect(whole.answers).toHaveLength(3);
});

test("the next resolver is asked where one is silent, not there, or answers an error; and first, from then on", async () => {
  const gone = await upstream();
  gone.close();
  ends.splice(ends.indexOf(ends.at(-1)!), 1);
  const silent = await upstream();
  const failing = await upstream(({ query, reply }) => reply(dnsReply(query, [], { rcode: 2 })));
  const bare = await upstream(({ query, reply }) => reply(words(query.readUInt16BE(0), 0x8181, 0, 0, 0, 0)));
  const broken = await upstream(({ query, reply }) => reply(dnsReply(query, address(66)).subarray(0, -1)));
  const good = await upstream(answers(1));
  const all = [gone, silent, failing, bare, broken, good];
  const { port, counts } = await stub({ ports: all.map((one) => one.port) });
  expect(await ask(port)).toBe("address 1");
  expect(all.map((one) => one.asked.length)).toEqual([0, 1, 1, 1, 1, 1]);
  expect(counts.upstream).toMatchObject({ timeout: 1, unreachable: 1, error: 2, malformed: 1, answered: 1 });
  expect(await ask(port)).toBe("address 1");
  expect(silent.asked).toHaveLength(1);
});

test("where none has an answer, an error of one is passed on, else SERVFAIL", async () => {
  const [silent, refusing] = [
    await upstream(),
    await upstream(({ query, reply }) => reply(dnsReply(query, [], { rcode: 5 }))),
  ];
  const both = await stub({ ports: [refusing.port, silent.port] });
  expect(await ask(both.port)).toBe("rcode 5");
  const alone = await stub({ ports: [silent.port] });
  const { rcode, additional } = parseDns((await askUdp(alone.port, QUERY))!);
  expect(rcode).toBe(2);
  // Extended error 22: no reachable authority.
  expect(additional[0]!.data).toEqual(words(15, 2, 22));
  // It was asked twice: a datagram may have been lost.
  expect(silent.asked).toHaveLength(3);
  expect(alone.counts.answers.failed).toBe(1);
});

test("that a name does not exist is an answer", async () => {
  const [first, second] = [
    await upstream(({ query, reply }) => reply(dnsReply(query, [], { rcode: 3 }))),
    await upstream(answers(1)),
  ];
  const { port } = await stub({ ports: [first.port, second.port] });
  expect(await ask(port)).toBe("rcode 3");
  expect(second.asked).toEqual([]);
});

test("no resolver may answer with addresses that stand for names", async () => {
  const forged = [
    { type: 1, data: Uint8Array.of(198, 18, 0, 1) },
    { type: 28, data: Buffer.from("00000000000000000000ffffc6120001", "hex") },
    { type: 28, data: Buffer.from("fd000000000000000000000000000001", "hex") },
    { type: 65, data: Buffer.from("00010000040004c6120001", "hex") },
  ];
  for (const record of forged) {
    const server = await upstream(({ query, reply }) => reply(dnsReply(query, [...address(1), record])));
    const { port, counts } = await stub({ ports: [server.port] });
    expect(await ask(port)).toBe("rcode 2");
    expect(counts.answers.forged).toBe(1);
  }
});

test("who asks the same at the same time shares one question, and each gets its own id and case", async () => {
  const held: Asked[] = [];
  const server = await upstream((asked) => held.push(asked));
  const { port, counts } = await stub({ ports: [server.port], timeout: 5000 });
  const queries = ["one.example", "ONE.example", "one.EXAMPLE"].map((name, i) => dnsQuery(name, { id: i + 1 }));
  const all = Promise.all(queries.map((query) => askUdp(port, query)));
  await until("all wait", () => counts.waiting === 3);
  expect(counts.outstanding).toBe(1);
  held[0]!.reply(dnsReply(held[0]!.query, address(1)));
  expect(await all).toEqual(queries.map((query) => dnsReply(query, address(1))));
  expect(server.asked).toHaveLength(1);
});

test("no more wait than may, and the rest is told so", async () => {
  const server = await upstream();
  const { port, counts } = await stub({ ports: [server.port], mostWaiting: 2, timeout: 60_000 });
  for (let i = 0; i < 2; i++) void askUdp(port, dnsQuery(`n${i}.example`), 1);
  await until("two wait", () => counts.waiting === 2);
  expect(await ask(port, dnsQuery("n3.example"))).toBe("rcode 2");
  expect(counts.answers.busy).toBe(1);
  expect(await ask(port, dnsQuery("db.mapped.example"))).toBe("address 1");
});

test("a resolver that is the stub itself is refused; two that ask each other end without an answer", async () => {
  const port = freePort();
  const listen = [{ kind: "tcp", host: "127.0.0.1", port } as const];
  const itself = await runStub({ listen, ports: [port] }).catch((error: unknown) => error);
  expect(itself).toMatchObject({ code: "tproxy.dns_loop", exit: 78 });
  const back = await stub({ ports: [port] });
  const loop = await stub({ listen, ports: [back.port] });
  expect(await ask(port)).toBe("rcode 2");
  await until("nobody waits", () => loop.counts.waiting + back.counts.waiting === 0);
  expect(loop.counts.queries.udp + back.counts.queries.udp).toBeLessThan(10);
});

test("a resolver that hangs up, or floods, by TCP", async () => {
  const cut = (query: Buffer) => dnsReply(query, [], { flags: 0x0200 });
  const kinds: ((asked: Asked) => void)[] = [
    ({ hangUp }) => hangUp(),
    ({ reply }) => reply(Buffer.alloc(3)),
    ({ query, reply }) => reply(dnsReply(dnsQuery("x", { id: query.readUInt16BE(0) }), [])),
    () => {},
  ];
  for (const [i, kind] of kinds.entries()) {
    const server = await upstream((asked) => (asked.transport === "udp" ? asked.reply(cut(asked.query)) : kind(asked)));
    const { port, counts } = await stub({ ports: [server.port] });
    const client = new DnsConnection(port);
    client.socket.write(framed(QUERY));
    await until("the answer", () => client.messages.length === 1);
    expect(parseDns(client.messages[0]!).rcode).toBe(2);
    expect(counts.waiting + counts.outstanding).toBe(0);
    // Only silence is waited for.
    expect(counts.upstream).toMatchObject(i === 3 ? { timeout: 2 } : { timeout: 0, unreachable: 2 });
    client.socket.destroy();
  }
});

test("of every name, those that are real have addresses of ours, and what is no address is passed on", async () => {
  const server = await upstream(({ query, reply }) => {
    const real = query.toString("latin1").toLowerCase().includes("real");
    const type = query.readUInt16BE(query.length - 4);
    const alias = { type: 5, data: dnsQuery("else.example").subarray(12, -4) };
    if (!real) reply(dnsReply(query, [], { rcode: 3 }));
    else if (type === 1) reply(dnsReply(query, [alias, ...address(1)]));
    else if (type === 15) reply(dnsReply(query, [{ type: 15, data: Buffer.from([0, 1, 0]) }]));
    else reply(dnsReply(query, [alias]));
  });
  const { port, audited } = await stub({ ports: [server.port], names: ["*", "own.example"] });
  const answer = async (name: string, type: number) => parseDns((await askUdp(port, dnsQuery(name, { type })))!);
  expect((await answer("real.example", 1)).answers).toMatchObject([{ type: 1, data: Buffer.of(198, 18, 0, 1) }]);
  // It has no such address, only an alias that leads to none.
  expect((await answer("real.example", 28)).answers).toMatchObject([{ type: 5 }]);
  expect((await answer("real.example", 15)).answers).toMatchObject([{ type: 15 }]);
  for (const type of [64, 65]) expect(await answer("real.example", type)).toMatchObject({ rcode: 0, answers: [] });
  expect(await answer("real.example", 255)).toMatchObject({ rcode: 0, answers: [] });
  const anyClass = await askUdp(port, dnsQuery("real.example", { class: 255 }));
  expect(parseDns(anyClass!).rcode).toBe(5);
  expect(server.asked).toHaveLength(3);
  expect(await answer("nobody.search.example", 1)).toMatchObject({ rcode: 3, answers: [] });
  expect((await answer("own.example", 1)).answers).toMatchObject([{ data: Buffer.of(198, 18, 0, 2) }]);
  const client = new DnsConnection(port);
  ends.push(() => client.socket.destroy());
  client.socket.write(Buffer.concat(["other.real.example", "nobody.example"].map((name) => framed(dnsQuery(name)))));
  await until("both answers", () => client.messages.length === 2);
  expect(client.messages.map((message) => parseDns(message).rcode).toSorted()).toEqual([0, 3]);
  expect(
    audited.filter(({ outcome }) => outcome === "fake").map(({ name, client }) => [name, client.transport]),
  ).toEqual([
    ["real.example", "udp"],
    ["own.example", "udp"],
    ["other.real.example", "tcp"],
  ]);
  expect(audited.some(({ name }) => name.startsWith("nobody"))).toBe(false);
});
