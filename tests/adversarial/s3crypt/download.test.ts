/** Downloads that go wrong: only what is authentic reaches the client, and what is not whole never looks it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { content } from "../../support/web.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, stillness, type Gateway, type ObjectLine } from "./gateway.ts";

const CHUNK = 16_384;
const SEALED_CHUNK = CHUNK + 17;
/** Of a header of version 2. */
const FRONT = 80;
const BYTES = content(5 * CHUNK);

let gateway: Gateway;
/** The same with all demands. */
let strict: Gateway;
beforeAll(async () => {
  gateway = await startGateway(["--plaintext", "warn"]);
  strict = await startGateway(["--plaintext", "deny", "--require-final", "--from", "1"]);
});
afterAll(async () => {
  await gateway.stop();
  await strict.stop();
});

const objectOf = ({ keys }: Gateway, final = false, keyId = 1n) =>
  writeSodiumObject({ key: keys.get(keyId)!, keyId, plain: BYTES, final });

interface Outcome {
  head: string[];
  body: Buffer;
  /** Whether the client could take it for whole. */
  whole: boolean;
  line: ObjectLine;
}

/** What a client gets of an answer of the storage; `later` of it is sent when the client has the head. */
async function download(
  at: Gateway,
  answer: (storage: RawClient) => void,
  {
    version = "1.1",
    more = "",
    query = "",
    later = () => {},
  }: { version?: string; more?: string; query?: string; later?: typeof answer } = {},
): Promise<Outcome> {
  const client = await RawClient.open(at.port);
  const name = newName();
  client.write(`GET /upstream/${name}${query} HTTP/${version}\r\nHost: a\r\n${more}\r\n`);
  const storage = await at.storage.next();
  await headOf(storage);
  answer(storage);
  const head = await headOf(client);
  later(storage);
  const length = field(head, "content-length");
  const chunked = field(head, "transfer-encoding") === "chunked";
  const body =
    length !== undefined
      ? await client.read(Number(length))
      : chunked
        ? await client.readThrough("\r\n0\r\n\r\n")
        : await client.rest();
  const whole =
    length === undefined ? body.toString("latin1").endsWith("\r\n0\r\n\r\n") : body.length === Number(length);
  client.reset();
  storage.reset();
  await storage.closed;
  return { head, body, whole, line: await at.line(name) };
}

function sends(object: Uint8Array, fields = `Content-Length: ${object.length}\r\n`) {
  return (storage: RawClient) => {
    storage.write(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
    storage.write(object);
    if (!fields.includes("Content-Length")) storage.end();
  };
}

const CODES = ["status", "code"] as const;
const told = ({ head, line }: Outcome) => [head[0], field(head, "x-portail-error"), ...CODES.map((name) => line[name])];

test("an object that is as it was written comes whole", async () => {
  const outcome = await download(gateway, sends(objectOf(gateway, true)));
  expect(outcome.body.equals(BYTES)).toBe(true);
  expect([outcome.whole, outcome.line.outcome, outcome.line.end]).toEqual([true, "done", "proven"]);
});

test("a size that the storage does not tell is told by chunks", async () => {
  const outcome = await download(gateway, sends(objectOf(gateway, true), ""), { more: "Range: bytes=0-3\r\n" });
  expect(field(outcome.head, "transfer-encoding")).toBe("chunked");
  expect([outcome.head[0], outcome.whole]).toEqual(["HTTP/1.1 200 OK", true]);
});

describe("a bit that was changed", () => {
  test.each([1, 2, 4])("in chunk %d ends the answer behind the last authentic byte", async (number) => {
    const object = objectOf(gateway);
    object[FRONT + number * SEALED_CHUNK + 5]! ^= 1;
    for (const fields of [`Content-Length: ${object.length}\r\n`, ""]) {
      const outcome = await download(
        gateway,
        (storage) => {
          storage.write(`HTTP/1.1 200 OK\r\n${fields}\r\n`);
          storage.write(object.subarray(0, FRONT + SEALED_CHUNK));
        },
        { later: (storage) => storage.write(object.subarray(FRONT + SEALED_CHUNK)) },
      );
      expect(outcome.head[0]).toBe("HTTP/1.1 200 OK");
      const plain = fields === "" ? unchunked(outcome.body) : outcome.body;
      expect(plain.equals(BYTES.subarray(0, number * CHUNK))).toBe(true);
      expect([outcome.whole, outcome.line.outcome, outcome.line.code]).toEqual([false, "failed", "forged"]);
    }
  });

  test("ends it with a reset, where the end of the connection is the end of the content", async () => {
    const object = objectOf(gateway);
    object[FRONT + 2 * SEALED_CHUNK + 5]! ^= 1;
    const client = await RawClient.open(gateway.port);
    const name = newName();
    client.write(`GET /upstream/${name} HTTP/1.0\r\n\r\n`);
    const storage = await gateway.storage.next();
    await headOf(storage);
    storage.write("HTTP/1.1 200 OK\r\n\r\n");
    storage.write(object.subarray(0, FRONT + SEALED_CHUNK));
    await headOf(client);
    storage.write(object.subarray(FRONT + SEALED_CHUNK));
    expect((await client.rest()).equals(BYTES.subarray(0, 2 * CHUNK))).toBe(true);
    expect(client.failure).toBe("ECONNRESET");
    expect((await gateway.line(name)).code).toBe("forged");
  });

  test.each([
    ["the first chunk", FRONT + 3, "forged"],
    ["the header of the stream", 60, "forged"],
    ["the key id", 48, "unknown_key"],
    ["the version", 32, "header"],
  ])("in %s is told before anything is answered", async (_, at, code) => {
    const object = objectOf(gateway);
    object[at]! ^= 8;
    const outcome = await download(gateway, sends(object));
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", code, 502, code]);
  });

  test("in a chunk that came together with the first is told likewise", async () => {
    const key = gateway.keys.get(1n)!;
    const object = writeSodiumObject({ key, keyId: 1n, chunkSize: 256, plain: BYTES.subarray(0, 600) });
    object[FRONT + 273 + 9]! ^= 8;
    const answer = [`HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n\r\n`, object] as const;
    const outcome = await download(gateway, (storage) =>
      storage.write(Buffer.concat([Buffer.from(answer[0]), answer[1]])),
    );
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "forged", 502, "forged"]);
  });
});

describe("an object that was cut off", () => {
  test("between chunks is served where nobody demands an end, and told of", async () => {
    const outcome = await download(gateway, sends(objectOf(gateway).subarray(0, FRONT + 3 * SEALED_CHUNK)));
    expect(outcome.body.equals(BYTES.subarray(0, 3 * CHUNK))).toBe(true);
    expect([outcome.whole, outcome.line.outcome, outcome.line.end]).toEqual([true, "done", "unproven"]);
  });

  test("between chunks is broken off where an end is demanded", async () => {
    const outcome = await download(strict, sends(objectOf(strict, true).subarray(0, FRONT + 3 * SEALED_CHUNK)));
    expect(outcome.line.code).toBe("unproven_end");
    expect(outcome.line.outcome).toBe("failed");
  });

  test("and is by an older key than the demand is served", async () => {
    const outcome = await download(strict, sends(objectOf(strict, false, 0n)));
    expect([outcome.whole, outcome.line.outcome, outcome.line.keyId]).toEqual([true, "done", "0"]);
  });

  test.each([40, 70, 90])("after %d bytes is told before anything is answered", async (length) => {
    const outcome = await download(gateway, sends(objectOf(gateway).subarray(0, length)));
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "truncated", 502, "truncated"]);
  });
});

test("what is not encrypted is refused where that is asked for, and passed through with a warning", async () => {
  const plain = Buffer.from("not a secret");
  const denied = await download(strict, sends(plain));
  expect(told(denied)).toEqual(["HTTP/1.1 502 Bad Gateway", "plaintext", 502, "plaintext"]);
  const asManifest = await download(strict, sends(plain), { query: "?multipart-manifest=get" });
  expect(told(asManifest)).toEqual(told(denied));
  const allowed = await download(gateway, sends(plain));
  expect([allowed.body.toString(), allowed.line.format]).toEqual(["not a secret", "plaintext"]);
  expect(gateway.runtime.lines.join("\n")).toContain("an object is not encrypted");
});

describe("a storage that breaks off", () => {
  test("within an object leaves the client with what is authentic, and no end", async () => {
    const object = objectOf(gateway, true);
    const outcome = await download(gateway, (storage) => {
      storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${object.length}\r\n\r\n`);
      storage.write(object.subarray(0, FRONT + 2 * SEALED_CHUNK + 100));
      storage.end();
    });
    expect(outcome.body.equals(BYTES.subarray(0, 2 * CHUNK))).toBe(true);
    expect([outcome.whole, outcome.line.code]).toEqual([false, "upstream_broken"]);
  });

  test("before its answer is told", async () => {
    const outcome = await download(gateway, (storage) => storage.end());
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken", 502, "upstream_broken"]);
  });

  test("with something else than HTTP is told", async () => {
    const outcome = await download(gateway, (storage) => storage.write("SSH-2.0-OpenSSH_9.2\r\n"));
    expect(told(outcome).slice(0, 2)).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
  });

  test("within an error page leaves the client without its end", async () => {
    const outcome = await download(gateway, (storage) => {
      storage.write("HTTP/1.1 503 Slow Down\r\nContent-Length: 100\r\n\r\nwait");
      storage.end();
    });
    expect([outcome.head[0], outcome.whole]).toEqual(["HTTP/1.1 503 Service Unavailable", false]);
  });
});

describe("a range of an object that the storage", () => {
  /** The look at the beginning is answered; the request for the range is the caller's. */
  async function ranged(object: Buffer, tag = '"a"') {
    const client = await RawClient.open(gateway.port);
    const name = newName();
    client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\nRange: bytes=20000-20009\r\n\r\n`);
    const first = await gateway.storage.next();
    await headOf(first);
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
  const client = await RawClient.open(gateway.port);
  const name = newName();
  client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\nRange: bytes=20000-20009\r\n\r\n`);
  const storage = await gateway.storage.next();
  await headOf(storage);
  storage.write(`HTTP/1.1 ${status}\r\nContent-Length: 101\r\n${fields}\r\n\r\n`);
  storage.write(objectOf(gateway).subarray(0, 101));
  const head = await headOf(client);
  expect([head[0], field(head, "x-portail-error")]).toEqual(["HTTP/1.1 502 Bad Gateway", "upstream_broken"]);
  expect((await gateway.line(name)).outcome).toBe("failed");
  client.end();
  storage.reset();
});

test("a redirect is handed on, and never followed", async () => {
  const before = gateway.storage.opened;
  const place = `http://127.0.0.1:${gateway.storage.port}/jail/other`;
  const outcome = await download(gateway, (storage) =>
    storage.write(`HTTP/1.1 301 Moved\r\nLocation: ${place}\r\nContent-Length: 0\r\n\r\n`),
  );
  expect([outcome.head[0], field(outcome.head, "location")]).toEqual([
    "HTTP/1.1 301 Moved Permanently",
    "/upstream/other",
  ]);
  expect(gateway.storage.opened).toBe(before + 1);
});

test("a client that leaves has its download ended at the storage", async () => {
  const client = await RawClient.open(gateway.port);
  const name = newName();
  client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const storage = await gateway.storage.next();
  await headOf(storage);
  storage.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
  storage.write(objectOf(gateway).subarray(0, FRONT + SEALED_CHUNK));
  await client.read(100);
  client.reset();
  await storage.rest();
  const { outcome, error } = await gateway.line(name);
  expect([outcome, error]).toEqual(["client", "the client left before it had its answer"]);
});

test("a client that reads nothing makes the storage wait", async () => {
  const size = 64 * 1024 * 1024;
  const client = await RawClient.open(gateway.port);
  client.socket.pause();
  const name = newName();
  client.write(`GET /upstream/${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const storage = await gateway.storage.next();
  await headOf(storage);
  storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  const piece = Buffer.alloc(1024 * 1024, "x");
  for (let i = 0; i < 64; i++) storage.write(piece);
  const taken = () => storage.socket.bytesWritten - storage.socket.writableLength;
  await stillness(taken);
  expect(taken()).toBeLessThan(size / 4);
  client.reset();
  await storage.rest();
  expect((await gateway.line(name)).outcome).toBe("client");
});

/** The content of chunks, as far as it is there. */
function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const line = body.indexOf("\r\n", at);
    const length = Number.parseInt(body.toString("latin1", at, line), 16);
    pieces.push(body.subarray(line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return Buffer.concat(pieces);
}
