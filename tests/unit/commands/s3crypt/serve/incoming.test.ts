/** Long content that the parser turns out to have had already: nothing is diverted, and the connection goes on. */
import type { IncomingMessage } from "node:http";
import { expect, test } from "bun:test";
import { iterate } from "../../../../../commands/s3crypt/serve/incoming.ts";
import { ConnDuplex } from "../../../../../lib/net/duplex.ts";
import { FakeConn } from "../../../lib/net/fake-conn.ts";

const MIB = 1024 * 1024;

/** A message whose content is with the parser by the time that it is asked for, in pieces of these lengths. */
function messageOf(socket: ConnDuplex, lengths: readonly number[]): IncomingMessage {
  let left = lengths.reduce((sum, length) => sum + length);
  async function* pieces() {
    for (const length of lengths) {
      left -= length;
      yield new Uint8Array(length);
    }
  }
  const message = {
    headers: { "content-length": String(left) },
    socket,
    complete: true,
    destroyed: false,
    iterator: pieces,
    get readableLength() {
      return left;
    },
  };
  return message as unknown as IncomingMessage;
}

test.each([
  ["is read to its end", 3],
  ["is left behind its last byte", 2],
])("content in two pieces of the parser that %s", async (_, asked) => {
  const conn = new FakeConn();
  const duplex = new ConnDuplex(conn);
  const pieces = iterate(messageOf(duplex, [MIB, 10]));
  let got = 0;
  for (let i = 0; i < asked; i++) got += (await pieces.next()).value?.length ?? 0;
  expect([got, duplex.diversion]).toEqual([MIB + 10, undefined]);
  conn.calls.length = 0;
  conn.data("the next answer");
  expect(String(duplex.read())).toBe("the next answer");
  duplex.read();
  expect(conn.calls).toContain("resume");
});
