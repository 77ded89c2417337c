/** boto3 with PartNumber before a real Swift: each part of an object in parts is its plaintext, and other objects have one. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Boto3, BOTO3_NEEDS, type Boto3Answer } from "../../support/boto3.ts";
import type { S3Place } from "../../support/s3-clients/client.ts";
import { askSigned, begin, complete, put } from "../../support/s3-signed.ts";
import { scenario } from "../../support/scenario.ts";
import { openS3Stage, type S3Stage } from "../../support/s3-stage.ts";
import type { StorageProxy } from "../../support/storage-proxy.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const BUCKET = "parts";
const PART = 5 << 20;
const PARTS = [content(PART), content(PART + 1), content(1000)] as const;
const ALL = PART + PART + 1 + 1000;
const tag = (bytes: Uint8Array) => `"${createHash("md5").update(bytes).digest("hex")}"`;

scenario(import.meta.file, [...SWIFT_NEEDS, ...BOTO3_NEEDS], ({ scene, portail }) => {
  let stage: S3Stage;
  let place: S3Place;
  let proxy: StorageProxy;
  let s3: Boto3;

  const ask = (operation: "get_object" | "head_object", key: string, more: object, by = s3): Promise<Boto3Answer> =>
    by.call(operation, { Bucket: BUCKET, Key: key, ...more });
  const upload = async (key: string, parts: readonly (readonly [number, Uint8Array<ArrayBuffer>])[]) => {
    const id = await begin(place, key);
    const listed: [number, string][] = [];
    for (const [number, bytes] of parts) {
      expect((await put(place, key, id, number, bytes)).status).toBe(200);
      listed.push([number, tag(bytes)]);
    }
    expect((await complete(place, key, id, listed)).status).toBe(200);
  };

  beforeAll(async () => {
    stage = await openS3Stage(scene, portail, BUCKET);
    ({ place, proxy } = await stage.proxy());
    s3 = new Boto3(scene, place);
    await upload("large", [
      [1, PARTS[0]],
      [3, PARTS[1]],
      [70, PARTS[2]],
    ]);
  }, 120_000);

  test("parts of the plaintext, counted as they come, by a proxy that has read nothing yet and by one that has", async () => {
    const fresh = new Boto3(scene, (await stage.proxy({ keyring: proxy })).place);
    for (const by of [fresh, s3, s3]) {
      for (const operation of ["get_object", "head_object"] as const) {
        for (const [i, first] of [0, PART, 2 * PART + 1].entries()) {
          const bytes = PARTS[i]!;
          const told = await ask(operation, "large", { PartNumber: i + 1 }, by);
          expect([told.status, told["PartsCount"], told["ContentLength"]]).toEqual([206, 3, bytes.length]);
          if (operation === "head_object") continue;
          expect(told["ContentRange"]).toBe(`bytes ${first}-${first + bytes.length - 1}/${ALL}`);
          expect(Buffer.from(told["Body"] as string, "base64").equals(bytes)).toBe(true);
        }
        expect((await ask(operation, "large", { PartNumber: 4 }, by)).status).toBe(416);
      }
    }
    expect((await ask("get_object", "large", { PartNumber: 4 })).error).toBe("InvalidPartNumber");
  });

  test("a part costs what it is long", async () => {
    stage.relay.forget();
    await ask("get_object", "large", { PartNumber: 3 });
    expect(stage.relay.received).toBeLessThan(4 * 16_400);
  });

  test("conditions count as ever, and a range beside a part is refused", async () => {
    expect((await ask("get_object", "large", { PartNumber: 2, IfMatch: '"0"' })).status).toBe(412);
    const { ETag } = await ask("head_object", "large", {});
    expect((await ask("get_object", "large", { PartNumber: 3, IfMatch: ETag })).status).toBe(206);
    expect((await ask("get_object", "large", { PartNumber: 3, IfNoneMatch: ETag })).status).toBe(304);
    const both = await ask("get_object", "large", { PartNumber: 3, Range: "bytes=0-1" });
    expect([both.status, both.error]).toEqual([400, "InvalidRequest"]);
  });

  test("a part of nothing is empty", async () => {
    await upload("hollow", [
      [1, PARTS[0]],
      [2, new Uint8Array(0)],
    ]);
    for (const operation of ["get_object", "head_object"] as const)
      expect(await ask(operation, "hollow", { PartNumber: 2 })).toMatchObject({
        status: 200,
        ContentLength: 0,
        PartsCount: 2,
      });
    expect((await ask("get_object", "hollow", { PartNumber: 1 }))["ContentLength"]).toBe(PART);
  });

  test.each([
    ["of some bytes", content(40_000), 206],
    ["of none", new Uint8Array(0), 200],
  ])("an object %s that was written as one has one part", async (_, bytes, status) => {
    await askSigned(place, "PUT", "small", { body: bytes });
    for (const operation of ["get_object", "head_object"] as const) {
      const told = await ask(operation, "small", { PartNumber: 1 });
      expect([told.status, told["PartsCount"], told["ContentLength"]]).toEqual([status, undefined, bytes.length]);
      expect((await ask(operation, "small", { PartNumber: 2 })).status).toBe(416);
    }
    const { Body } = await ask("get_object", "small", { PartNumber: 1 });
    expect(Body).toBe(Buffer.from(bytes).toString("base64"));
  });
});
