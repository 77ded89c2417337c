/** boto3 before versitygw, which verifies what AWS does: signatures, documents, conditions, versions of tags, attributes, copies onto themselves. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Boto3, BOTO3_NEEDS } from "../../support/boto3.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { openVersitygw, VERSITYGW_NEEDS, type Versitygw } from "../../support/versitygw.ts";
import { content } from "../../support/web.ts";

const BUCKET = "aws";
const SMALL = content(20_001);
const LARGE = content(1_000_003);
const tag = (bytes: Uint8Array) => `"${createHash("md5").update(bytes).digest("hex")}"`;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

scenario(import.meta.file, [...VERSITYGW_NEEDS, ...BOTO3_NEEDS, LIBSODIUM], ({ scene, portail }) => {
  let storage: Versitygw;
  let proxy: StorageProxy;
  let s3: Boto3;
  const call = (operation: string, Key: string, more: Record<string, unknown> = {}) =>
    s3.call(operation, { Bucket: BUCKET, Key, ...more });

  beforeAll(async () => {
    storage = await openVersitygw(scene);
    const { access, secret, region } = storage.credentials;
    const given = ["--s3-access-key", access, "--s3-region", region, "--s3-listen", "127.0.0.1:0"];
    const env = { S3_SECRET_KEY: secret };
    proxy = await StorageProxy.open(scene, portail, { upstream: storage.url, args: given, env });
    s3 = new Boto3(scene, { endpoint: `http://127.0.0.1:${proxy.s3Port}`, ...storage.credentials });
    expect((await s3.call("create_bucket", { Bucket: BUCKET })).status).toBe(200);
  }, 600_000);

  test("objects, with checksums of every kind", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "SHA1", "SHA256"]) {
      const put = await call("put_object", "a/b c", { Body: LARGE, ChecksumAlgorithm, Metadata: { x: "y" } });
      expect(put).toMatchObject({ status: 200, ETag: tag(LARGE) });
      const got = await call("get_object", "a/b c", { ChecksumMode: "ENABLED" });
      expect(got).toMatchObject({ Body: base64(LARGE), Metadata: { x: "y" }, ContentLength: LARGE.length });
      expect(Object.keys(got).filter((name) => name.startsWith("Checksum"))).toEqual([]);
    }
    expect(readSodiumObject(storage.stored(BUCKET, "a/b c"), proxy.keys).plain.equals(LARGE)).toBe(true);
  });

  test("listings, heads and attributes agree", async () => {
    await call("put_object", "small", { Body: SMALL });
    const { Contents } = await s3.call("list_objects_v2", { Bucket: BUCKET });
    const listed = Contents as { Key: string; Size: number; ETag: string }[];
    expect(listed.map(({ Key, Size }) => [Key, Size])).toEqual([
      ["a/b c", LARGE.length],
      ["small", SMALL.length],
    ]);
    for (const { Key, Size, ETag } of listed) {
      expect(await call("head_object", Key)).toMatchObject({ ContentLength: Size, ETag });
      const attributes = await call("get_object_attributes", Key, {
        ObjectAttributes: ["ETag", "ObjectSize", "Checksum"],
      });
      expect(attributes).toMatchObject({ ObjectSize: Size, ETag: ETag.replaceAll('"', "") });
      expect(attributes["Checksum"]).toBeUndefined();
    }
    expect(listed[1]!.ETag).toBe(tag(SMALL));
  });

  test("a copy onto itself changes what the client says of it, and nothing that the proxy knows", async () => {
    const CopySource = { Bucket: BUCKET, Key: "small" };
    const copied = await call("copy_object", "small", {
      CopySource,
      MetadataDirective: "REPLACE",
      Metadata: { new: "1" },
    });
    expect(copied).toMatchObject({ status: 200, CopyObjectResult: { ETag: tag(SMALL) } });
    expect(await call("get_object", "small")).toMatchObject({
      Metadata: { new: "1" },
      ETag: tag(SMALL),
      Body: base64(SMALL),
    });
    const large = { CopySource: { Bucket: BUCKET, Key: "a/b c" } };
    const { CopyObjectResult } = await call("copy_object", "copy", large);
    const { ETag } = await call("head_object", "copy");
    expect((CopyObjectResult as { ETag: string }).ETag).toBe(ETag as string);
  });

  test("tags of objects are documents, that are not encrypted", async () => {
    const Tagging = { TagSet: [{ Key: "k", Value: "v" }] };
    expect((await call("put_object_tagging", "small", { Tagging })).status).toBe(200);
    expect(await call("get_object_tagging", "small")).toMatchObject({ TagSet: Tagging.TagSet });
  });

  test("what is deleted is gone", async () => {
    const Objects = ["small", "copy", "a/b c"].map((Key) => ({ Key }));
    const { Deleted } = await s3.call("delete_objects", { Bucket: BUCKET, Delete: { Objects } });
    expect(Deleted).toHaveLength(3);
    expect(await call("get_object", "small")).toMatchObject({ status: 404, error: "NoSuchKey" });
    expect((await s3.call("delete_bucket", { Bucket: BUCKET })).status).toBe(204);
  });
});
