/** Unmodified S3 clients, told nothing, before a real OpenStack Swift: what lies there is ciphertext, and each client sees what it stored. */
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { LIBSODIUM } from "../../support/libsodium.ts";
import { authority } from "../../support/pki.ts";
import { openS3Clients, S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import type { S3Client } from "../../support/s3-clients/client.ts";
import { scenario } from "../../support/scenario.ts";
import { readSodiumObject } from "../../support/sodium-object.ts";
import { StorageProxy } from "../../support/storage-proxy.ts";
import { openSwift, SWIFT_NEEDS, type Swift } from "../../support/swift.ts";
import { content, digest } from "../../support/web.ts";

const SMALL = content(30_001);
const LARGE = content(3_000_017);
const BUCKET = "box";
const FIRST_TIME = 600_000;
const QUICK = ["s3cmd", "rclone", "aws-sdk-js", "Bun.S3Client"];
/** These begin anew for each operation, and that takes seconds. */
const SLOW = ["awscli of Debian", "awscli of PyPI"];
/** What these stream, they send in parts. */
const IN_PARTS = new Set(["s3cmd", "rclone"]);
const CASES = [
  ...[...QUICK, ...SLOW].map((name) => [name, "small", SMALL] as const),
  ...QUICK.map((name) => [name, "large", LARGE] as const),
];

const tls = { ca: authority().cert };
const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

scenario(import.meta.file, [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS, "openssl", LIBSODIUM], ({ scene, portail }) => {
  let swift: Swift;
  let proxy: StorageProxy;
  let clients: S3Client[];

  beforeAll(async () => {
    swift = await openSwift(scene);
    await swift.makeContainer(BUCKET);
    const { access, secret, region } = swift.credentials;
    const file = scene.write("secret", secret);
    const s3 = ["--s3-access-key", access, "--s3-secret-key-file", file, "--s3-region", region];
    const { cert, key } = authority().issue();
    const tls = ["--cert", scene.write("cert.pem", cert), "--key", scene.write("key.pem", key)];
    const args = [...s3, ...tls, "--s3-listen", "127.0.0.1:0"];
    proxy = await StorageProxy.open(scene, portail, { upstream: swift.url, args });
    const endpoint = `https://127.0.0.1:${proxy.s3Port}`;
    const ca = scene.write("ca.pem", authority().cert);
    clients = await openS3Clients(scene, { endpoint, ...swift.credentials, bucket: BUCKET, ca });
  }, FIRST_TIME);

  const got = async (client: S3Client, key: string) => {
    await client.get(key, scene.path("got"));
    return digest(readFileSync(scene.path("got")));
  };

  test.each(CASES)("%s: %s objects", async (name, of, bytes) => {
    const client = clients.find((each) => each.name === name)!;
    const key = `${name.replaceAll(/\W/g, "-")}/${of}`;
    await client.put(scene.write("file", bytes), key);
    const { plain, keyId } = readSodiumObject(swift.stored(BUCKET, key), proxy.keys);
    expect([digest(plain), keyId]).toEqual([digest(bytes), 1n]);
    const { size, etag } = await client.head(key);
    expect(size).toBe(bytes.length);
    if (etag !== undefined && of === "small") expect(etag).toBe(md5(bytes));
    else if (etag?.endsWith("-1") === false) expect(etag).toBe(md5(bytes));
    expect(await got(client, key)).toBe(digest(bytes));
    if (client.getRange) {
      const range = await client.getRange(key, 20_000, 29_999);
      expect(digest(range)).toBe(digest(bytes.subarray(20_000, 30_000)));
    }
    const stream = IN_PARTS.has(name) ? undefined : client.putStream;
    await stream?.(scene.write("file", bytes), `${key}-stream`);
    if (stream) expect(await got(client, `${key}-stream`)).toBe(digest(bytes));
    await client.copy?.(key, `${key}-copy`);
    if (client.copy) {
      expect(await got(client, `${key}-copy`)).toBe(digest(bytes));
      expect((await client.head(`${key}-copy`)).etag).toBe(etag);
      expect(swift.stored(BUCKET, `${key}-copy`).equals(swift.stored(BUCKET, key))).toBe(true);
    }
    const listed = (await client.list?.(key))?.map(({ key: found, size: shown }) => [found, shown]);
    const there = ["", ...(client.copy ? ["-copy"] : []), ...(stream ? ["-stream"] : [])];
    if (listed) expect(listed).toEqual(there.map((last) => [key + last, bytes.length]));
    const url = await client.presign?.("GET", key, 60);
    if (url) expect(digest(await (await fetch(url, { tls })).bytes())).toBe(digest(bytes));
    const put = await client.presign?.("PUT", `${key}-put`, 60);
    if (put) {
      expect((await fetch(put, { method: "PUT", body: bytes, tls })).status).toBe(200);
      expect(digest(readSodiumObject(swift.stored(BUCKET, `${key}-put`), proxy.keys).plain)).toBe(digest(bytes));
    }
    await client.delete(key);
    await expect(client.head(key)).rejects.toThrow();
  });
});
