/** `--write-once` with multipart uploads by URLs that boto3 has signed, before a real Swift: each part once, and the object once. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Boto3, BOTO3_NEEDS } from "../../support/boto3.ts";
import type { S3Place } from "../../support/s3-clients/client.ts";
import { askSigned, begin } from "../../support/s3-signed.ts";
import { scenario } from "../../support/scenario.ts";
import { openS3Stage } from "../../support/s3-stage.ts";
import type { StorageProxy } from "../../support/storage-proxy.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const BUCKET = "parts";
const PARTS = [content(5 << 20), content(5 << 20), content(1000)];
const ALL = Buffer.concat(PARTS);
const md5 = (bytes: Uint8Array, encoding: "hex" | "base64") => createHash("md5").update(bytes).digest(encoding);

scenario(import.meta.file, [...SWIFT_NEEDS, ...BOTO3_NEEDS], ({ scene, portail }) => {
  let place: S3Place;
  let proxy: StorageProxy;
  let s3: Boto3;

  const presign = async (ClientMethod: string, Key: string, more: object = {}, ExpiresIn = 600): Promise<string> => {
    const Params = { Bucket: BUCKET, Key, ...more };
    return (await s3.call("generate_presigned_url", { ClientMethod, Params, ExpiresIn }))["url"] as string;
  };
  const send = async (method: string, url: string, body: Uint8Array<ArrayBuffer> | string, headers = {}) => {
    const answer = await fetch(url, { method, body, headers });
    await answer.bytes();
    return answer.status;
  };
  const put = (url: string, body: Uint8Array<ArrayBuffer>, headers = {}) => send("PUT", url, body, headers);
  const list = `<CompleteMultipartUpload>${PARTS.map(
    (part, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${md5(part, "hex")}</ETag></Part>`,
  ).join("")}</CompleteMultipartUpload>`;

  beforeAll(async () => {
    const stage = await openS3Stage(scene, portail, BUCKET);
    ({ place, proxy } = await stage.proxy({ args: ["--write-once", "--write-once-db", scene.path("once.db")] }));
    s3 = new Boto3(scene, place);
  }, 120_000);

  test("all parts at once, each once, and then the object once", async () => {
    const UploadId = await begin(place, "o");
    const urls = await Array.fromAsync(PARTS, (_, i) => presign("upload_part", "o", { UploadId, PartNumber: i + 1 }));
    expect(await Promise.all(urls.map((url, i) => put(url, PARTS[i]!)))).toEqual([200, 200, 200]);
    const other = content(5 << 20);
    expect(await put(urls[0]!, other)).toBe(403);
    expect(await put(await presign("upload_part", "o", { UploadId, PartNumber: 1 }, 700), other)).toBe(403);
    const line = await proxy.trail.record("object", ({ writeOnce }) => writeOnce === "used_up");
    expect([line.operation, line.code, line.key]).toEqual(["UploadPart", "used_up", "o"]);

    expect(await send("POST", await presign("complete_multipart_upload", "o", { UploadId }), list)).toBe(200);
    expect((await askSigned(place, "GET", "o")).bytes.equals(ALL)).toBe(true);
    expect(await put(await presign("put_object", "o"), content(9))).toBe(403);
    expect((await askSigned(place, "GET", "o")).bytes.equals(ALL)).toBe(true);
  });

  test("an object that was made by a presigned URL is not made anew by one that completes an upload", async () => {
    const UploadId = await begin(place, "taken");
    for (const [i, part] of PARTS.entries())
      expect(await put(await presign("upload_part", "taken", { UploadId, PartNumber: i + 1 }), part)).toBe(200);
    expect(await put(await presign("put_object", "taken"), content(9))).toBe(200);
    expect(await send("POST", await presign("complete_multipart_upload", "taken", { UploadId }), list)).toBe(403);
    expect((await askSigned(place, "GET", "taken")).bytes.equals(content(9))).toBe(true);
    // Whoever signs in headers decides.
    const target = `taken?uploadId=${encodeURIComponent(UploadId)}`;
    expect((await askSigned(place, "POST", target, { body: list })).status).toBe(200);
    expect((await askSigned(place, "GET", "taken")).bytes.equals(ALL)).toBe(true);
  });

  test("the same part of another upload has its own right, and what fails uses none", async () => {
    const url = async () => presign("upload_part", "two", { UploadId: await begin(place, "two"), PartNumber: 1 });
    const [first, second] = [await url(), await url()];
    expect(await put(first, content(100), { "Content-MD5": md5(content(101), "base64") })).toBe(400);
    expect(await put(first, content(100))).toBe(200);
    expect(await put(second, content(100))).toBe(200);
    expect(await put(first, content(100))).toBe(403);
  });

  test("a completion that fails uses no right", async () => {
    const UploadId = await begin(place, "short");
    const url = await presign("complete_multipart_upload", "short", { UploadId });
    expect(await send("POST", url, list)).toBe(400);
    for (const [i, part] of PARTS.entries())
      expect(await put(await presign("upload_part", "short", { UploadId, PartNumber: i + 1 }), part)).toBe(200);
    expect(await send("POST", url, list)).toBe(200);
  });
});
