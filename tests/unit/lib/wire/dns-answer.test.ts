/** Answers that are made here, read back by another reader. */
import { expect, test } from "bun:test";
import { AnswerWriter, answerSize, encodeName, encodeRefusal } from "../../../../lib/wire/dns-answer.ts";
import { decodeQuery, type DnsQuery } from "../../../../lib/wire/dns.ts";
import { dnsName, dnsQuery, parseDns, words, type QueryOptions } from "../../../support/dns-message.ts";

function answered(
  options: QueryOptions,
  rcode: number,
  write: (writer: AnswerWriter, query: DnsQuery) => void,
  why?: number,
) {
  const bytes = dnsQuery("Db.Example", options);
  const query = decodeQuery(bytes) as DnsQuery;
  const writer = new AnswerWriter();
  // Whatever was written before must not show.
  writer.begin(bytes, { ...query, flags: 0xffff, edns: { size: 1, version: 0, dnssecOk: true } }, 15);
  for (let i = 0; i < 40; i++) writer.nothing(12, 99);
  writer.begin(bytes, query, rcode);
  write(writer, query);
  return parseDns(Buffer.from(writer.finish(why)));
}

test("an address, with the question as it was written", () => {
  const message = answered({ id: 0xbeef, flags: 0x0110 }, 0, (writer) => {
    writer.authoritative();
    writer.address(Uint8Array.of(198, 18, 0, 1), 30);
  });
  expect(message).toMatchObject({
    id: 0xbeef,
    flags: 0x8590,
    questions: [{ name: "Db.Example", type: 1, class: 1 }],
    answers: [{ name: "Db.Example", type: 1, class: 1, ttl: 30, data: Buffer.of(198, 18, 0, 1) }],
    authority: [],
    additional: [],
  });
});

test("an IPv6 address is of type AAAA", () => {
  const address = Buffer.from("fd000000000000000000000000000005", "hex");
  const { answers } = answered({ type: 28 }, 0, (writer) => writer.address(address, 604_800));
  expect(answers).toMatchObject([{ type: 28, ttl: 604_800, data: address }]);
});

test("that there is nothing is said by an SOA of the zone", () => {
  const { rcode, authority } = answered({}, 3, (writer) => writer.nothing(12 + 3, 30));
  expect(rcode).toBe(3);
  const times = words(0, 1, 0, 3600, 0, 600, 1, 86_400 & 0xffff, 0, 30);
  expect(authority).toMatchObject([
    {
      name: "Example",
      type: 6,
      ttl: 30,
      data: Buffer.concat([dnsName("localhost"), dnsName("nobody.invalid"), times]),
    },
  ]);
});

test("a pointer to a name", () => {
  const { answers } = answered({ type: 12 }, 0, (writer) => writer.pointer(encodeName("db.example"), 30));
  expect(answers).toMatchObject([{ type: 12, data: dnsName("db.example") }]);
});

test("EDNS is answered with EDNS, and only it", () => {
  expect(answered({}, 2, () => {}, 22).additional).toEqual([]);
  const { additional, rcode } = answered({ edns: { size: 512, ttl: 0x8000 } }, 16, () => {});
  expect(rcode).toBe(0);
  expect(additional).toEqual([{ name: "", type: 41, class: 1232, ttl: 0x0100_8000, data: Buffer.alloc(0) }]);
  const told = answered({ edns: { size: 512 } }, 2, () => {}, 22);
  expect(told.additional).toMatchObject([{ ttl: 0, data: words(15, 2, 22) }]);
});

test("TC", () => {
  expect(answered({}, 0, (writer) => writer.truncated()).flags).toBe(0x8380);
});

test("a refusal is a header: id, opcode, RD, rcode", () => {
  expect(parseDns(Buffer.from(encodeRefusal(dnsQuery("a", { id: 7 }), "malformed")))).toMatchObject({
    id: 7,
    flags: 0x8101,
    questions: [],
  });
  expect(parseDns(Buffer.from(encodeRefusal(words(7, 0x2800, 1, 1, 1, 1), "unknown")))).toMatchObject({
    flags: 0xa804,
  });
});

test("what a client takes by UDP", () => {
  const size = (edns?: number) =>
    answerSize(
      { edns: edns === undefined ? undefined : { size: edns, version: 0, dnssecOk: false } } as DnsQuery,
      4096,
    );
  expect([size(), size(0), size(511), size(1232), size(4096), size(65_535)]).toEqual([512, 512, 512, 1232, 4096, 4096]);
});

test("the longest name", () => {
  const name = `${Array.from({ length: 3 }, () => "a".repeat(63)).join(".")}.${"b".repeat(61)}`;
  expect(encodeName(name)).toEqual(Uint8Array.from(dnsName(name)));
});
