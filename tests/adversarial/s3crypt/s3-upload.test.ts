/** Uploads of S3 clients whose content is not what it was said to be, or that hide something: nothing of them becomes an object. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, type Gateway } from "./gateway.ts";
import { ask, framed, presigned, signed, startS3, write, type Order, type Told } from "./s3-requests.ts";

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startS3();
});
afterAll(() => gateway.stop());

const SMALL = content(20_000);
const LARGE = content(300_000);
const sealedLength = (size: number) => 80 + size + 17 * Math.ceil(size / 16_384);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const sha256In64 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64");
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("base64");
const crc = (bytes: Uint8Array) => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString("base64");
};

/** Of the last upload. */
let name = "";

interface Upload {
  payload?: string;
  headers?: readonly Field[];
  /** What is sent, from what the request was signed with. */
  body(signing: ReturnType<typeof signed>["signing"]): Uint8Array;
}

function upload({ payload, headers = [], body }: Upload): Promise<Told> {
  name = newName();
  const order: Order = { method: "PUT", path: `/${name}`, ...(payload && { payload }) };
  const { head, signing } = signed({ ...order, headers });
  const bytes = body(signing);
  return ask(gateway.s3Port, { ...head, headers: [...head.headers, ["Content-Length", String(bytes.length)]] }, bytes);
}

/** A streaming upload of `bytes` in two chunks. */
function streamed(
  mode: string,
  bytes: Uint8Array,
  more: Partial<Parameters<typeof framed>[1]> & { headers?: Field[] } = {},
): Upload {
  const isSigned = mode.includes("HMAC");
  const trailers = more.trailers;
  return {
    payload: mode,
    headers: [
      ["Content-Encoding", "gzip, aws-chunked"],
      ["x-amz-decoded-content-length", String(bytes.length)],
      ...(trailers ? [["x-amz-trailer", trailers.map(([each]) => each).join(",")] as const] : []),
      ...(more.headers ?? []),
    ],
    body: (signing) =>
      framed([bytes.subarray(0, 9000), bytes.subarray(9000)], {
        ...(isSigned && { signing }),
        ...(trailers && { trailers }),
      }),
  };
}

const PLAIN_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const crcOf = (bytes: Uint8Array): Field[] => [["x-amz-checksum-crc32", crc(bytes)]];

const RIGHT: [string, (bytes: Uint8Array) => Upload][] = [
  ["unsigned", (bytes) => ({ body: () => bytes, headers: [["Content-MD5", md5(bytes)]] })],
  ["hashed", (bytes) => ({ payload: sha256(bytes), body: () => bytes, headers: crcOf(bytes) })],
  [
    "hashed, and its hash claimed as a checksum",
    (bytes) => ({ payload: sha256(bytes), body: () => bytes, headers: [["x-amz-checksum-sha256", sha256In64(bytes)]] }),
  ],
  ["chunks with a trailer", (bytes) => streamed(PLAIN_CHUNKS, bytes, { trailers: crcOf(bytes) })],
  ["signed chunks", (bytes) => streamed(SIGNED_CHUNKS, bytes)],
  ["signed chunks with a signed trailer", (bytes) => streamed(SIGNED_TRAILER, bytes, { trailers: crcOf(bytes) })],
];

describe.each([
  ["small", SMALL],
  ["large", LARGE],
] as const)("%s", (size, bytes) => {
  test.each(RIGHT)("%s: what is right becomes an object", async (_, make) => {
    const told = upload({ ...make(bytes) });
    const storage = await gateway.storage.next();
    const head = await headOf(storage);
    expect(Number(field(head, "content-length"))).toBe(sealedLength(bytes.length));
    const stored = await storage.read(sealedLength(bytes.length));
    storage.write('HTTP/1.1 200 OK\r\nETag: "cipher"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    storage.end();
    expect((await told).status).toBe(200);
    expect(readSodiumObject(stored, gateway.keys).plain.equals(bytes)).toBe(true);
    expect(field(head, "x-amz-content-sha256")).toBe("UNSIGNED-PAYLOAD");
    expect(field(head, "x-amz-meta-original-content-length")).toBe(String(bytes.length));
    expect(head.filter((line) => /^(?:content-md5|x-amz-(?:checksum|trailer|decoded|sdk))/i.test(line))).toEqual([]);
    expect(["gzip", undefined]).toContain(field(head, "content-encoding"));
  });

  const other = Buffer.from(bytes);
  other[other.length - 1]! ^= 1;
  const WRONG: [string, Upload, string][] = [
    ["another Content-MD5", { body: () => bytes, headers: [["Content-MD5", md5(other)]] }, "BadDigest"],
    ["another CRC32", { body: () => bytes, headers: crcOf(other) }, "BadDigest"],
    ["another hash", { payload: sha256(other), body: () => bytes }, "XAmzContentSHA256Mismatch"],
    [
      "another hash as a checksum",
      { payload: sha256(bytes), body: () => bytes, headers: [["x-amz-checksum-sha256", sha256In64(other)]] },
      "BadDigest",
    ],
    ["a trailer that lies", streamed(PLAIN_CHUNKS, bytes, { trailers: crcOf(other) }), "BadDigest"],
    ["a signed trailer that lies", streamed(SIGNED_TRAILER, bytes, { trailers: crcOf(other) }), "BadDigest"],
    [
      "chunks that are signed for others",
      { ...streamed(SIGNED_CHUNKS, bytes), body: (signing) => changed(framed([bytes], { signing })) },
      "SignatureDoesNotMatch",
    ],
    [
      "a trailer that is signed for another",
      {
        ...streamed(SIGNED_TRAILER, bytes, { trailers: crcOf(bytes) }),
        body: (signing) => {
          const whole = framed([bytes], { signing, trailers: crcOf(other) }).toString("latin1");
          return Buffer.from(whole.replace(crc(other), crc(bytes)), "latin1");
        },
      },
      "SignatureDoesNotMatch",
    ],
    [
      "chunks without their last",
      { ...streamed(SIGNED_CHUNKS, bytes), body: (signing) => framed([bytes], { signing }).subarray(0, -90) },
      "IncompleteBody",
    ],
    [
      "more than was said",
      {
        ...streamed(PLAIN_CHUNKS, bytes, { trailers: crcOf(bytes) }),
        body: () => framed([bytes, Buffer.from("x")], { trailers: crcOf(bytes) }),
      },
      "IncompleteBody",
    ],
  ];

  test.each(WRONG)("%s becomes none", async (_, order, code) => {
    const before = gateway.storage.opened;
    const told = upload(order);
    if (size === "large") {
      const storage = await gateway.storage.next();
      await headOf(storage);
      expect((await storage.rest()).length).toBeLessThan(sealedLength(bytes.length));
      storage.end();
    }
    const { status, body } = await told;
    expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([
      code === "SignatureDoesNotMatch" ? 403 : 400,
      code,
    ]);
    expect(gateway.storage.opened - before).toBe(size === "large" ? 1 : 0);
    expect((await gateway.line(name)).outcome).toBe("refused");
  });
});

function changed(framing: Buffer): Buffer {
  framing[5000]! ^= 1;
  return framing;
}

test("a client that dies within its chunks leaves an upload without its end", async () => {
  name = newName();
  const { head, signing } = signed({
    method: "PUT",
    path: `/${name}`,
    payload: SIGNED_CHUNKS,
    headers: [["x-amz-decoded-content-length", "300000"]],
  });
  const body = framed([LARGE], { signing });
  const client = await RawClient.open(gateway.s3Port);
  client.write(write({ ...head, headers: [...head.headers, ["Content-Length", String(body.length)]] }));
  client.write(body.subarray(0, 200_000));
  const storage = await gateway.storage.next();
  await headOf(storage);
  await storage.read(100_000);
  client.reset();
  expect(100_000 + (await storage.rest()).length).toBeLessThan(sealedLength(LARGE.length));
  storage.end();
  expect((await gateway.line(name)).outcome).toBe("client");
});

describe("what a client may not say", () => {
  const sentAs = async (head: RequestHead): Promise<string[]> => {
    const told = ask(
      gateway.s3Port,
      { ...head, headers: [...head.headers, ["Content-Length", "2"]] },
      Buffer.from("hi"),
    );
    const storage = await gateway.storage.next();
    const lines = await headOf(storage);
    storage.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    storage.end();
    await told;
    return lines;
  };

  test("are facts and sizes of the proxy", async () => {
    const headers: Field[] = [
      ["X-Amz-Meta-S3crypt", "1.1.forged"],
      ["x-amz-meta-s3crypt-more", "forged"],
      ["x-amz-meta-original-content-length", "77"],
      ["x-amz-meta-mine", "kept"],
    ];
    const lines = await sentAs(signed({ method: "PUT", path: `/${newName()}`, headers }).head);
    expect(field(lines, "x-amz-meta-original-content-length")).toBe("2");
    expect([field(lines, "x-amz-meta-mine"), lines.join("\n").includes("forged")]).toEqual(["kept", false]);
  });

  test("is not said in the query either", async () => {
    const head = presigned({
      method: "PUT",
      path: `/${newName()}`,
      query: "x-amz-meta-s3crypt=forged&x-amz-checksum-crc32=AAAAAA==",
    });
    const lines = await sentAs(head);
    expect(lines[0]).toBe(`PUT /jail${head.path} HTTP/1.1`);
  });

  const refused: [string, Order][] = [
    ["a form", { method: "POST", path: "/" }],
    ["a form with a key", { method: "POST", path: "/o-1" }],
    ["an operation that nobody knows", { method: "PUT", path: "/o-1", query: "append&position=0" }],
    ["a sub-resource that is misspelt", { method: "PUT", path: "/o-1", query: "ACL" }],
    ["two sub-resources", { method: "PUT", path: "/o-1", query: "acl&tagging" }],
    ["a copy in the query", { method: "PUT", path: "/o-1", query: "x-amz-copy-source=%2Fjail%2Fa" }],
    ["an archive", { method: "PUT", path: "/o-1", headers: [["x-amz-meta-snowball-auto-extract", "true"]] }],
    ["an answer of a function", { method: "POST", path: "/WriteGetObjectResponse" }],
    ["a method that nobody knows", { method: "PATCH", path: "/o-1" }],
  ];
  test.each(refused)("is %s", async (_, order) => {
    const before = gateway.storage.opened;
    const { head } = signed(order);
    const { status, body } = await ask(gateway.s3Port, head);
    expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([501, "NotImplemented"]);
    expect(gateway.storage.opened).toBe(before);
  });

  test("is a part of an upload that nobody began here", async () => {
    const before = gateway.storage.opened;
    const { head } = signed({ method: "PUT", path: "/o-1", query: "partNumber=1&uploadId=u" });
    const { status, body } = await ask(gateway.s3Port, head);
    expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([404, "NoSuchUpload"]);
    expect(gateway.storage.opened).toBe(before);
  });

  test("is the beginning of parts, where they are denied", async () => {
    const denying = await startS3(["--multipart", "deny"]);
    try {
      const { status, body } = await ask(
        denying.s3Port,
        signed({ method: "POST", path: "/o-1", query: "uploads" }).head,
      );
      expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([501, "NotImplemented"]);
      expect(denying.storage.opened).toBe(0);
    } finally {
      await denying.stop();
    }
  });

  test("is a document that is another than was signed", async () => {
    const before = gateway.storage.opened;
    const document = Buffer.from("<Tagging/>");
    const { head } = signed({
      method: "PUT",
      path: "/o-1",
      query: "tagging",
      payload: sha256(Buffer.from("<other/>")),
    });
    const told = await ask(gateway.s3Port, { ...head, headers: [...head.headers, ["Content-Length", "10"]] }, document);
    expect([told.status, gateway.storage.opened]).toEqual([400, before]);
  });
});
