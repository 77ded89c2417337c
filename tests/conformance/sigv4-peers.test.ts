/** Signatures against botocore, curl and minio-go: theirs are believed by us, ours are the same as botocore computes. Longer with PORTAIL_LONG. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { openBody } from "../../lib/wire/aws-chunked.ts";
import { pairs, type Field } from "../../lib/wire/http-forward.ts";
import { readPayload } from "../../lib/wire/s3-payload.ts";
import { PLAIN_SHA256 as SHA256 } from "../../lib/wire/sha256.ts";
import { encodeUri, type RequestHead } from "../../lib/wire/sigv4-canonical.ts";
import { verifyChunks } from "../../lib/wire/sigv4-chunks.ts";
import { verifySignature } from "../../lib/wire/sigv4-verify.ts";
import { presign, signHeaders, type Credentials } from "../../lib/wire/sigv4.ts";
import { createPrng, type Prng } from "../adversarial/prng.ts";
import { BOTOCORE, botocore, type FrameOrder, type SignatureOrder, type SignOrder } from "../support/botocore.ts";
import { curl } from "../support/curl.ts";
import { minioUploads, type UploadOrder } from "../support/minio-signer.ts";
import { needing } from "../support/needs.ts";

setDefaultTimeout(600_000);

const ROUNDS = process.env["PORTAIL_LONG"] === "1" ? 30_000 : 2_000;
const CREDENTIALS: Credentials = { accessKeyId: "AKID/with+signs", secretAccessKey: "se/cr+et é", region: "eu-west-3" };
const TEMPORARY: Credentials = { ...CREDENTIALS, sessionToken: "FwoGZXIvYXdzEAA/+=" };
const ENDPOINT = "http://s3.example:9000";
const METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const LETTERS = [..."abcXYZ019-_.~ /+&=%?#'()*!@$,;:\"<>[]{}|\\^`éß漢🙂\u00a0\t\u0001"];

const pick = <T>(random: Prng, from: readonly T[]): T => from[random.below(from.length)]!;
const word = (random: Prng, most: number, letters = LETTERS) =>
  Array.from({ length: random.below(most) }, () => pick(random, letters)).join("");
const utf8 = (text: string) => Buffer.from(text).toString("latin1");

function signOrder(random: Prng): SignOrder {
  const params = Array.from({ length: random.below(4) }, (_, i) => [`${word(random, 4)}${i}`, word(random, 8)]);
  const plain = [..."abc XYZ09,;=\"'"];
  const headers = Array.from({ length: random.below(3) }, (_, i) => [`X-Amz-Meta-${i}`, `a${word(random, 9, plain)}b`]);
  return {
    do: "sign",
    method: pick(random, METHODS),
    endpoint: ENDPOINT,
    key: word(random, 12),
    params: Object.fromEntries(params),
    headers: { ...Object.fromEntries(headers), ...(random.below(4) === 0 && { "Content-Type": "text/plain" }) },
    body: random.bytes(random.below(20)).toString("base64"),
    expires: random.below(2) === 0 ? null : 1 + random.below(604_800),
  };
}

/** The request that a client sends to `url`. */
function headOf(method: string, url: string, headers: readonly Field[]): RequestHead {
  const [, host, path, query = ""] = /^https?:\/\/([^/]+)([^?]*)\??(.*)$/s.exec(url)!;
  return { method, path: path!, query, headers: [["Host", host!], ...headers] };
}

needing("signatures of botocore", BOTOCORE, () => {
  test.each([
    ["long-lived", CREDENTIALS],
    ["temporary", TEMPORARY],
  ])(
    `${ROUNDS} of its requests with %s credentials are believed, and none with another byte`,
    async (_, credentials) => {
      const random = createPrng();
      const orders = Array.from({ length: ROUNDS }, () => signOrder(random));
      const answers = await botocore<{ url: string; headers: Field[] }>(credentials, orders);
      for (const [i, { url, headers }] of answers.entries()) {
        const told = `seed ${random.seed}, request ${i}: ${JSON.stringify(orders[i])} ${url}`;
        const head = headOf(orders[i]!.method, url, headers);
        const now = Date.now();
        expect(verifySignature(head, credentials, now, SHA256), told).toMatchObject({
          kind: "ok",
          claim: { expires: orders[i]!.expires ?? undefined },
        });
        const other = { ...head, path: `${head.path}x` };
        expect(verifySignature(other, credentials, now, SHA256), told).toMatchObject({ code: "SignatureDoesNotMatch" });
      }
    },
  );

  test(`${ROUNDS} of our requests have the signatures that it computes`, async () => {
    const random = createPrng();
    const now = Date.UTC(2026, 10, 26, 12, 0, 7);
    const amzDate = "20261126T120007Z";
    const made = Array.from({ length: ROUNDS }, () => {
      const { method, key, params, headers, expires } = signOrder(random);
      const pairs = Object.entries(params).map(([name, value]) => `${encodeUri(utf8(name))}=${encodeUri(utf8(value))}`);
      const path = `/bucket/${encodeUri(utf8(key)).replaceAll("%2F", "/")}`;
      const sent: Field[] = [["host", "s3.example:9000"], ...Object.entries(headers)];
      const head: RequestHead = { method, path, query: pairs.join("&"), headers: sent };
      if (expires === null) {
        const { head: ours, signing } = signHeaders(
          head,
          TEMPORARY,
          { date: now, payload: "UNSIGNED-PAYLOAD" },
          SHA256,
        );
        const [, names] = /SignedHeaders=([^,]*)/.exec(ours.headers.at(-1)![1])!;
        const signed = ours.headers.filter(([name]) => names!.split(";").includes(name.toLowerCase()));
        return { method, head: { ...ours, headers: signed }, expires, signature: signing.signature };
      }
      const ours = presign(head, TEMPORARY, { date: now, expires }, SHA256);
      const [query, signature] = ours.query.split("&X-Amz-Signature=");
      const signed = sent.filter(([name]) => name !== "Content-Type");
      return { method, head: { ...ours, query: query!, headers: signed }, expires, signature: signature! };
    });
    const orders = made.map(({ method, head, expires }): SignatureOrder => {
      const url = `${ENDPOINT}${head.path}?${head.query}`;
      return { do: "signature", method, url, headers: head.headers, amzDate, expires };
    });
    const theirs = await botocore<string>(TEMPORARY, orders);
    for (const [i, { signature }] of made.entries())
      expect(theirs[i], `seed ${random.seed}: ${JSON.stringify(orders[i])}`).toBe(signature);
  });

  test("what it frames is read in any pieces", async () => {
    const random = createPrng();
    const bodies = Array.from({ length: 100 }, () => random.bytes(random.below(5000)));
    const orders = bodies.map((body): FrameOrder => {
      return { do: "frame", body: body.toString("base64"), chunk: 1 + random.below(3000) };
    });
    for (const [i, answer] of (await botocore<string>(CREDENTIALS, orders)).entries()) {
      const payload = readPayload("STREAMING-UNSIGNED-PAYLOAD-TRAILER", [
        ["x-amz-decoded-content-length", String(bodies[i]!.length)],
        ["x-amz-trailer", "x-amz-checksum-crc32"],
      ]);
      if (payload.kind === "bad") throw new Error(payload.reason);
      const decoder = openBody(payload.value, SHA256);
      const framed = Buffer.from(answer, "base64");
      const got: Uint8Array[] = [];
      for (let at = 0; at < framed.length;) {
        const next = at + 1 + random.below(1000);
        expect(decoder.push(framed.subarray(at, next), (data) => got.push(data))).toBeUndefined();
        at = next;
      }
      const crc = Buffer.alloc(4);
      crc.writeUInt32BE(Bun.hash.crc32(bodies[i]!));
      const trailers = [["x-amz-checksum-crc32", crc.toString("base64")]];
      expect(decoder.finish(), `seed ${random.seed}`).toEqual({
        kind: "ok",
        trailers,
        length: bodies[i]!.length,
      } as never);
      expect(Buffer.concat(got).equals(bodies[i]!)).toBe(true);
    }
  });
});

needing("uploads of minio-go", ["go"], () => {
  const credentials = { ...TEMPORARY, accessKeyId: "AKID" };
  const trailer = { "x-amz-checksum-crc32": "NhCmhg==" };
  const sizes = [0, 1, 65_535, 65_536, 65_537, 300_000];

  /** Reads an upload in random pieces, with one bit of the body flipped where `flip` says so. */
  async function upload(order: UploadOrder, random: Prng, flip?: number) {
    const [made] = await minioUploads(credentials, [order]);
    const headers = Object.entries(made!.headers).flatMap(([name, values]) =>
      values.map((value): Field => [name, value]),
    );
    const head = headOf("PUT", order.url, headers);
    const verified = verifySignature(head, credentials, Date.now(), SHA256);
    if (verified.kind === "bad") throw new Error(verified.reason);
    const payload = readPayload(verified.claim.payload, headers);
    if (payload.kind === "bad") throw new Error(payload.reason);
    const decoder = openBody(payload.value, SHA256, order.signed ? verifyChunks(verified.signing, SHA256) : undefined);
    const framed = Buffer.from(made!.body, "base64");
    if (flip !== undefined) framed[flip]! ^= 1;
    const got: Uint8Array[] = [];
    for (let at = 0; at < framed.length;) {
      const next = at + 1 + random.below(100_000);
      decoder.push(framed.subarray(at, next), (data) => got.push(data));
      at = next;
    }
    return { end: decoder.finish(), data: Buffer.concat(got).toString("base64") };
  }

  test.each([
    ["signed chunks", true, {}],
    ["signed chunks with trailers", true, { ...trailer, "x-amz-meta-b": "2" }],
    ["chunks with a trailer", false, trailer],
  ])("%s are believed", async (_, signed, trailer) => {
    const random = createPrng();
    for (const size of sizes) {
      const body = random.bytes(size).toString("base64");
      const order = { url: `${ENDPOINT}/bucket/key`, body, trailer, signed };
      const { end, data } = await upload(order, random);
      expect(data, `seed ${random.seed}, ${size} bytes`).toBe(body);
      expect(end).toMatchObject({ kind: "ok", length: size });
      expect(end.kind === "ok" && Object.fromEntries(end.trailers)).toEqual(trailer);
      if (!signed) continue;
      const at = 5 + 17 + random.below(64);
      expect((await upload(order, random, at)).end).toMatchObject({ kind: "bad" });
      if (size > 100) {
        const { end } = await upload(order, random, 100);
        expect(end).toEqual({ kind: "bad", reason: "the signature of a chunk is wrong" });
      }
    }
  });
});

needing("signatures of curl", ["curl"], () => {
  const credentials = { ...CREDENTIALS, accessKeyId: "AKID", secretAccessKey: "se/cr+et" };

  /** Sends one request with `curl ARGS`; what we think of it. */
  async function verdictOn(target: string, args: string[], secret = "se/cr+et") {
    const { promise, resolve } = Promise.withResolvers<ReturnType<typeof verifySignature>>();
    const server = createServer((request, response) => {
      const [path, query = ""] = request.url!.split("?", 2);
      const head = { method: request.method!, path: path!, query, headers: pairs(request.rawHeaders) };
      resolve(verifySignature(head, credentials, Date.now(), SHA256));
      request.resume();
      response.end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${target}`;
    const signing = ["--aws-sigv4", "aws:amz:eu-west-3:s3", "--user", `AKID:${secret}`, "--path-as-is"];
    const { stderr } = await curl([...signing, ...args, url]);
    server.close();
    expect(stderr).toBe("");
    return promise;
  }

  describe.each([
    ["a path", "/bucket/key", []],
    ["escapes and dots", "/bucket/../a%20b/./%C3%A9", []],
    ["a query", "/bucket?prefix=a%2Fb", []],
    ["an upload", "/bucket/key", ["--data-binary", "hello", "--request", "PUT"]],
    ["a header", "/bucket/key", ["--header", "X-Amz-Meta-A: one", "--header", "X-Amz-Acl: private"]],
  ] as [string, string, string[]][])("%s", (_, target, args) => {
    const payload = ["--header", "X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"];

    test("is believed", async () => {
      expect(await verdictOn(target, [...args, ...payload])).toMatchObject({ kind: "ok" });
    });

    test("with another secret is not", async () => {
      const verdict = await verdictOn(target, [...args, ...payload], "secret");
      expect(verdict).toMatchObject({ code: "SignatureDoesNotMatch" });
    });
  });
});
