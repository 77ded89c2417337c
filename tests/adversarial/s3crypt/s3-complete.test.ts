/** CompleteMultipartUpload with checksums: those of its headers are of the object, and not of the list of parts that it carries. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { crc32 } from "node:zlib";
import { wrongChecksum } from "../../../commands/s3crypt/serve/multipart/object-checksum.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { Gateway } from "./gateway.ts";
import { ask, signed, startS3, type Told } from "./s3-requests.ts";

const PARTS = Buffer.from(
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>',
);
const OBJECT = Buffer.from("hello");
/** A part of five bytes: header, salt, commitment, and one chunk. */
const LISTED =
  "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>237</Size></Part></ListPartsResult>";

const LENGTH: Field = ["Content-Length", String(OBJECT.length)];

let gateway: Gateway;
/** By which the object was made. */
let made: IncomingMessage | undefined;

const server = createServer((request, response) => {
  const { method, url = "" } = request;
  request.resume().on("end", () => {
    if (method === "HEAD") response.writeHead(404).end();
    else if (url.endsWith("?uploads")) response.end("<R><UploadId>up</UploadId></R>");
    else if (method === "GET" && url.includes("uploadId=")) response.end(LISTED);
    else if (method === "GET")
      response.writeHead(206, { etag: '"there"', "content-range": "bytes 0-4/5", "content-length": 5 }).end(OBJECT);
    else if (method === "PUT") response.writeHead(200, { etag: '"e"' }).end();
    else {
      made = request;
      response.end("<CompleteMultipartUploadResult><ETag>o</ETag></CompleteMultipartUploadResult>");
    }
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gateway = await startS3(["--connect-url", `http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
});
afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  server.close();
});

/** With a part that comes with `part`, where that is given. */
async function complete(headers: readonly Field[], part?: Field): Promise<Told> {
  made = undefined;
  const path = "/b/k";
  const { body } = await ask(gateway.s3Port, signed({ method: "POST", path, query: "uploads" }).head);
  const query = `uploadId=${encodeURIComponent(/<UploadId>(.*)<\/UploadId>/.exec(body)![1]!)}`;
  if (part !== undefined) {
    const order = { method: "PUT", path, query: `partNumber=1&${query}`, headers: [part, LENGTH] };
    expect((await ask(gateway.s3Port, signed(order).head, OBJECT)).status).toBe(200);
  }
  const sized: Field[] = [["Content-Length", String(PARTS.length)], ...headers];
  return ask(gateway.s3Port, signed({ method: "POST", path, query, headers: sized }).head, PARTS);
}

function crcOf(bytes: Uint8Array): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString("base64");
}

const crcField = (bytes: Uint8Array): Field[] => [
  ["x-amz-checksum-crc32", crcOf(bytes)],
  ["x-amz-checksum-type", "FULL_OBJECT"],
];
const md5Of = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("base64");

test("a checksum of the object is none of the list of its parts, and none of what lies at the storage", async () => {
  const { status } = await complete(crcField(OBJECT));
  expect(status).toBe(200);
  expect(Object.keys(made!.headers).filter((name) => name.startsWith("x-amz-checksum"))).toEqual([]);
});

test("one that those of the parts do not come to makes nothing", async () => {
  const part: Field = ["x-amz-checksum-crc32", crcOf(OBJECT)];
  const { status, body } = await complete(crcField(PARTS), part);
  expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1], made]).toEqual([400, "BadDigest", undefined]);
  expect((await complete(crcField(OBJECT), part)).status).toBe(200);
});

test.each(["FULL_OBJECT", "COMPOSITE"])("%s is held against those of all parts", (type) => {
  const value = Uint8Array.from(Buffer.from(crcOf(OBJECT), "base64"));
  const checksums = [{ name: "CRC32" as const, value }];
  const part = { plain: OBJECT.length, md5: new Uint8Array(16), commitment: new Uint8Array(32), checksums };
  const full = crcOf(Buffer.concat([OBJECT, OBJECT]));
  const composite = `${crcOf(Buffer.concat([value, value]))}-2`;
  const [right, wrong] = type === "COMPOSITE" ? [composite, full] : [full, composite];
  const named = (text: string): Field[] => [
    ["x-amz-checksum-crc32", text],
    ["X-Amz-Checksum-Type", type],
  ];
  const unsaid = (text: string): Field[] => named(text).slice(0, 1);
  for (const fields of [named(right), unsaid(right), unsaid(right.replace("-2", ""))])
    expect(wrongChecksum(fields, [part, part])).toBeUndefined();
  expect(wrongChecksum(unsaid(crcOf(PARTS)), [part, part])).toBe("CRC32");
  expect(wrongChecksum(named(wrong), [part, part])).toBe("CRC32");
  // Nothing is known of a part that somebody else took.
  expect(wrongChecksum(named(wrong), [part, undefined])).toBeUndefined();
});

test("the MD5 is that of the list", async () => {
  expect((await complete([["Content-MD5", md5Of(PARTS)]])).status).toBe(200);
  expect((await complete([["Content-MD5", md5Of(OBJECT)]])).status).toBe(400);
  expect(made).toBeUndefined();
});

test.each([
  ["If-Match", '"there"', 200, '"there"'],
  ["If-Match", "*", 200, "*"],
  ["If-Match", '"another"', 412, undefined],
  ["If-None-Match", "*", 200, "*"],
] as const)("%s: %s is about the object that is there", async (name, value, status, passed) => {
  expect((await complete([[name, value]])).status).toBe(status);
  expect(made?.headers[name.toLowerCase()]).toBe(passed);
});
