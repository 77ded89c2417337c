/** Mutated hellos of real programs are read or refused, the same in any split: no crash, no wait for what will not come, bounded memory. */
import { expect, test } from "bun:test";
import { decodeClientHello } from "../../lib/wire/client-hello.ts";
import { HelloRecords, LONGEST_HELLO, type HelloAnswer } from "../../lib/wire/hello-records.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import hellos from "../conformance/client-hellos.json";
import { inRecords } from "../support/make-hello.ts";
import { mutate } from "./mutate.ts";

const COUNT = process.env["PORTAIL_LONG"] === "1" ? 1_000_000 : 50_000;
const SEED = 20_260_102;
const CORPUS = hellos.map(({ hex }) => Buffer.from(hex, "hex"));

/** What is said at last, when the bytes come in pieces. */
function inPieces(stream: Uint8Array, random: Prng): HelloAnswer {
  const records = new HelloRecords();
  for (let length = random.below(9); length < stream.length; length += 1 + random.below(stream.length)) {
    const answer = records.read(stream.subarray(0, length));
    if (answer.kind !== "more") return answer;
  }
  return records.read(stream);
}

test(`${COUNT} mutated hellos`, () => {
  const random = createPrng(SEED);
  const seen: Record<string, number> = {};
  for (let i = 0; i < COUNT; i++) {
    const from = CORPUS[random.below(CORPUS.length)]!;
    // Half of them below the records, where a length that is wrong would hide all else.
    const message = random.below(2) === 0 ? undefined : mutate(from.subarray(9), random);
    const sized = message && Buffer.concat([Uint8Array.of(1, 0, message.length >> 8, message.length & 255), message]);
    const stream = sized === undefined ? mutate(from, random) : inRecords(sized, 1 + random.below(600));
    const answer = new HelloRecords().read(stream);
    const said = answer.kind === "bad" ? answer.code : answer.kind;
    seen[said] = (seen[said] ?? 0) + 1;
    if (message !== undefined && message.length < 900 && answer.kind === "more")
      throw new Error(`waits for more of ${stream.toString("hex")}`);
    const split = inPieces(stream, random);
    if (!Bun.deepEquals(split, answer)) throw new Error(`is another in pieces: ${Buffer.from(stream).toString("hex")}`);
    if (answer.kind === "ok") {
      const { serverName, protocolIds, sessionId } = answer.value;
      const fine =
        (serverName === undefined || /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(serverName)) &&
        (protocolIds ?? []).every((id) => id !== "") &&
        sessionId.length <= 32;
      if (!fine) throw new Error(`is no hello: ${Buffer.from(stream).toString("hex")}`);
    }
  }
  // All must come up, or the mutations are too mild or too wild.
  for (const kind of ["ok", "more", "hello_malformed", "hello_message", "hello_not_tls", "hello_server_name"])
    expect([kind, (seen[kind] ?? 0) > COUNT / 1000]).toEqual([kind, true]);
}, 3_600_000);

test("random bodies of all sizes", () => {
  const random = createPrng(SEED);
  for (let i = 0; i < 5000; i++) {
    const { kind } = decodeClientHello(random.bytes(random.below(300)));
    expect(kind).toBe("bad");
  }
});

test("hellos made to be slow are not", () => {
  const extensions = Buffer.alloc(4 * 15_000);
  for (let i = 0; i < 15_000; i++) extensions.writeUInt16BE(i + 100, 4 * i);
  const head = Buffer.concat([Uint8Array.of(3, 3), Buffer.alloc(32), Uint8Array.of(0, 0, 2, 0x13, 1, 1, 0)]);
  const size = Uint8Array.of(extensions.length >> 8, extensions.length & 255);
  const body = Buffer.concat([head, size, extensions]);
  const message = Buffer.concat([Uint8Array.of(1, 0, body.length >> 8, body.length & 255), body]);
  const stream = inRecords(message, 100);
  const records = new HelloRecords(LONGEST_HELLO);
  let asked = 0;
  for (let length = 0; length < stream.length; length++, asked++)
    expect(records.read(stream.subarray(0, length)).kind).toBe("more");
  expect(records.read(stream).kind).toBe("ok");
  expect(asked).toBe(stream.length);
});
