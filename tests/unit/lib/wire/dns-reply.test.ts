/** Replies of resolvers: which is the reply to a question, and which addresses are in it. */
import { expect, test } from "bun:test";
import { matchReply, mixCase, readdress, searchReply } from "../../../../lib/wire/dns-reply.ts";
import { dnsName, dnsQuery, dnsReply, words } from "../../../support/dns-message.ts";

const QUERY = dnsQuery("db.Example", { type: 1 });
const END = QUERY.length;
const REPLY = dnsReply(QUERY, [{ type: 1, data: Uint8Array.of(192, 0, 2, 1) }]);

function changed(at: number, value: number): Buffer {
  const reply = Buffer.from(REPLY);
  reply[at] = value;
  return reply;
}

test("the reply to a question has its question", () => {
  const match = (reply: Buffer) => matchReply(reply, QUERY, END);
  expect(match(REPLY)).toBe("same");
  expect(match(changed(13, "D".charCodeAt(0)))).toBe("case");
  expect(match(changed(13, "e".charCodeAt(0)))).toBe("other");
  // A length that differs by the bit of a case, and a type that does.
  expect(match(changed(12, 34))).toBe("other");
  expect(match(changed(END - 3, 33))).toBe("other");
  expect(match(changed(2, 0x01))).toBe("other");
  expect(match(changed(2, 0xa9))).toBe("other");
  expect(match(changed(5, 2))).toBe("other");
  expect(match(REPLY.subarray(0, END - 1))).toBe("other");
  expect(match(REPLY.subarray(0, 11))).toBe("other");
});

test("an error may lack the question, an answer may not", () => {
  expect(matchReply(words(1, 0x8181, 0, 0, 0, 0), QUERY, END)).toBe("bare");
  expect(matchReply(words(1, 0x8180, 0, 0, 0, 0), QUERY, END)).toBe("other");
});

const v4 = (bytes: Uint8Array, at: number, length: number) => length === 4 && bytes[at] === 198 && bytes[at + 1] === 18;
const v6 = (bytes: Uint8Array, at: number, length: number) => length === 16 && bytes[at] === 0xfd;
const search = (type: number, data: Uint8Array, test = v4) =>
  searchReply(
    dnsReply(QUERY, [
      { type: 16, data: Uint8Array.of(1, 97) },
      { type, data },
    ]),
    END,
    test,
  );

test("addresses are found in A, AAAA and the hints of HTTPS", () => {
  expect(search(1, Uint8Array.of(198, 18, 0, 1))).toBe("found");
  expect(search(1, Uint8Array.of(198, 20, 0, 1))).toBe("clean");
  expect(search(28, Buffer.concat([Buffer.of(0xfd), Buffer.alloc(15)]), v6)).toBe("found");
  expect(search(16, Uint8Array.of(4, 198, 18, 0, 1))).toBe("clean");
  const hints = (key: number, value: Uint8Array) =>
    Buffer.concat([
      words(1),
      dnsName("x.example"),
      words(1, 3),
      Buffer.from("\x02h2"),
      words(key, value.length),
      value,
    ]);
  expect(search(65, hints(4, Uint8Array.of(192, 0, 2, 1, 198, 18, 0, 1)))).toBe("found");
  expect(search(64, hints(4, Uint8Array.of(192, 0, 2, 1, 192, 0, 2, 2)))).toBe("clean");
  expect(search(65, hints(6, Buffer.concat([Buffer.of(0xfd), Buffer.alloc(15)])), v6)).toBe("found");
});

test("what is no message is malformed", () => {
  expect(search(1, Uint8Array.of(198, 18, 0))).toBe("malformed");
  expect(searchReply(REPLY.subarray(0, -1), END, v4)).toBe("malformed");
  expect(searchReply(changed(7, 2), END, v4)).toBe("malformed");
  expect(search(65, Uint8Array.of(0, 1, 0x80))).toBe("clean");
  expect(search(65, Buffer.concat([words(1), Buffer.of(0), words(4, 400), Buffer.of(198, 18, 0, 1)]))).toBe("found");
});

test("the case of letters is mixed, and given back", () => {
  const sent = dnsQuery("a-1.Example");
  const original = Buffer.from(sent);
  mixCase(sent, sent.length - 4, () => 0xffff);
  expect(sent).toEqual(dnsQuery("A-1.eXAMPLE"));
  mixCase(sent, sent.length - 4, () => 0);
  expect(sent).toEqual(dnsQuery("A-1.eXAMPLE"));
  const reply = dnsReply(sent, []);
  original.writeUInt16BE(0xabcd, 0);
  readdress(reply, original, original.length - 4);
  expect(reply).toEqual(dnsReply(original, []));
});
