/** Ranges whose pieces do not fit together: no answer has bytes of two objects. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BYTES, FRONT, get, objectOf, SEALED_CHUNK } from "./download.ts";
import { field, headOf, startGateway, type Gateway } from "./gateway.ts";

const RANGE = "Range: bytes=20000-20009\r\n";

let gateway: Gateway;
beforeAll(async () => void (gateway = await startGateway(["--plaintext", "warn"])));
afterAll(() => gateway.stop());

describe("a range of an object that the storage", () => {
  /** The look at the beginning is answered; the request for the range is the caller's. */
  async function ranged(object: Buffer, tag = '"a"') {
    const { client, name, storage: first } = await get(gateway, { more: RANGE });
    first.write(partial(object, 0, 215, tag));
    first.end();
    const second = await gateway.storage.next();
    return { client, name, asked: await headOf(second), storage: second };
  }

  function partial(object: Buffer, first: number, last: number, tag: string): Buffer {
    const fields = `Content-Range: bytes ${first}-${last}/${object.length}\r\nETag: ${tag}\r\nConnection: close`;
    const head = `HTTP/1.1 206 Partial Content\r\nContent-Length: ${last - first + 1}\r\n${fields}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), object.subarray(first, last + 1)]);
  }

  /** Where in the object the range is, with all that is before it: its chain is not known yet. */
  function wanted(asked: string[]) {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(field(asked, "range")!)!;
    return [Number(first), Number(last)] as const;
  }

  test("has as it was is read, of the same object", async () => {
    const object = objectOf(gateway, true);
    const { client, name, asked, storage } = await ranged(object);
    expect(field(asked, "if-match")).toBe('"a"');
    let [from, to] = wanted(asked);
    storage.write(partial(object, from, to, '"a"'));
    storage.end();
    // What is before the range may have been asked for first.
    if (from < FRONT + SEALED_CHUNK) {
      const next = await gateway.storage.next();
      [from, to] = wanted(await headOf(next));
      next.write(partial(object, from, to, '"a"'));
      next.end();
    }
    const head = await headOf(client);
    expect([head[0], field(head, "content-range")]).toEqual([
      "HTTP/1.1 206 Partial Content",
      `bytes 20000-20009/${BYTES.length}`,
    ]);
    expect((await client.read(10)).equals(BYTES.subarray(20_000, 20_010))).toBe(true);
    client.end();
    expect((await gateway.line(name)).outcome).toBe("done");
  });

  test.each([
    ["has no more", () => Buffer.from("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")],
    ["has changed", () => Buffer.from("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 0\r\n\r\n")],
    ["sends whole", (object: Buffer) => Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n\r\n`)],
    ["has under another tag", (object: Buffer, from: number, to: number) => partial(object, from, to, '"b"')],
    ["has of another size", (object: Buffer, from: number, to: number) => partial(object.subarray(1), from, to, '"a"')],
  ] as const)("%s is not answered with bytes of two objects", async (_, answer) => {
    const object = objectOf(gateway);
    const { client, name, asked, storage } = await ranged(object);
    storage.write((answer as (object: Buffer, from: number, to: number) => Buffer)(object, ...wanted(asked)));
    const head = await headOf(client);
    expect([head[0], field(head, "x-portail-error")]).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
    expect((await gateway.line(name)).outcome).toBe("failed");
    client.end();
    storage.reset();
  });
});

test.each([
  [
    "more of its beginning than was asked for",
    "206 Partial Content",
    "Content-Range: bytes 0-99999999999999/100000000000000",
  ],
  ["less of it", "206 Partial Content", "Content-Range: bytes 0-100/5000"],
  ["no place of it", "206 Partial Content", "X-A: b"],
  ["another protocol", "101 Switching Protocols", "Connection: Upgrade\r\nUpgrade: x"],
])("a storage that sends %s of an object is told as broken", async (_, status, fields) => {
  const { client, name, storage } = await get(gateway, { more: RANGE });
  storage.write(`HTTP/1.1 ${status}\r\nContent-Length: 101\r\n${fields}\r\n\r\n`);
  storage.write(objectOf(gateway).subarray(0, 101));
  const head = await headOf(client);
  expect([head[0], field(head, "x-portail-error")]).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
  expect((await gateway.line(name)).outcome).toBe("failed");
  client.end();
  storage.reset();
});
