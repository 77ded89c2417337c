/** Listings of a storage that is slow, lies, or says what no storage says: clients get what is certain, and the proxy keeps its measure. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import { until } from "../harness.ts";
import { RawClient } from "../raw-client.ts";
import type { Gateway } from "./gateway.ts";
import { ask, signed, startS3, write, type Told } from "./s3-requests.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let gateway: Gateway;
let sealed: Buffer;
let listing = "";
/** What becomes of a look at an object. */
let look: Answer = () => {};
let looks: string[] = [];

const server = createServer((request, response) => {
  if (request.headers.range === undefined) response.end(listing);
  else {
    looks.push(request.url!);
    look(request, response);
  }
});

const warnings: string[] = [];
const keepWarning = ({ name }: Error) => warnings.push(name);

beforeAll(async () => {
  process.on("warning", keepWarning);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  gateway = await startS3(["--connect-url", `http://127.0.0.1:${port}`]);
  const key = gateway.keys.get(1n)!;
  sealed = Buffer.from(writeSodiumObject({ version: 2, chunkSize: 16_384, keyId: 1n, key, plain: content(40_000) }));
});
afterAll(async () => {
  await gateway.stop();
  server.closeAllConnections();
  server.close();
  process.off("warning", keepWarning);
});

let run = 0;
/** Objects of one test have a tag of their own. */
let tag = "";
beforeEach(() => {
  looks = [];
  tag = `"of-${++run}"`;
});

const entry = (key: string, size = sealed.length, etag = tag) =>
  `<Contents><Key>${key}</Key><ETag>${etag}</ETag><Size>${size}</Size><Owner><ID>o</ID></Owner></Contents>`;
const listOf = (...entries: string[]) =>
  `<?xml version="1.0"?>\n<ListBucketResult><Name>jail</Name> ${entries.join("\n")}\n\t</ListBucketResult>\n`;
const list = (): Promise<Told> => ask(gateway.s3Port, signed({ path: "/", query: "list-type=2" }).head);

/** As a storage answers that has the object. */
const beginning: Answer = (_, response) => {
  const head = { etag: tag, "content-range": `bytes 0-151/${sealed.length}`, "content-length": 152 };
  response.writeHead(206, head).end(sealed.subarray(0, 152));
};

test("every byte but those of sizes and tags is the storage's", async () => {
  look = beginning;
  listing = listOf(entry("a"), entry("b", 7), entry("d/", 0));
  const { status, body } = await list();
  expect(status).toBe(200);
  const changed = entry("a", 40_000, `&quot;${tag.slice(1, -1)}-1&quot;`);
  expect(body).toBe(listOf(changed, entry("b", 7), entry("d/", 0)));
  expect(looks).toEqual(["/jail/a"]);
});

test.each<[string, Answer]>([
  ["is not there any more", (_, response) => response.writeHead(404).end()],
  ["is not to be seen", (_, response) => response.writeHead(403).end()],
  ["fails", (_, response) => response.writeHead(500).end()],
  [
    "breaks off",
    (_, response) =>
      response
        .writeHead(206, { etag: tag, "content-range": "bytes 0-151/9999", "content-length": 152 })
        .write("J", () => response.destroy()),
  ],
  ["is reset", (request) => request.socket.destroy()],
  ["never comes", () => {}],
  [
    "is of another object",
    (_, response) =>
      response.writeHead(206, { etag: '"other"', "content-range": "bytes 0-151/9999" }).end(sealed.subarray(0, 152)),
  ],
  [
    "has no size",
    (_, response) =>
      response.writeHead(206, { etag: tag, "content-range": "bytes 0-151/*" }).end(sealed.subarray(0, 152)),
  ],
  [
    "has a size that no object has",
    (_, response) =>
      response.writeHead(206, { etag: tag, "content-range": "bytes 0-151/81" }).end(sealed.subarray(0, 152)),
  ],
])("where the look %s, the entry stays as it is", async (_, answer) => {
  look = answer;
  listing = listOf(entry("a"), entry("b"));
  expect(await list()).toEqual({ status: 200, body: listing });
});

test.each([
  ["no XML", "<ListBucketResult><Contents>"],
  ["entities", '<!DOCTYPE a [<!ENTITY b "c">]><ListBucketResult>&b;</ListBucketResult>'],
  ["endless nesting", "<a>".repeat(100_000)],
])("a listing that is %s is none", async (_, text) => {
  listing = text;
  const { status, body } = await list();
  expect([status, /<Code>(.*)<\/Code>/.exec(body)?.[1]]).toEqual([502, "InternalError"]);
});

test("no more than 16 looks of one listing are under way, and 32 of all", async () => {
  let now = 0;
  let most = 0;
  const held: (() => void)[] = [];
  look = (request, response) => {
    most = Math.max(most, ++now);
    held.push(() => {
      now--;
      beginning(request, response);
    });
  };
  listing = listOf(...Array.from({ length: 100 }, (_, i) => entry(`k${i}`)));
  const one = list();
  await until(() => held.length === 16, "the looks of one listing");
  const others = [list(), list()];
  await until(() => held.length === 32, "the looks of others");
  const release = setInterval(() => held.splice(0).forEach((answer) => answer()), 1);
  const told = await Promise.all([one, ...others]);
  clearInterval(release);
  expect(most).toBe(32);
  for (const { body } of told) expect(body.match(/<Size>40000</g)).toHaveLength(100);
});

test("what is known is not looked at again, until its tag is another", async () => {
  look = beginning;
  listing = listOf(entry("a"), entry("b"));
  await list();
  await list();
  expect(looks.toSorted()).toEqual(["/jail/a", "/jail/b"]);
  tag = '"anew"';
  listing = listOf(entry("a"));
  expect((await list()).body).toContain("<ETag>&quot;anew-1&quot;</ETag><Size>40000</Size>");
  expect(looks).toHaveLength(3);
});

test("keys are asked for as they are, whatever stands in them", async () => {
  look = beginning;
  listing = listOf(entry("a &amp; b?c#d%41/../é"), entry("//x"));
  await list();
  expect(looks.toSorted()).toEqual(["/jail///x", "/jail/a%20%26%20b%3Fc%23d%2541/../%C3%A9"]);
});

test("a client that leaves is looked for no longer", async () => {
  look = () => {};
  listing = listOf(...Array.from({ length: 200 }, (_, i) => entry(`k${i}`)));
  const client = await RawClient.open(gateway.s3Port);
  client.write(write(signed({ path: "/", query: "list-type=2" }).head));
  await until(() => looks.length === 16, "the first looks");
  client.reset();
  look = beginning;
  listing = listOf(entry("z"));
  expect((await list()).body).toContain("<Size>40000</Size>");
  expect(looks).toHaveLength(17);
});

test("connections to the storage gather no listeners, however often they are used", async () => {
  look = beginning;
  listing = listOf(...Array.from({ length: 300 }, (_, i) => entry(`k${i}`)));
  expect((await list()).body.match(/<Size>40000</g)).toHaveLength(300);
  expect(warnings).toEqual([]);
});
