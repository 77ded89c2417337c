/** Mutated DNS packets at the stub: queries to its answers and to its sockets, replies to its forwarder. Nothing throws, what is answered is a message, and it still serves. Longer with PORTAIL_LONG. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { Answerer, MOST_UDP, udpSize } from "../../commands/tproxy/names/answerer.ts";
import { matchReply, searchReply } from "../../lib/wire/dns-reply.ts";
import { decodeQuery } from "../../lib/wire/dns.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { runStub } from "../adversarial/tproxy/stub.ts";
import { dnsQuery, dnsReply, parseDns, words } from "../support/dns-message.ts";
import { askUdp, DnsConnection, DnsUpstream, framed } from "../support/dns-upstream.ts";
import { udpSocket } from "../support/udp-socket.ts";
import { until } from "../support/until.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(900_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 1_000_000 : 50_000;

const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends) end();
});

/** Of `kdig +cookie +dnssec +padding=128 db.mapped.example HTTPS` (Knot DNS 3.2.6). */
const KDIG =
  "d6f601200001000000000001026462066d6170706564076578616d706c6500004100010000291000000080000090000a00080102030405060708000c00800000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

const QUERIES = [
  dnsQuery("db.mapped.example"),
  dnsQuery("WWW.Mapped.example", { type: 28, edns: { size: 4096, ttl: 0x8000 } }),
  dnsQuery("db.mapped.example", { type: 65, edns: { size: 512, options: words(10, 8, 1, 2, 3, 4) } }),
  dnsQuery("db.mapped.example", { type: 255, edns: { size: 1232, ttl: 0x0001_0000 } }),
  dnsQuery("1.0.18.198.in-addr.arpa", { type: 12 }),
  dnsQuery(`1.${"0.".repeat(29)}d.f.ip6.arpa`, { type: 12 }),
  dnsQuery("other.example", { type: 16, edns: { size: 1232 } }),
  dnsQuery("", { type: 2 }),
  Buffer.from(KDIG, "hex"),
];

function mutated(random: Prng): Buffer {
  if (random.below(20) === 0) return random.bytes(random.below(80));
  return mutate(QUERIES[random.below(QUERIES.length)]!, random);
}

/** What must be true of any answer. */
function check(answer: Buffer, query: Buffer, told: string): void {
  const { id, flags, questions } = parseDns(answer);
  expect(id, told).toBe(query.readUInt16BE(0));
  expect(flags & 0x8000, told).toBe(0x8000);
  if (questions.length > 0) expect(answer.subarray(12, 17).equals(query.subarray(12, 17)), told).toBe(true);
}

test(`${ROUNDS} mutated queries are answered, given back or ignored`, async () => {
  const random = createPrng();
  const { stub, pool, counts } = await runStub();
  ends.push(() => stub.close());
  const match = (name: string) => (name.endsWith("mapped.example") ? "here" : undefined);
  const answerer = new Answerer({ match, fake: pool, ttl: 30, forwards: true, counts });
  const kinds = { answered: 0, forwarded: 0, ignored: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = mutated(random);
    const told = `seed ${random.seed}, round ${round}: ${bytes.toString("hex")}`;
    const answer = answerer.answer(bytes, { transport: "udp", ip: "127.0.0.1", port: 1 });
    if (answer === undefined) kinds.ignored++;
    else if (answer instanceof Uint8Array) {
      kinds.answered++;
      check(Buffer.from(answer), bytes, told);
      const query = decodeQuery(bytes);
      if (typeof query === "object") expect(answer.length, told).toBeLessThanOrEqual(udpSize(query));
    } else {
      kinds.forwarded++;
      check(Buffer.from(answerer.error(bytes, answer.query, 2)), bytes, told);
    }
  }
  for (const count of Object.values(kinds)) expect(count).toBeGreaterThan(ROUNDS / 100);
});

test(`${ROUNDS} mutated replies are matched and searched`, () => {
  const random = createPrng();
  const query = QUERIES[6]!;
  const end = query.length - 11;
  const https = Buffer.concat([
    words(1),
    Buffer.of(0),
    words(1, 3),
    Buffer.from("\x02h2"),
    words(4, 4),
    Buffer.of(198, 18, 0, 1),
  ]);
  const seeds = [
    dnsReply(query, [{ type: 1, data: Buffer.of(198, 18, 0, 1) }]),
    dnsReply(query, [
      { type: 16, data: Buffer.from("\x03abc") },
      { type: 28, data: Buffer.alloc(16) },
    ]),
    dnsReply(query, [{ type: 65, data: https }]),
    dnsReply(query, [], { rcode: 3 }),
  ];
  const kinds: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const reply = mutate(seeds[random.below(seeds.length)]!, random);
    const matched = matchReply(reply, query, end);
    const searched = matched === "same" ? searchReply(reply, end, (bytes, at) => bytes[at] === 198) : matched;
    kinds[searched] = (kinds[searched] ?? 0) + 1;
    if (searched !== "malformed" && matched === "same")
      expect(reply.length, `seed ${random.seed}, round ${round}: ${reply.toString("hex")}`).toBeGreaterThanOrEqual(end);
  }
  expect(Object.keys(kinds).toSorted()).toEqual(["bare", "case", "clean", "found", "malformed", "other"]);
});

test(`${ROUNDS} mutated packets at the sockets of a stub, with a resolver that mutates its replies`, async () => {
  const random = createPrng();
  const upstream = await DnsUpstream.open(({ query, reply, transport, hangUp }) => {
    const honest = query.subarray(13, 19).toString("latin1").toLowerCase() === "honest";
    const answer = dnsReply(query.subarray(0, query.length - 11), [{ type: 16, data: Buffer.from("\x03abc") }]);
    if (honest) reply(answer);
    else if (random.below(3) > 0) reply(mutate(answer, random));
    else if (transport === "tcp") hangUp();
  });
  const { stub, port, counts, logged } = await runStub({ ports: [upstream.port], timeout: 30 });
  ends.push(() => (stub.close(), upstream.close()));
  const socket = await udpSocket();
  ends.push(() => socket.close());
  let answers = 0;
  socket.on("message", () => answers++);
  const byTcp = Math.floor(ROUNDS / 20);
  for (let round = 0; round < ROUNDS - byTcp; round++) {
    socket.send(mutated(random), port, "127.0.0.1");
    // In step with the stub: what the system drops proves nothing.
    if (round % 64 === 63) await until("it has read them", () => counts.queries.udp >= round - 1000 || undefined);
  }
  await until("it has read nearly all", () => counts.queries.udp > (ROUNDS - byTcp) * 0.95);
  let connection = new DnsConnection(port);
  for (let round = 0; round < byTcp; round++) {
    if (connection.ended) connection = new DnsConnection(port);
    const bytes = framed(mutated(random));
    connection.socket.write(random.below(10) === 0 ? mutate(bytes, random) : bytes);
    if (round % 50 === 49) await Bun.sleep(1);
  }
  connection.socket.destroy();
  expect(answers).toBeGreaterThan(ROUNDS / 10);
  await until("nobody waits", () => counts.waiting === 0 && counts.outstanding === 0);
  const own = parseDns((await askUdp(port, dnsQuery("db.mapped.example")))!);
  expect(own.answers).toHaveLength(1);
  const other = parseDns((await askUdp(port, dnsQuery("honest.example", { type: 16, edns: { size: MOST_UDP } })))!);
  expect(other.answers).toHaveLength(1);
  expect(logged, `seed ${random.seed}`).toEqual([]);
});
