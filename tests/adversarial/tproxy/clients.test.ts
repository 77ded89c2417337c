/** Clients of the stub: what they may ask, what strangers may not, and those that flood, dawdle and garble. */
import { afterEach, expect, test } from "bun:test";
import { parseEndpoint, type Endpoint } from "../../../lib/net/endpoint.ts";
import { dnsQuery, dnsReply, parseDns, words } from "../../support/dns-message.ts";
import { askUdp, DnsConnection, DnsUpstream, framed, type Asked } from "../../support/dns-upstream.ts";
import { udpSocket } from "../../support/udp-socket.ts";
import { until } from "../../support/until.ts";
import { runStub, type RunningStub, type StubChanges } from "./stub.ts";

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function stub(changes: StubChanges = {}): Promise<RunningStub> {
  const it = await runStub(changes);
  ends.push(() => it.stub.close());
  return it;
}

async function upstream(answer?: (asked: Asked) => void): Promise<DnsUpstream> {
  const it = await DnsUpstream.open(answer);
  ends.push(() => it.close());
  return it;
}

function connection(port: number): DnsConnection {
  const it = new DnsConnection(port);
  ends.push(() => it.socket.destroy());
  return it;
}

const NAME = "db.mapped.example";
const ask = async (port: number, type: number, more: Parameters<typeof dnsQuery>[1] = {}, name = NAME) =>
  parseDns((await askUdp(port, dnsQuery(name, { type, ...more })))!);

test("a name of ours has an address of each family, and nothing else", async () => {
  const { port, audited } = await stub();
  const a = await ask(port, 1, {}, "DB.Mapped.example");
  expect(a).toMatchObject({ flags: 0x8580, questions: [{ name: "DB.Mapped.example" }], authority: [] });
  expect(a.answers).toMatchObject([{ type: 1, ttl: 30, data: Buffer.of(198, 18, 0, 1) }]);
  expect((await ask(port, 28)).answers).toMatchObject([
    { type: 28, data: Buffer.from("fd000000000000000000000000000001", "hex") },
  ]);
  for (const type of [2, 5, 6, 12, 15, 16, 33, 43, 48, 64, 65, 257, 65_280]) {
    const { rcode, answers, authority } = await ask(port, type);
    expect([type, rcode, answers, authority.map((one) => [one.name, one.type])]).toEqual([type, 0, [], [[NAME, 6]]]);
  }
  expect((await ask(port, 255)).answers).toHaveLength(1);
  for (const type of [0, 41, 128, 249, 250, 251, 252, 253, 254]) expect((await ask(port, type)).rcode).toBe(5);
  for (const other of [3, 4, 254, 255]) expect((await ask(port, 1, { class: other })).rcode).toBe(5);
  expect(audited).toHaveLength(2 + 13 + 1 + 9 + 4);
  expect(audited[0]).toMatchObject({
    client: { ip: "127.0.0.1", transport: "udp" },
    name: NAME,
    type: 1,
    outcome: "fake",
  });
});

test("the name of an address of ours is told, that of nobody is denied, and no resolver is asked", async () => {
  const server = await upstream();
  const { port } = await stub({ ports: [server.port] });
  await ask(port, 1);
  const reverse = (name: string, type = 12) => ask(port, type, {}, name);
  const target = Buffer.from(dnsQuery(NAME).subarray(12, -4));
  expect((await reverse("1.0.18.198.in-addr.arpa")).answers).toMatchObject([{ type: 12, data: target }]);
  expect((await reverse(`1.${"0.".repeat(29)}d.f.ip6.arpa`)).answers).toMatchObject([{ type: 12, data: target }]);
  expect(await reverse("1.0.18.198.in-addr.arpa", 16)).toMatchObject({ rcode: 0, answers: [] });
  const nobody = await reverse("9.0.18.198.in-addr.arpa");
  expect(nobody).toMatchObject({ rcode: 3, answers: [], authority: [{ name: "in-addr.arpa", type: 6 }] });
  expect(await reverse(`9.${"0.".repeat(29)}d.f.ip6.arpa`)).toMatchObject({
    rcode: 3,
    authority: [{ name: "ip6.arpa" }],
  });
  expect(server.asked).toEqual([]);
});

test("EDNS of a version that is not known, other opcodes, several questions, garbage and responses", async () => {
  const { port, counts } = await stub();
  const version = await ask(port, 1, { edns: { size: 1232, ttl: 0x0001_0000 } });
  expect(version).toMatchObject({ rcode: 0, answers: [], additional: [{ ttl: 0x0100_0000 }] });
  const raw = async (bytes: Buffer) => parseDns((await askUdp(port, bytes))!);
  expect(await raw(dnsQuery(NAME, { flags: 0x2000 }))).toMatchObject({ flags: 0xa004, questions: [] });
  const two = Buffer.concat([
    words(9, 0x0100, 2, 0, 0, 0),
    ...[1, 28].map((type) => dnsQuery(NAME, { type }).subarray(12)),
  ]);
  expect(await raw(two)).toMatchObject({ id: 9, rcode: 1, questions: [] });
  expect(await raw(Buffer.concat([dnsQuery(NAME), Buffer.of(0)]))).toMatchObject({ rcode: 1 });
  expect(await raw(Buffer.concat([dnsQuery(NAME), Buffer.alloc(4096)]))).toMatchObject({ rcode: 1 });
  expect(counts.answers).toMatchObject({ badversion: 1, unimplemented: 1, malformed: 3 });
  expect(await ask(port, 1, {}, "other.example")).toMatchObject({ rcode: 5 });
  const socket = await udpSocket();
  ends.push(() => socket.close());
  const came: Buffer[] = [];
  socket.on("message", (message) => came.push(message));
  for (const bytes of [
    dnsQuery(NAME, { flags: 0x8100 }),
    Buffer.alloc(11),
    Buffer.alloc(0),
    dnsQuery(NAME, { id: 77 }),
  ])
    socket.send(bytes, port, "127.0.0.1");
  await until("the only answer", () => came.length > 0);
  expect(came.map((one) => one.readUInt16BE(0))).toEqual([77]);
  expect(counts.dropped.no_query).toBe(3);
});

test("every answer to a name of ours fits into 512 bytes", async () => {
  const { port } = await stub({ names: ["*"] });
  const name = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;
  for (const type of [1, 28, 65]) {
    const answer = await askUdp(port, dnsQuery(name, { type, edns: { size: 512 } }));
    expect(parseDns(answer!)).toMatchObject({ rcode: 0, questions: [{ name }] });
    expect(answer!.length).toBeLessThanOrEqual(512);
  }
  const reverse = await askUdp(port, dnsQuery("1.0.18.198.in-addr.arpa", { type: 12, edns: { size: 512 } }));
  expect(parseDns(reverse!).answers).toHaveLength(1);
  expect(reverse!.length).toBeLessThanOrEqual(512);
});

test("when all addresses are taken, the next name is told to come again", async () => {
  const { port, counts, audited } = await stub({ ranges: ["198.18.0.0/30"] });
  for (const name of ["a", "b"]) expect((await ask(port, 1, {}, `${name}.mapped.example`)).rcode).toBe(0);
  expect((await ask(port, 1, {}, "c.mapped.example")).rcode).toBe(2);
  expect((await ask(port, 28, {}, "c.mapped.example")).rcode).toBe(0);
  expect((await ask(port, 1, {}, "a.mapped.example")).answers).toHaveLength(1);
  expect(counts.answers.exhausted).toBe(1);
  expect(audited[2]).toMatchObject({ outcome: "exhausted" });
});

test("by TCP: many queries at once, answers as they come, and half-closed clients get all of them", async () => {
  const held: Asked[] = [];
  const server = await upstream((asked) => held.push(asked));
  const { port } = await stub({ ports: [server.port], timeout: 60_000 });
  const client = connection(port);
  const queries = [
    dnsQuery("slow.example", { id: 1 }),
    ...Array.from({ length: 200 }, (_, i) => dnsQuery(NAME, { id: 100 + i })),
  ];
  client.socket.end(Buffer.concat(queries.map(framed)));
  await until("those that wait for nobody", () => client.messages.length === 200);
  expect(client.messages.map((one) => one.readUInt16BE(0))).toEqual(queries.slice(1).map((one) => one.readUInt16BE(0)));
  expect(client.ended).toBe(false);
  held[0]!.reply(dnsReply(held[0]!.query, [{ type: 1, data: Uint8Array.of(192, 0, 2, 1) }]));
  await until("the last, and the end", () => client.messages.length === 201 && client.ended);
  expect(parseDns(client.messages[200]!)).toMatchObject({ id: 1, answers: [{ type: 1 }] });
});

test("by TCP: more queries than may wait are read later, none is lost", async () => {
  const server = await upstream(({ query, reply }) => setTimeout(() => reply(dnsReply(query, [])), 1));
  const { port, counts } = await stub({ ports: [server.port], timeout: 5000 });
  const client = connection(port);
  const all = Array.from({ length: 300 }, (_, i) => dnsQuery(`n${i}.example`, { id: i }));
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, counts.waiting)), 0);
  client.socket.write(Buffer.concat(all.map(framed)));
  await until("all", () => client.messages.length === all.length);
  clearInterval(watch);
  expect(most).toBeLessThanOrEqual(64);
  expect(new Set(client.messages.map((one) => one.readUInt16BE(0))).size).toBe(all.length);
});

test("by TCP: a length that is no query's ends the connection, and so does silence", async () => {
  const { port, counts } = await stub({ idle: 100 });
  for (const length of [0, 11, 4097, 65_535]) {
    const client = connection(port);
    client.socket.write(words(length));
    await until("its end", () => client.ended);
  }
  const [silent, slow] = [connection(port), connection(port)];
  // Bytes are no query: each alone does not keep it open.
  const drip = setInterval(() => slow.socket.write(Buffer.of(0)), 20);
  slow.socket.write(Buffer.concat([words(1000)]));
  await until("their end", () => silent.ended && slow.ended);
  clearInterval(drip);
  await until("all places are free", () => counts.connections === 0);
});

test("by TCP: who comes when all places are taken takes that of an idle one", async () => {
  const { port, counts } = await stub({ mostConnections: 3 });
  const idle = Array.from({ length: 3 }, () => connection(port));
  await until("all places are taken", () => counts.connections === 3);
  const late = connection(port);
  late.socket.write(framed(dnsQuery(NAME)));
  await until("its answer", () => late.messages.length === 1);
  expect(counts.connections).toBe(3);
  await until("one has gone", () => idle.some(({ ended }) => ended));
});

test("by TCP: who does not read its answers is not read from", async () => {
  const { port, counts } = await stub();
  const client = connection(port);
  client.socket.pause();
  const many = Buffer.concat(Array.from({ length: 20_000 }, () => framed(dnsQuery(NAME))));
  let before = -1;
  await until("it is not read any more", () => {
    client.socket.write(many);
    const stuck = counts.queries.tcp > 0 && counts.queries.tcp === before && client.socket.writableLength > 2 ** 20;
    before = counts.queries.tcp;
    return stuck;
  });
  expect((await ask(port, 1)).rcode).toBe(0);
});

test("nobody listens where strangers could ask, or where it is not known by which address", async () => {
  const code = (listen: Endpoint) => runStub({ listen: [listen] }).catch((error: { code: string }) => error.code);
  for (const host of ["0.0.0.0", "[::]", "", "localhost"])
    expect(await code(parseEndpoint(`${host}:0`, "--listen"))).toBe("tproxy.dns_listen");
  expect(await code({ kind: "unix", path: "/x" })).toBe("tproxy.dns_listen");
  expect(await code(parseEndpoint("192.0.2.1:0", "--listen"))).toBe("tproxy.dns_open");
});

test("a drain answers who waits, and takes nobody new by TCP", async () => {
  const held: Asked[] = [];
  const server = await upstream((asked) => held.push(asked));
  const it = await stub({ ports: [server.port], timeout: 60_000 });
  const client = connection(it.port);
  client.socket.write(framed(dnsQuery("slow.example")));
  const byUdp = askUdp(it.port, dnsQuery("slow.example", { id: 5 }));
  await until("both wait", () => it.counts.waiting === 2);
  const drained = it.stub.drain();
  for (const { query, reply } of held) reply(dnsReply(query, []));
  await drained;
  expect(parseDns((await byUdp)!).rcode).toBe(0);
  await until("its answer and its end", () => client.messages.length === 1 && client.ended);
});
