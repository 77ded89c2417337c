/** Queries: what is read of them, what is refused, and that names are told apart. */
import { expect, test } from "bun:test";
import { decodeQuery, endOfName, nameText, skipName } from "../../../../lib/wire/dns.ts";
import { dnsName, dnsQuery, words } from "../../../support/dns-message.ts";

test("a question is read: name in lower case, type, class, flags", () => {
  expect(decodeQuery(dnsQuery("DB.Example.COM", { type: 28, flags: 0x0110 }))).toEqual({
    flags: 0x0110,
    name: "db.example.com",
    nameEnd: 12 + 16,
    type: 28,
    class: 1,
    edns: undefined,
  });
  expect(decodeQuery(dnsQuery(""))).toMatchObject({ name: "", nameEnd: 13 });
});

test("EDNS is read", () => {
  const query = dnsQuery("a", { edns: { size: 4096, ttl: 0x0001_8000, options: words(10, 4, 1, 2) } });
  expect(decodeQuery(query)).toMatchObject({ edns: { size: 4096, version: 1, dnssecOk: true } });
  expect(decodeQuery(dnsQuery("a", { edns: { size: 0 } }))).toMatchObject({
    edns: { size: 0, version: 0, dnssecOk: false },
  });
});

test("responses, and what has no header, are ignored", () => {
  expect(decodeQuery(dnsQuery("a", { flags: 0x8100 }))).toBe("ignored");
  expect(decodeQuery(dnsQuery("a").subarray(0, 11))).toBe("ignored");
  expect(decodeQuery(Buffer.alloc(0))).toBe("ignored");
});

test("another opcode is unknown, whatever follows", () => {
  for (const opcode of [1, 2, 4, 5, 15]) expect(decodeQuery(words(1, opcode << 11, 0, 0, 0, 0))).toBe("unknown");
});

const OPT = Buffer.concat([Buffer.of(0), words(41, 512, 0, 0, 0)]);
/** `query` with other counts and more behind it. */
function extended(counts: [number, number, number, number], ...more: Buffer[]): Buffer {
  return Buffer.concat([words(1, 0x0100, ...counts), dnsQuery("a.example").subarray(12), ...more]);
}

test.each<[string, Buffer]>([
  ["no question", words(1, 0x0100, 0, 0, 0, 0)],
  ["two questions", extended([2, 0, 0, 0], dnsQuery("a.example").subarray(12))],
  ["a question that is cut", dnsQuery("a.example").subarray(0, -1)],
  ["a name that is cut", Buffer.concat([words(1, 0, 1, 0, 0, 0), Buffer.of(9, 97)])],
  ["a name by a pointer", Buffer.concat([words(1, 0, 1, 0, 0, 0), Buffer.of(0xc0, 12), words(1, 1)])],
  ["a label of a kind that is not known", Buffer.concat([words(1, 0, 1, 0, 0, 0), Buffer.of(0x41, 0), words(1, 1)])],
  ["a name of more than 255 octets", dnsQuery(Array.from({ length: 5 }, () => "a".repeat(50)).join(".") + ".bcd")],
  ["bytes behind the end", Buffer.concat([dnsQuery("a.example"), Buffer.of(0)])],
  ["a record that is not there", extended([1, 0, 0, 1])],
  ["a record that is cut", extended([1, 0, 0, 1], OPT.subarray(0, -1))],
  ["two OPT", extended([1, 0, 0, 2], OPT, OPT)],
  ["OPT that is not at the root", extended([1, 0, 0, 1], dnsName("a"), OPT.subarray(1))],
  ["OPT at a pointer", extended([1, 0, 0, 1], Buffer.of(0xc0, 12), OPT.subarray(1))],
  ["OPT among the answers", extended([1, 1, 0, 0], OPT)],
  ["an option that is cut", extended([1, 0, 0, 1], OPT.subarray(0, -2), words(3, 10, 9), Buffer.of(1))],
])("malformed: %s", (_, bytes) => {
  expect(decodeQuery(bytes)).toBe("malformed");
});

test("a name of exactly 255 octets is one", () => {
  const name = `${Array.from({ length: 5 }, () => "a".repeat(49)).join(".")}.bcd`;
  expect(dnsName(name)).toHaveLength(255);
  expect(decodeQuery(dnsQuery(name))).toMatchObject({ name });
});

test("other records than OPT are skipped", () => {
  const record = Buffer.concat([Buffer.of(0xc0, 12), words(250, 255, 0, 0, 2, 7)]);
  expect(decodeQuery(extended([1, 0, 0, 2], OPT, record))).toMatchObject({ name: "a.example", edns: { size: 512 } });
});

test("no two names have one text", () => {
  const text = (...labels: string[]) =>
    nameText(
      Buffer.concat([
        ...labels.map((one) => Buffer.from(`${String.fromCharCode(one.length)}${one}`, "latin1")),
        Buffer.of(0),
      ]),
      0,
    );
  expect(text("a.b", "c")).toBe("a\\046b.c");
  expect(text("a", "b", "c")).toBe("a.b.c");
  expect(text("a\\046b")).toBe("a\\092046b");
  expect(text("A b", "\0", "\xff")).toBe("a\\032b.\\000.\\255");
  expect(text("A_-9Z")).toBe("a_-9z");
});

test("names end where they end", () => {
  expect(endOfName(Buffer.of(1, 97, 0, 9), 0)).toBe(3);
  expect(endOfName(Buffer.of(0xc0, 0), 0)).toBe(-1);
  expect(skipName(Buffer.of(1, 97, 0xc0, 0, 9), 0)).toBe(4);
  expect(skipName(Buffer.of(1, 97, 0xc0), 0)).toBe(-1);
  expect(skipName(Buffer.of(0x80, 0), 0)).toBe(-1);
});
