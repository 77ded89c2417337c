/** Mutated requests and mutated answers: nothing of them ends the storage proxy, and what reaches the storage stays behind its prefix. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { RawClient } from "../adversarial/raw-client.ts";
import { headOf, startGateway, type Gateway } from "../adversarial/s3crypt/gateway.ts";
import { writeSodiumObject } from "../support/sodium-object.ts";
import { mutate } from "./mutate.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 40_000 : 1_500;

let gateway: Gateway;
let object: Buffer;
/** First lines of what reached the storage. */
const seen: string[] = [];
/** What it answers. */
let answer: () => Buffer = () => Buffer.alloc(0);

beforeAll(async () => {
  gateway = await startGateway([
    "--handshake-timeout",
    "300ms",
    "--keep-alive-timeout",
    "300ms",
    "--idle-timeout",
    "200ms",
  ]);
  object = writeSodiumObject({
    key: gateway.keys.get(1n)!,
    keyId: 1n,
    chunkSize: 64,
    plain: Buffer.alloc(500, "plain"),
  });
  gateway.storage.taker = (peer) => void serve(peer);
});
afterAll(() => gateway.stop());

async function serve(peer: RawClient): Promise<void> {
  for (let head = await headOf(peer); head.length > 0; head = await headOf(peer)) {
    seen.push(head[0]!);
    peer.write(answer());
    if (!head[0]!.startsWith("GET")) break;
  }
  peer.end();
}

const REQUESTS = [
  'GET /upstream/a/b?c=d HTTP/1.1\r\nHost: a\r\nRange: bytes=1-70\r\nIf-None-Match: "a"\r\n\r\n',
  "PUT /upstream/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nETag: 5d41402abc4b2a76b9719d911017c592\r\n\r\nhello",
  "PUT /upstream/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HEAD /upstream/a HTTP/1.1\r\nHost: a\r\n\r\nGET /ping HTTP/1.1\r\nHost: a\r\n\r\n",
  "POST /upstream/v1/a?bulk-delete HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\na/b",
  "COPY /upstream/v1/A/b/c HTTP/1.1\r\nHost: a\r\nDestination: b/d\r\n\r\n",
];

function answers(): Buffer[] {
  const whole = (fields: string, body: Uint8Array, status = "200 OK") =>
    Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\nContent-Length: ${body.length}\r\n${fields}\r\n`), body]);
  const part = `Content-Range: bytes 0-207/${object.length}\r\nETag: "a"\r\n`;
  return [
    whole('ETag: "a"\r\nX-Object-Meta-S3crypt: 1.1.AAAA\r\n', object),
    whole(part, object.subarray(0, 208), "206 Partial Content"),
    Buffer.concat([
      Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n"),
      object.subarray(0, 64),
      Buffer.from("\r\n0\r\n\r\n"),
    ]),
    whole("", Buffer.from("gone"), "404 Not Found"),
    Buffer.from("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"),
    Buffer.from("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 304 Not Modified\r\n\r\n"),
  ];
}

function pick<T>(list: readonly T[], random: Prng): T {
  return list[random.below(list.length)]!;
}

/** Sends it, and waits for the end of what comes. */
async function send(bytes: Buffer): Promise<void> {
  const client = await RawClient.open(gateway.port);
  client.write(bytes);
  client.end();
  await client.closed;
}

/** The deadlines are short: on a machine that is busy with others a client may be late, but not each time. */
async function survives(seed: number): Promise<void> {
  let text = "";
  for (let tries = 0; tries < 5 && !text.endsWith("{}"); tries++) {
    const client = await RawClient.open(gateway.port);
    client.write("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
    text = (await client.readThrough("{}")).toString();
    client.end();
  }
  if (!text.endsWith("{}")) throw new Error(`seed ${seed}: ${text}`);
}

test.each([
  ["requests", true, false],
  ["answers", false, true],
  ["both", true, true],
])("%s", async (_, requests, replies) => {
  const random = createPrng();
  const known = answers();
  answer = () => (replies ? mutate(pick(known, random), random) : pick(known, random));
  const round = async () => {
    const request = Buffer.from(pick(REQUESTS, random), "latin1");
    await send(requests ? mutate(request, random) : request);
  };
  for (let i = 0; i < ROUNDS / 50; i++) {
    await Promise.all(Array.from({ length: 50 }, round));
    await survives(random.seed);
  }
  expect(seen.length).toBeGreaterThan(ROUNDS / 20);
  expect(seen.filter((line) => !/^[A-Z]+ \/jail\/[!-~]* HTTP\/1\.1$/.test(line))).toEqual([]);
  expect(gateway.runtime.lines.filter((line) => line.startsWith("error"))).toEqual([]);
});
