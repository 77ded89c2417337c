/** What is kept beside an object: it gives size and tag where it is genuine and of that object, and nothing where it is not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { content } from "../../support/web.ts";
import { RawClient } from "../raw-client.ts";
import { field, headOf, newName, startGateway, type Gateway } from "./gateway.ts";

const FIELD = "x-object-meta-s3crypt";
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

interface Stored {
  object: Buffer;
  facts: string | undefined;
}

describe.each(["ds2", "v3"])("%s", (format) => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await startGateway(["--write-format", format]);
  });
  afterAll(() => gateway.stop());

  /** What the storage gets of an upload. */
  async function store(bytes: Uint8Array, ...fields: string[]): Promise<Stored> {
    const client = await RawClient.open(gateway.port);
    const lines = [`Content-Length: ${bytes.length}`, ...fields].map((line) => `${line}\r\n`).join("");
    client.write(`PUT /upstream/${newName()} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
    client.write(bytes);
    const storage = await gateway.storage.next();
    const head = await headOf(storage);
    const object = await storage.read(Number(field(head, "content-length")));
    storage.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    storage.end();
    expect((await headOf(client))[0]).toBe("HTTP/1.1 201 Created");
    client.end();
    await storage.closed;
    return { object, facts: field(head, FIELD) };
  }

  /** The head that a client gets of an object as the storage has it. */
  async function ask(method: "GET" | "HEAD", { object, facts }: Stored, ...fields: string[]) {
    const client = await RawClient.open(gateway.port);
    client.write(
      `${method} /upstream/${newName()} HTTP/1.1\r\nHost: a\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`,
    );
    const storage = await gateway.storage.next();
    await headOf(storage);
    const before = gateway.storage.opened;
    gateway.storage.taker = (peer) => void looked(peer, object);
    const kept = facts === undefined ? "" : `X-Object-Meta-S3crypt: ${facts}\r\n`;
    storage.write(
      `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${object.length}\r\nETag: "cipher"\r\n${kept}\r\n`,
    );
    if (method === "GET") storage.write(object);
    storage.end();
    const head = await headOf(client);
    gateway.storage.taker = undefined;
    const length = field(head, "content-length");
    const body = method === "GET" && length !== undefined ? await client.read(Number(length)) : Buffer.alloc(0);
    client.end();
    return {
      status: Number(head[0]!.split(" ")[1]),
      etag: field(head, "etag"),
      length,
      body,
      hidden: field(head, FIELD) === undefined,
      looks: gateway.storage.opened - before,
    };
  }

  /** A HEAD may be followed by a look at the beginning. */
  async function looked(storage: RawClient, object: Buffer) {
    expect(field(await headOf(storage), "range")).toBe("bytes=0-159");
    const part = object.subarray(0, 160);
    const range = `Content-Range: bytes 0-${part.length - 1}/${object.length}`;
    storage.write(`HTTP/1.1 206 Partial Content\r\nContent-Length: ${part.length}\r\n${range}\r\n\r\n`);
    storage.write(part);
    storage.end();
  }

  const small = content(1000);
  const large = content(200_000);

  test("of a small object it has size and tag, which GET and HEAD show", async () => {
    const stored = await store(small);
    for (const method of ["GET", "HEAD"] as const) {
      const { status, etag, length, hidden, looks } = await ask(method, stored);
      expect([status, etag, length, hidden, looks]).toEqual([200, `"${md5(small)}"`, "1000", true, 0]);
    }
  });

  test("of a large one it has the size, and the tag where the client said it", async () => {
    const unsaid = await store(large);
    const said = await store(large, `Content-MD5: ${Buffer.from(md5(large), "hex").toString("base64")}`);
    for (const [stored, tag] of [
      [unsaid, undefined],
      [said, `"${md5(large)}"`],
    ] as const) {
      const { etag, length, looks } = await ask("HEAD", stored);
      expect([etag, length, looks]).toEqual([tag, "200000", 0]);
      const got = await ask("GET", stored);
      expect([got.etag, got.body.equals(large)]).toEqual([tag, true]);
    }
  });

  test("conditions are held against the tag of the plaintext", async () => {
    const stored = await store(small);
    const tag = `"${md5(small)}"`;
    for (const method of ["GET", "HEAD"] as const) {
      expect((await ask(method, stored, `If-None-Match: ${tag}`)).status).toBe(304);
      expect((await ask(method, stored, `If-None-Match: "other"`)).status).toBe(200);
      expect((await ask(method, stored, `If-Match: ${tag}`)).status).toBe(200);
      expect((await ask(method, stored, `If-Match: "cipher"`)).status).toBe(412);
    }
    expect((await ask("GET", stored, "Range: bytes=0-1", `If-Range: ${tag}`)).status).toBe(206);
    expect((await ask("GET", stored, "Range: bytes=0-1", 'If-Range: "other"')).status).toBe(200);
  });

  test("that of another object, or changed, is none: HEAD looks at the object itself", async () => {
    const stored = await store(small);
    const other = await store(content(1001));
    const same = await store(content(1000).fill(7));
    const changed = stored.facts!.replace(/.$/, (last) => (last === "A" ? "Q" : "A"));
    const unknown = stored.facts!.replace(/^1\.1\./, "1.77.");
    for (const facts of [other.facts, changed, unknown, "nonsense", undefined]) {
      const head = await ask("HEAD", { object: stored.object, facts });
      expect([head.etag, head.length, head.looks]).toEqual([undefined, "1000", 1]);
    }
    for (const facts of [other.facts, same.facts, changed, unknown]) {
      const got = await ask("GET", { object: stored.object, facts });
      expect([got.status, got.etag, got.body.equals(small)]).toEqual([200, undefined, true]);
    }
  });
});
