/** The relay that later scenarios put in front of Swift: what it counts is what went over, and each fault leaves no object behind. */
import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { openAwsSdk } from "../../support/s3-clients/aws-sdk.ts";
import { openCurlToken } from "../../support/s3-clients/curl-swift.ts";
import type { S3Client } from "../../support/s3-clients/client.ts";
import { Scene } from "../../support/scene.ts";
import { type Fault, openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, type Swift, SWIFT_NEEDS } from "../../support/swift.ts";
import { until } from "../../support/until.ts";
import { content, digest } from "../../support/web.ts";

const BYTES = content(1_000_003);
const HALF = 500_000;
const BUCKET = "relayed";

/** What befalls an upload half-way, and what curl says of it. */
const SPOILED: [name: string, fault: Fault, said: RegExp][] = [
  ["a refusal before all", { kind: "answer", status: 503, after: 0 }, /503/],
  ["a 500", { kind: "answer", status: 500, after: HALF }, /500/],
  ["a reset", { kind: "reset", of: "request", after: HALF }, /\((52|55|56)\)/],
  ["an end", { kind: "end", of: "request", after: HALF }, /\((52|55|56)\)/],
];

needing("a relay in front of Swift", [...SWIFT_NEEDS, "curl", "node"], () => {
  setDefaultTimeout(60_000);
  const scene = new Scene();
  afterAll(() => scene.close());
  const file = scene.write("bytes", BYTES);
  let swift: Swift;
  let relay: StorageRelay;
  let client: S3Client;
  beforeAll(async () => {
    swift = await openSwift(scene);
    await swift.makeContainer(BUCKET);
    relay = await openStorageRelay(scene, swift.port);
    client = openCurlToken(scene, { swift, root: `http://127.0.0.1:${relay.port}`, bucket: BUCKET });
  }, 120_000);
  afterEach(() => {
    relay.script = () => undefined;
    relay.forget();
  });

  test("every request is counted, with the bytes of its content both ways", async () => {
    await client.put(file, "whole");
    await client.putStream!(file, "chunked");
    expect((await client.head("whole")).size).toBe(BYTES.length);
    await client.getRange!("whole", 10, 109);
    expect(relay.exchanges.map(({ method, status, sent, received }) => [method, status, sent, received])).toEqual([
      ["PUT", 201, BYTES.length, 0],
      ["PUT", 201, BYTES.length, 0],
      ["HEAD", 200, 0, 0],
      ["GET", 206, 0, 100],
    ]);
    expect([relay.sent, relay.received]).toEqual([2 * BYTES.length, 100]);
    expect(relay.exchanges.every(({ complete }) => complete)).toBe(true);
    expect(relay.exchanges[1]?.headers["transfer-encoding"]).toBe("chunked");
    for (const key of ["whole", "chunked"]) expect(digest(swift.stored(BUCKET, key))).toBe(digest(BYTES));
    expect(swift.storedFiles()).toContain(swift.storedFile(BUCKET, "whole")!);
    expect(swift.storedFile(BUCKET, "never")).toBeUndefined();
  });

  test.each(SPOILED)("an upload meets %s", async (_, fault, said) => {
    relay.script = () => fault;
    await expect(client.put(file, "spoiled")).rejects.toThrow(said);
    expect(relay.sent).toBe(fault.kind === "answer" ? fault.after : HALF);
    expect(relay.exchanges[0]?.complete).toBe(false);
    expect(swift.storedFile(BUCKET, "spoiled")).toBeUndefined();
  });

  test("an answer is lost although the storage has the object", async () => {
    relay.script = () => ({ kind: "reset", of: "answer", after: 0 });
    await expect(client.put(file, "lost")).rejects.toThrow(/\((52|56)\)/);
    expect(digest(swift.stored(BUCKET, "lost"))).toBe(digest(BYTES));
  });

  test.each(["reset", "end"] as const)("a download meets a %s", async (kind) => {
    await client.put(file, "whole");
    relay.script = () => ({ kind, of: "answer", after: HALF });
    await expect(client.get("whole", scene.path("got"))).rejects.toThrow(/\((18|56)\)/);
    const got = readFileSync(scene.path("got"));
    // A reset takes what the client has not read yet (RFC 9293 section 3.10.7.4).
    expect(got.length).toBeWithin(kind === "end" ? HALF : 0, HALF + 1);
    expect(got.equals(BYTES.subarray(0, got.length))).toBe(true);
    expect(relay.received).toBe(HALF);
  });

  test("an upload is held, and goes on when it is let", async () => {
    const gate = Promise.withResolvers<void>();
    relay.script = () => ({ kind: "hold", of: "request", after: HALF, until: gate.promise });
    let done = false;
    const put = client.put(file, "held").then(() => (done = true));
    await until("the first half", () => relay.sent === HALF);
    expect([done, swift.storedFile(BUCKET, "held")]).toEqual([false, undefined]);
    gate.resolve();
    await put;
    expect(digest(swift.stored(BUCKET, "held"))).toBe(digest(BYTES));
  });

  test("a slow download is whole", async () => {
    await client.put(file, "whole");
    relay.script = () => ({ kind: "slow", of: "answer", bytesPerSecond: 4_000_000 });
    await client.get("whole", scene.path("got"));
    expect(digest(readFileSync(scene.path("got")))).toBe(digest(BYTES));
  });

  test("a fault is for one request of one client, which tries again", async () => {
    const place = { endpoint: `http://127.0.0.1:${relay.port}`, ...swift.credentials, bucket: BUCKET };
    const sdk = await openAwsSdk(scene, place);
    let left = 1;
    relay.script = ({ method }) =>
      method === "PUT" && left-- > 0 ? { kind: "answer", status: 500, after: HALF } : undefined;
    await sdk.put(file, "again");
    expect(relay.exchanges.map(({ status }) => status)).toEqual([500, 200]);
    expect(digest(swift.stored(BUCKET, "again"))).toBe(digest(BYTES));
  });
});
