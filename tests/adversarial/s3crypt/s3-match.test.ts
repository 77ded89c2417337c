/** Conditions and attributes at a storage that has its own tags: clients name and see those of the plaintext alone. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import type { Gateway } from "./gateway.ts";
import { ask, signed, startS3, type Order, type Told } from "./s3-requests.ts";

const PLAIN = content(40_000);
const STORED = '"stored"';
const ATTRIBUTES =
  "<GetObjectAttributesResponse><ETag>stored</ETag><Checksum><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Checksum>" +
  "<ObjectParts><TotalPartsCount>1</TotalPartsCount></ObjectParts><StorageClass>STANDARD</StorageClass><ObjectSize>40131</ObjectSize></GetObjectAttributesResponse>";

let gateway: Gateway;
let sealed: Buffer;
/** What the storage was asked, but for looks. */
let asked: IncomingMessage[] = [];
let lookedAt: string[] = [];

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    if (request.headers.range !== undefined) {
      lookedAt.push(request.url!);
      if (request.url!.includes("none")) response.writeHead(404).end();
      else
        response
          .writeHead(206, { etag: STORED, "content-range": `bytes 0-151/${sealed.length}`, "content-length": 152 })
          .end(sealed.subarray(0, 152));
      return;
    }
    asked.push(request);
    const body = request.url!.includes("attributes") ? ATTRIBUTES : "";
    response.writeHead(200, { etag: STORED, "x-amz-checksum-crc32": "AAAAAA==" }).end(body);
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  gateway = await startS3(["--connect-url", `http://127.0.0.1:${(server.address() as AddressInfo).port}`]);
  const key = gateway.keys.get(1n)!;
  sealed = Buffer.from(writeSodiumObject({ version: 2, chunkSize: 16_384, keyId: 1n, key, plain: PLAIN }));
});
afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  lookedAt = [];
});

function send(order: Order, body = ""): Promise<Told> {
  const { head } = signed(order);
  const sized: readonly Field[] = body === "" ? [] : [["Content-Length", String(body.length)]];
  return ask(gateway.s3Port, { ...head, headers: [...head.headers, ...sized] }, Buffer.from(body));
}

describe.each([
  ["PUT", "hello"],
  ["DELETE", ""],
])("%s", (method, body) => {
  const match = (value: string, path = "/k") => send({ method, path, headers: [["If-Match", value]] }, body);

  test.each(['"stored-1"', "stored-1", '"a", "stored-1"'])(
    "with If-Match: %s asks for the storage's tag",
    async (value) => {
      expect((await match(value)).status).toBe(200);
      expect(lookedAt).toEqual(["/jail/k"]);
      expect(asked.map((each) => [each.method, each.headers["if-match"]])).toEqual([[method, STORED]]);
    },
  );

  test.each(['"stored"', '"other"', `"${createHash("md5").update(PLAIN).digest("hex")}"`])(
    "with If-Match: %s, which nobody was shown, is not passed on",
    async (value) => {
      const told = await match(value);
      expect([told.status, asked.length]).toEqual([412, 0]);
      expect(told.body).toContain("<Code>PreconditionFailed</Code>");
    },
  );

  test("with If-Match of what is not there is not passed on", async () => {
    const told = await match('"stored-1"', "/none");
    expect([told.status, asked.length]).toEqual([404, 0]);
  });

  test("with If-Match: * is the storage's to judge", async () => {
    expect((await match("*")).status).toBe(200);
    expect([lookedAt, asked[0]!.headers["if-match"]]).toEqual([[], "*"]);
  });
});

test("a PUT may name the MD5 that the one before it was answered with", async () => {
  const text = "x".repeat(100_000);
  expect((await send({ method: "PUT", path: "/again" }, text)).status).toBe(200);
  const md5 = createHash("md5").update(text).digest("hex");
  const next = await send({ method: "PUT", path: "/again", headers: [["If-Match", `"${md5}"`]] }, text);
  expect([next.status, asked.at(-1)!.headers["if-match"]]).toEqual([200, STORED]);
  const elsewhere = await send({ method: "PUT", path: "/k", headers: [["If-Match", `"${md5}"`]] }, text);
  expect(elsewhere.status).toBe(412);
});

test("attributes are those of the plaintext, and what is of ciphertext alone is left out", async () => {
  const told = await send({
    path: "/k",
    query: "attributes",
    headers: [["x-amz-object-attributes", "ETag,ObjectSize"]],
  });
  expect(told).toEqual({
    status: 200,
    body: "<GetObjectAttributesResponse><ETag>stored-1</ETag><StorageClass>STANDARD</StorageClass><ObjectSize>40000</ObjectSize></GetObjectAttributesResponse>",
  });
});
