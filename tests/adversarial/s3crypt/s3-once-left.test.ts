/** Clients that leave while the storage makes an object of what it has already: what it says then is what counts for their right. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { RawClient } from "../raw-client.ts";
import { headOf, newName, type Gateway } from "./gateway.ts";
import { ask, presigned, signed, startS3, write } from "./s3-requests.ts";

const PARTS =
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"e"</ETag></Part></CompleteMultipartUpload>';
/** A part of five bytes: header, salt, commitment, and one chunk. */
const LISTED =
  "<ListPartsResult><Part><PartNumber>1</PartNumber><ETag>e</ETag><Size>237</Size></Part></ListPartsResult>";
const SOURCE = [["x-amz-copy-source", "/b/source"]] as const;

let folder: string;
let gateway: Gateway;
/** Of the request by which the object is made. */
let making = Promise.withResolvers<ServerResponse>();

const server = createServer((request, response) => {
  request.resume().on("end", () => answer(request, response));
});

function answer({ method, url = "", headers }: IncomingMessage, response: ServerResponse): void {
  const isPart = url.includes("partNumber=");
  if (method === "HEAD") response.writeHead(404).end();
  else if (url.endsWith("?uploads")) response.end("<R><UploadId>up</UploadId></R>");
  else if (method === "GET" && url.includes("uploadId=")) response.end(LISTED);
  else if (method === "GET")
    response.writeHead(206, { etag: '"s"', "content-range": "bytes 0-4/5", "content-length": 5 }).end("hello");
  else if (method === "PUT" && !isPart && headers["x-amz-copy-source"] === undefined) response.end();
  else making.resolve(response);
}

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  folder = mkdtempSync(join(tmpdir(), "portail-once-"));
  const flags = ["--write-once", "--write-once-db", join(folder, "once.db")];
  gateway = await startS3([...flags, "--connect-url", `http://127.0.0.1:${port}`], "10s");
});
afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  making = Promise.withResolvers();
});

async function begin(path: string): Promise<string> {
  const { body } = await ask(gateway.s3Port, signed({ method: "POST", path, query: "uploads" }).head);
  return encodeURIComponent(/<UploadId>(.*)<\/UploadId>/.exec(body)![1]!);
}

/** What a client sends to a path. */
type Order = (path: string) => Promise<[head: RequestHead, body: string]>;

/** By presigned URLs, and what the storage answers when it has done it. */
const WAYS: [operation: string, order: Order, result: string][] = [
  [
    "CompleteMultipartUpload",
    async (path) => [presigned({ method: "POST", path, query: `uploadId=${await begin(path)}` }), PARTS],
    "<CompleteMultipartUploadResult><ETag>o</ETag></CompleteMultipartUploadResult>",
  ],
  [
    "CopyObject",
    async (path) => [presigned({ method: "PUT", path, headers: SOURCE }), ""],
    "<CopyObjectResult><ETag>o</ETag></CopyObjectResult>",
  ],
  [
    "UploadPartCopy",
    async (path) => {
      const query = `partNumber=1&uploadId=${await begin(path)}`;
      return [presigned({ method: "PUT", path, query, headers: SOURCE }), ""];
    },
    "",
  ],
];

/** Sends it, leaves when the storage has all, has that give `status` and `result`, and answers the status of another use. */
async function useTwice(
  operation: string,
  order: Order,
  status: number,
  result: string,
): Promise<[right: string | undefined, again: number]> {
  const name = `b/${newName()}`;
  const [head, body] = await order(`/${name}`);
  const sized = { ...head, headers: [...head.headers, ["Content-Length", String(body.length)] as const] };
  const client = await RawClient.open(gateway.s3Port);
  client.write(write(sized) + body);
  const response = await making.promise;
  client.reset();
  await client.closed;
  // The proxy has noticed when it has answered another.
  const other = await RawClient.open(gateway.port);
  other.write("GET /ping HTTP/1.1\r\nHost: a\r\n\r\n");
  await headOf(other);
  other.end();
  response.writeHead(status, { etag: '"o"', "content-length": result.length }).end(result);
  const line = await gateway.line(name, operation);
  expect(line.outcome).toBe("client");
  making = Promise.withResolvers();
  void making.promise.then((made) => made.writeHead(500).end());
  return [line.writeOnce, (await ask(gateway.s3Port, sized, Buffer.from(body))).status];
}

test.each(WAYS)("%s that the storage then does has used its right", async (operation, order, result) => {
  expect(await useTwice(operation, order, 200, result)).toEqual(["taken", 403]);
});

test.each(WAYS)("%s that the storage then refuses has not", async (operation, order) => {
  expect(await useTwice(operation, order, 500, "")).toEqual(["given_back", 500]);
});

test.each(WAYS.slice(0, 2))("%s that the storage refuses behind its status has not", async (operation, order) => {
  const error = "<Error><Code>InternalError</Code></Error>";
  expect(await useTwice(operation, order, 200, error)).toEqual(["given_back", 500]);
});
