/** Content that is gathered in memory, from a source whose pieces are good only until the next: `incoming.ts`. */
import type { IncomingMessage } from "node:http";
import { expect, test } from "bun:test";
import { contentOf, gather } from "../../../../../commands/s3crypt/serve/answers.ts";
import { Content } from "../../../../../commands/s3crypt/serve/content.ts";
import type { Exchange } from "../../../../../commands/s3crypt/serve/exchange.ts";

const PIECES = ["first", "then", "last"];

/** In the same memory, one after the other. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(5);
  for (const text of PIECES) {
    memory.set(Buffer.from(text));
    yield memory.subarray(0, text.length);
  }
  memory.fill(0);
}

const answer = () =>
  ({ headers: {}, socket: {}, complete: true, iterator: () => pieces() }) as unknown as IncomingMessage;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test("an answer of the storage", async () => {
  expect(text(await gather(answer(), 7))).toBe("firstth");
  expect(text(await contentOf(answer(), 13))).toBe("firstthenlast");
});

test.each([false, true])("an upload, framed: %p", async (framed) => {
  const decode = () => ({
    push: (bytes: Uint8Array, take: (data: Uint8Array) => void) => void take(bytes),
    finish: () => ({ kind: "ok", trailers: [], length: 13 }),
  });
  const action = { kind: "store", length: 13, claims: [], ...(framed && { decode }) };
  const content = new Content({ content: pieces() } as unknown as Exchange, action as never);
  expect(text(await content.gather(100))).toBe("firstthenlast");
  expect(content.isWhole).toBe(true);
});
