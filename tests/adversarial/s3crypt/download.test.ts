/** Downloads of objects that are not as they were written, or do not show it: only what is authentic reaches the client, and what is not whole never looks it. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chooseEngine } from "../../../commands/s3crypt/engine.ts";
import { V3Sealer } from "../../../commands/s3crypt/object/v3.ts";
import { sealAll, v3Random } from "../../support/s3crypt.ts";
import { writeSodiumObject } from "../../support/sodium-object.ts";
import { BYTES, CHUNK, download, FRONT, get, objectOf, SEALED_CHUNK, sends, told } from "./download.ts";
import { field, headOf, startGateway, type Gateway } from "./gateway.ts";

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
    const { client, name, storage } = await get(gateway, { version: "1.0" });
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

  test("between chunks is refused where an end is demanded", async () => {
    const outcome = await download(strict, sends(objectOf(strict, true).subarray(0, FRONT + 3 * SEALED_CHUNK)));
    expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "unproven_end", 502, "unproven_end"]);
  });

  test("is so behind its beginning, where that has been answered", async () => {
    const cutOff = objectOf(strict, true).subarray(0, FRONT + 3 * SEALED_CHUNK);
    const outcome = await download(
      strict,
      (storage) => {
        storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${cutOff.length}\r\n\r\n`);
        storage.write(cutOff.subarray(0, FRONT + SEALED_CHUNK));
      },
      { later: (storage) => storage.write(cutOff.subarray(FRONT + SEALED_CHUNK)) },
    );
    expect(outcome.head[0]).toBe("HTTP/1.1 200 OK");
    expect([outcome.whole, outcome.line.outcome, outcome.line.code]).toEqual([false, "failed", "unproven_end"]);
  });

  test("is not read in ranges either where an end is demanded, by a storage that sends all of it", async () => {
    const cutOff = objectOf(strict, true).subarray(0, FRONT + 3 * SEALED_CHUNK);
    for (const range of ["0-9", "-9"]) {
      const outcome = await download(strict, sends(cutOff), { more: `Range: bytes=${range}\r\n` });
      expect(told(outcome)).toEqual(["HTTP/1.1 502 Bad Gateway", "unproven_end", 502, "unproven_end"]);
    }
    const well = await download(strict, sends(objectOf(strict, true)), { more: "Range: bytes=-9\r\n" });
    expect([well.whole, well.line.end]).toEqual([true, "proven"]);
    expect(well.body.equals(BYTES.subarray(-9))).toBe(true);
  });

  test("of v3 where it looks as if it ended is refused, in ranges too", async () => {
    const { chunks } = chooseEngine("noble");
    const object = sealAll(new V3Sealer(chunks, gateway.keys.get(1n)!, 1n, v3Random(1)), BYTES);
    // As much of a chunk as an empty one has at the end of an object.
    const cutOff = object.subarray(0, 208 + 3 * (CHUNK + 16) + 16);
    for (const more of ["", "Range: bytes=0-9\r\n", "Range: bytes=60000-\r\n", "Range: bytes=99999-\r\n"]) {
      expect(told(await download(gateway, sends(cutOff), { more }))).toEqual([
        "HTTP/1.1 502 Bad Gateway",
        "forged",
        502,
        "forged",
      ]);
      const well = await download(gateway, sends(object), { more });
      const end = more.includes("99999") ? undefined : "proven";
      expect([well.whole, well.line.outcome, well.line.end]).toEqual([true, "done", end]);
    }
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
