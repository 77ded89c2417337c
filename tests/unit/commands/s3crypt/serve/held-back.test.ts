/** The last piece of an answer, which waits for what comes behind it: `held-back.ts`. */
import { expect, test } from "bun:test";
import type { Exchange } from "../../../../../commands/s3crypt/serve/exchange.ts";
import { writeHeldBack } from "../../../../../commands/s3crypt/serve/held-back.ts";

/** In the same memory, one after the other; then `end`. */
async function* pieces(texts: readonly string[], end: () => void): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(5);
  for (const text of texts) {
    memory.set(Buffer.from(text));
    yield memory.subarray(0, text.length);
  }
  memory.fill(0);
  end();
}

async function written(
  length: number | undefined,
  wrong?: Error,
  texts: readonly string[] = ["first", "then", "last"],
): Promise<string[]> {
  const out: string[] = [];
  const x = { write: async (bytes: Uint8Array) => void out.push(Buffer.from(bytes).toString()) };
  const all = pieces(texts, () => {
    if (wrong !== undefined) throw wrong;
  });
  const writing = writeHeldBack(x as unknown as Exchange, all, length, () => void out.push("head"));
  await writing.catch((error: unknown) => out.push(String(error)));
  return out;
}

test("all is written where all is well", async () => {
  expect(await written(13)).toEqual(["head", "first", "then", "last"]);
  expect(await written(5, undefined, ["first"])).toEqual(["head", "first"]);
  expect(await written(0, undefined, [])).toEqual(["head"]);
});

test("the last piece is not where the end is wrong", async () => {
  expect(await written(13, new Error("forged"))).toEqual(["head", "first", "then", "Error: forged"]);
  expect(await written(5, new Error("forged"), ["first"])).toEqual(["Error: forged"]);
});

test("nothing waits where nobody was told the length", async () => {
  expect(await written(undefined, new Error("forged"))).toEqual(["head", "first", "then", "last", "Error: forged"]);
});
