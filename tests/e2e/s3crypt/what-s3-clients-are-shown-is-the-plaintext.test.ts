/** boto3 and curl before a real Swift: sizes, tags, conditions, copies, listings and documents are those of the plaintext, wherever the client asks. */
import { beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { Boto3, BOTO3_NEEDS } from "../../support/boto3.ts";
import { curlAnswer } from "../../support/curl-answer.ts";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { scenario } from "../../support/scenario.ts";
import { readSodiumObject, writeSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS, type Swift } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const BUCKET = "shown";
const SMALL = content(20_001);
const LARGE = content(1_000_003);
const ODD = "dir/a b+c~(é)'\"&<>#%41";
/** boto3 of Debian sends an MD5 where it is not asked for another checksum. */
const LATE = { ChecksumAlgorithm: "CRC32" };
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
const tag = (bytes: Uint8Array) => `"${md5(bytes)}"`;
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

scenario(import.meta.file, [...SWIFT_NEEDS, ...BOTO3_NEEDS, "curl", LIBSODIUM], ({ scene, portail }) => {
  let swift: Swift;
  let relay: StorageRelay;
  let proxy: StorageProxy;
  let s3: Boto3;
  let args: string[];

  const put = (key: string, bytes: Uint8Array, more: Record<string, unknown> = {}) =>
    s3.call("put_object", { Bucket: BUCKET, Key: key, Body: bytes, ...more });
  const get = (key: string, more: Record<string, unknown> = {}) =>
    s3.call("get_object", { Bucket: BUCKET, Key: key, ...more });
  const head = (key: string, more: Record<string, unknown> = {}) =>
    s3.call("head_object", { Bucket: BUCKET, Key: key, ...more });
  const listed = (answer: Record<string, unknown>) =>
    (answer["Contents"] as { Key: string; Size: number; ETag: string }[]).map(({ Key, Size, ETag }) => [
      Key,
      Size,
      ETag,
    ]);
  /** Of an object whose MD5 was not known when its upload began. */
  const derived = (key: string) => `"${md5(swift.stored(BUCKET, key))}-1"`;

  beforeAll(async () => {
    swift = await openSwift(scene);
    relay = await openStorageRelay(scene, swift.port);
    const { access, secret, region } = swift.credentials;
    const file = scene.write("secret", secret);
    args = [
      "--s3-access-key",
      access,
      "--s3-secret-key-file",
      file,
      "--s3-region",
      region,
      "--s3-listen",
      "127.0.0.1:0",
    ];
    proxy = await StorageProxy.open(scene, portail, { upstream: `http://127.0.0.1:${relay.port}`, args });
    s3 = new Boto3(scene, { endpoint: `http://127.0.0.1:${proxy.s3Port}`, ...swift.credentials });
    expect((await s3.call("create_bucket", { Bucket: BUCKET })).status).toBe(200);
  }, 120_000);

  test("buckets are the storage's", async () => {
    const { Buckets } = await s3.call("list_buckets");
    expect((Buckets as { Name: string }[]).map(({ Name }) => Name)).toEqual([BUCKET]);
    expect((await s3.call("head_bucket", { Bucket: BUCKET })).status).toBe(200);
    expect((await s3.call("get_bucket_location", { Bucket: BUCKET })).status).toBe(200);
  });

  test("an object comes back with its size, its MD5, and what the client said of it", async () => {
    const said = { Metadata: { color: "blue", mtime: "1.5" }, ContentType: "text/x-odd", CacheControl: "no-cache" };
    expect((await put(ODD, SMALL, said))["ETag"]).toBe(tag(SMALL));
    const got = await get(ODD);
    expect(got["Body"]).toBe(base64(SMALL));
    for (const answer of [got, await head(ODD)]) {
      expect(answer).toMatchObject({ ...said, ContentLength: SMALL.length, ETag: tag(SMALL), AcceptRanges: "bytes" });
      expect(Object.keys(answer).filter((name) => name.startsWith("Checksum"))).toEqual([]);
    }
    expect(readSodiumObject(swift.stored(BUCKET, ODD), proxy.keys).plain.equals(SMALL)).toBe(true);
  });

  test("ranges and conditions are about the plaintext", async () => {
    const some = await get(ODD, { Range: "bytes=16380-16389", IfMatch: tag(SMALL) });
    expect(some).toMatchObject({ status: 206, ContentRange: "bytes 16380-16389/20001", ETag: tag(SMALL) });
    expect(some["Body"]).toBe(base64(SMALL.subarray(16_380, 16_390)));
    expect(await get(ODD, { Range: "bytes=20001-" })).toMatchObject({ status: 416 });
    expect(await get(ODD, { IfMatch: '"0"' })).toMatchObject({ status: 412 });
    expect(await get(ODD, { IfNoneMatch: tag(SMALL) })).toMatchObject({ status: 304 });
    expect(await head(ODD, { IfMatch: '"0"' })).toMatchObject({ status: 412 });
    expect(await get(ODD, { PartNumber: 1 })).toMatchObject({ Body: base64(SMALL) });
    expect(await get(ODD, { PartNumber: 2 })).toMatchObject({ status: 416, error: "InvalidPartNumber" });
    expect(await get("none")).toMatchObject({ status: 404, error: "NoSuchKey" });
  });

  test("where the MD5 came too late, the tag is another, and the one that the upload was answered with is still known", async () => {
    expect((await put("large", LARGE, LATE))["ETag"]).toBe(tag(LARGE));
    const shown = derived("large");
    expect(await head("large")).toMatchObject({ ETag: shown, ContentLength: LARGE.length });
    for (const IfMatch of [shown, tag(LARGE)]) {
      const some = await get("large", { IfMatch, Range: "bytes=-3" });
      expect(some).toMatchObject({ status: 206, ETag: shown, Body: base64(LARGE.subarray(-3)) });
      expect((await head("large", { IfMatch })).status).toBe(200);
    }
    expect(await get("large", { IfNoneMatch: tag(LARGE) })).toMatchObject({ status: 304 });
    const ContentMD5 = createHash("md5").update(LARGE).digest("base64");
    await put("said", LARGE, { ContentMD5 });
    expect((await head("said"))["ETag"]).toBe(tag(LARGE));
  });

  test("nothing is an object too", async () => {
    expect((await put("empty", new Uint8Array(0)))["ETag"]).toBe(tag(new Uint8Array(0)));
    expect(await get("empty")).toMatchObject({ ContentLength: 0, Body: "", ETag: tag(new Uint8Array(0)) });
    expect(await head("empty")).toMatchObject({ ContentLength: 0 });
  });

  describe("listings", () => {
    test.each(["list_objects", "list_objects_v2"])("%s has sizes and tags of the plaintext", async (operation) => {
      const plain = await swift.ask("PUT", `/${BUCKET}/plain`, { body: SMALL });
      expect(plain.status).toBe(201);
      const key = proxy.keys.get(0n)!;
      const old = writeSodiumObject({ version: 1, chunkSize: 256, keyId: 0n, key, plain: LARGE });
      await swift.ask("PUT", `/${BUCKET}/old`, { body: new Uint8Array(old) });
      expect(listed(await s3.call(operation, { Bucket: BUCKET }))).toEqual([
        [ODD, SMALL.length, tag(SMALL)],
        ["empty", 0, tag(new Uint8Array(0))],
        ["large", LARGE.length, derived("large")],
        ["old", LARGE.length, derived("old")],
        ["plain", SMALL.length, tag(SMALL)],
        ["said", LARGE.length, tag(LARGE)],
      ]);
      for (const [name, size, shown] of listed(await s3.call(operation, { Bucket: BUCKET })))
        expect(await head(name as string)).toMatchObject({ ContentLength: size, ETag: shown });
    });

    test("look once at each object, and at little of it", async () => {
      relay.forget();
      await s3.call("list_objects_v2", { Bucket: BUCKET, Delimiter: "/" });
      expect(relay.exchanges.map(({ method, target }) => `${method} ${target}`)).toEqual([
        `GET /${BUCKET}?list-type=2&delimiter=%2F&encoding-type=url`,
      ]);
      await put("said", SMALL);
      relay.forget();
      await s3.call("list_objects_v2", { Bucket: BUCKET });
      const [, ...looks] = relay.exchanges;
      expect(looks.map(({ target, received }) => [target, received])).toEqual([[`/${BUCKET}/said`, 160]]);
    });

    test("are the storage's where that is asked for", async () => {
      const raw = await StorageProxy.open(scene, portail, {
        upstream: swift.url,
        args: [...args, "--list-sizes", "raw"],
      });
      const other = new Boto3(scene, { endpoint: `http://127.0.0.1:${raw.s3Port}`, ...swift.credentials });
      const stored = swift.stored(BUCKET, "large");
      const found = listed(await other.call("list_objects_v2", { Bucket: BUCKET, Prefix: "large" }));
      expect(found).toEqual([["large", stored.length, tag(stored)]]);
    });
  });

  describe("copies", () => {
    const copy = (to: string, more: Record<string, unknown> = {}, from = "said") =>
      s3.call("copy_object", { Bucket: BUCKET, Key: to, CopySource: { Bucket: BUCKET, Key: from }, ...more });

    test("keep what is known of an object, whatever its new metadata are", async () => {
      await put("said", SMALL, { Metadata: { a: "1" } });
      const replaced = { MetadataDirective: "REPLACE", Metadata: { b: "2" } };
      for (const [more, metadata] of [
        [{}, { a: "1" }],
        [replaced, { b: "2" }],
      ] as const) {
        const answer = await copy("copy", more);
        expect((answer["CopyObjectResult"] as { ETag: string }).ETag).toBe(tag(SMALL));
        const got = await get("copy");
        expect(got).toMatchObject({ ETag: tag(SMALL), Metadata: metadata, Body: base64(SMALL) });
        expect(swift.stored(BUCKET, "copy").equals(swift.stored(BUCKET, "said"))).toBe(true);
      }
    });

    test("hold conditions against the tag that is shown", async () => {
      expect(await copy("no", { CopySourceIfMatch: '"0"' })).toMatchObject({ status: 412 });
      expect(await copy("no", { CopySourceIfNoneMatch: tag(SMALL) })).toMatchObject({ status: 412 });
      expect(await copy("no", {}, "none")).toMatchObject({ status: 404, error: "NoSuchKey" });
      expect(swift.storedFile(BUCKET, "no")).toBeUndefined();
      expect((await copy(ODD, { CopySourceIfMatch: tag(SMALL) })).status).toBe(200);
      const answer = await copy("large copy", {}, "large");
      expect((answer["CopyObjectResult"] as { ETag: string }).ETag).toBe(derived("large copy"));
      expect((await head("large copy"))["ETag"]).toBe(derived("large copy"));
    });
  });

  test("what is deleted is gone, one or many", async () => {
    expect((await s3.call("delete_object", { Bucket: BUCKET, Key: "old" })).status).toBe(204);
    const Objects = [{ Key: ODD }, { Key: "large" }, { Key: "copy" }];
    const { Deleted } = await s3.call("delete_objects", { Bucket: BUCKET, Delete: { Objects } });
    expect(Deleted).toHaveLength(3);
    for (const key of [ODD, "large", "copy", "old"]) expect(swift.storedFile(BUCKET, key)).toBeUndefined();
  });

  test("documents go through, and what would not be encrypted does not", async () => {
    const rules = { CORSRules: [{ AllowedMethods: ["GET"], AllowedOrigins: ["*"] }] };
    const answer = await s3.call("put_bucket_cors", { Bucket: BUCKET, CORSConfiguration: rules });
    // Swift has none of it, and says so itself.
    expect(answer).toMatchObject({ error: "NotImplemented" });
    expect(relay.exchanges.at(-1)).toMatchObject({ method: "PUT", target: `/${BUCKET}?cors`, status: 501 });
    relay.forget();
    const form = await curlAnswer(scene, `http://127.0.0.1:${proxy.s3Port}/${BUCKET}`, ["-F", "key=x", "-F", "file=y"]);
    expect([form.status, relay.exchanges]).toEqual([403, []]);
  });

  describe("below /upstream/, as with ds_proxy", () => {
    const sign = () => {
      const unsigned = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"];
      return ["--aws-sigv4", `aws:amz:${swift.credentials.region}:s3`, ...unsigned];
    };
    // There is a colon in names of Swift, which --user takes for the end of the name.
    const url = (key: string, secret = swift.credentials.secret) =>
      proxy
        .url(`/upstream/${BUCKET}/${key}`)
        .replace("://", `://${encodeURIComponent(swift.credentials.access)}:${secret}@`);

    test("curl signs the path that it asks for", async () => {
      const stored = await curlAnswer(scene, url("curl"), [...sign(), "-T", scene.write("file", SMALL)]);
      expect([stored.status, stored.fields.get("etag")]).toEqual([200, tag(SMALL)]);
      const got = await curlAnswer(scene, url("curl"), sign());
      expect([got.status, got.body.equals(SMALL)]).toEqual([200, true]);
      expect(readSodiumObject(swift.stored(BUCKET, "curl"), proxy.keys).plain.equals(SMALL)).toBe(true);
    });

    test("whoever has not signed, or with another secret, is told what ds_proxy says", async () => {
      relay.forget();
      for (const [where, given] of [
        [url("curl"), []],
        [url("curl", "wrong"), sign()],
      ] as const) {
        const { status, body } = await curlAnswer(scene, where, given);
        expect([status, body.toString()]).toEqual([401, "Invalid S3 signature"]);
      }
      expect(relay.exchanges).toEqual([]);
    });
  });
});
