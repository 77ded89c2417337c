/** An object in parts whose end is held up by the storage: it does not look whole to the client before all of it is known to be right. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chooseEngine } from "../../../commands/s3crypt/engine.ts";
import { sealManifest } from "../../../commands/s3crypt/object/manifest.ts";
import { V3Sealer } from "../../../commands/s3crypt/object/v3.ts";
import { content, sealAll, v3Random } from "../../support/s3crypt.ts";
import type { RawClient } from "../raw-client.ts";
import { get } from "./download.ts";
import { field, headOf, startGateway, type Gateway } from "./gateway.ts";

/** So that the last chunk of the part has nothing in it. */
const PLAIN = content(32_768, 1);
const EMPTY_CHUNK = 16;

let gateway: Gateway;
beforeAll(async () => void (gateway = await startGateway()));
afterAll(() => gateway.stop());

const answer = (storage: RawClient, bytes: Uint8Array, length: number, fields = "") => {
  storage.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n${fields}\r\n`);
  storage.write(bytes);
};

test.each([true, false])("a part that is the one whose MD5 its writer named: %p", async (isIt) => {
  const key = { id: 1n, key: gateway.keys.get(1n)! };
  const random = v3Random(isIt ? 1 : 2);
  const of = { part: 1, plain: PLAIN.length };
  const object = sealAll(new V3Sealer(chooseEngine("noble").chunks, key.key, key.id, random, of), PLAIN);
  const md5 = Uint8Array.from(
    createHash("md5")
      .update(isIt ? PLAIN : "another attempt")
      .digest(),
  );
  const listed = [{ number: 1, plain: PLAIN.length, md5 }];
  const manifest = sealManifest(random.objectId, listed, key, content(24, 3));

  const { client, name, storage } = await get(gateway);
  const mark = `X-Object-Meta-S3crypt: m1.1.${random.objectId.toString("base64url")}\r\n`;
  answer(storage, object.subarray(0, -EMPTY_CHUNK), object.length, mark);
  const beside = await gateway.storage.next();
  expect((await headOf(beside))[0]).toContain("/.s3crypt/");
  answer(beside, manifest, manifest.length);
  await Bun.sleep(20);
  storage.write(object.subarray(-EMPTY_CHUNK));
  const head = await headOf(client);
  const got = await client.read(Number(field(head, "content-length")));
  expect([head[0], field(head, "x-portail-error"), got.equals(PLAIN)]).toEqual(
    isIt ? ["HTTP/1.1 200 OK", undefined, true] : ["HTTP/1.1 502 Bad Gateway", "forged", false],
  );
  expect((await gateway.line(name)).code).toBe(isIt ? undefined : "forged");
  client.end();
  storage.reset();
  beside.reset();
});
