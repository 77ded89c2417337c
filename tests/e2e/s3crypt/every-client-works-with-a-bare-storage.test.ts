/** OpenStack Swift without a proxy: what each client does there, so that a failure with the proxy in between is the proxy's. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { OPTIONAL, type S3Client } from "../../support/s3-clients/client.ts";
import { openS3Clients, S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import { openCurlTempUrl, openCurlToken } from "../../support/s3-clients/curl-swift.ts";
import { Scene } from "../../support/scene.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS } from "../../support/swift.ts";
import { content, digest } from "../../support/web.ts";

const MIB = 1 << 20;
const PART = 5 * MIB;
const SMALL = content(300_001);
const LARGE = content(2 * PART + MIB + 17);
const BUCKET = "bare";

/** What a client cannot do at all. */
const LACKS: Record<string, (typeof OPTIONAL)[number][]> = {
  s3cmd: ["getRange", "parallelGet", "presign"],
  rclone: ["presign"],
  "awscli of Debian": ["presign"],
  "awscli of PyPI": ["presign"],
  "aws-sdk-js": [],
  "Bun.S3Client": ["copy"],
  "curl with a token": ["presign"],
  "curl with temporary URLs": ["multipart", "list", "copy"],
};

needing("every client works with a bare storage", [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS, "curl"], () => {
  setDefaultTimeout(120_000);
  const scene = new Scene();
  afterAll(() => scene.close());
  const stage = open(scene);
  /** The client `name`, the relay that it goes through, and a name for its objects. */
  const on = async (name: string) => {
    const { clients, relay } = await stage;
    relay.forget();
    const client = clients.find((each) => each.name === name)!;
    return { client, relay, key: (last: string) => `${name.replaceAll(/\W/g, "-")}/${last}` };
  };

  test("these are all of them", async () => {
    const lacks = (client: S3Client) => OPTIONAL.filter((operation) => client[operation] === undefined);
    const { clients } = await stage;
    expect(Object.fromEntries(clients.map((client) => [client.name, lacks(client)]))).toEqual(LACKS);
  });

  test.each(Object.keys(LACKS))("%s: whole objects", async (name) => {
    const { client, key } = await on(name);
    await client.put(scene.write("small", SMALL), key("a"));
    const { size, etag } = await client.head(key("a"));
    expect(size).toBe(SMALL.length);
    if (etag !== undefined) expect(etag).toBe(new Bun.CryptoHasher("md5").update(SMALL).digest("hex"));
    await client.copy?.(key("a"), key("b"));
    expect(await got(scene, client, key(client.copy ? "b" : "a"))).toBe(digest(SMALL));
    await client.delete(key("a"));
    await expect(client.head(key("a"))).rejects.toThrow();
  });

  test.each(Object.keys(LACKS))("%s: streams, parts and ranges", async (name) => {
    const { client, relay, key } = await on(name);
    const file = scene.write("large", LARGE);
    await client.putStream?.(scene.write("small", SMALL), key("s"));
    expect(await got(scene, client, key("s"))).toBe(digest(SMALL));
    relay.forget();
    await (client.multipart ?? client.put)(file, key("m"), PART);
    if (client.multipart) expect(parts(relay)).toEqual([PART, PART, MIB + 17]);
    relay.forget();
    if (client.parallelGet) {
      await client.parallelGet(key("m"), scene.path("got"), PART);
      expect(digest(readFileSync(scene.path("got")))).toBe(digest(LARGE));
      expect(relay.matching(/^GET .*m\b/).filter(({ status }) => status === 206).length).toBeGreaterThan(1);
    } else expect(await got(scene, client, key("m"))).toBe(digest(LARGE));
    if (client.getRange) {
      const range = await client.getRange(key("m"), PART - 100, PART + 99);
      expect(digest(range)).toBe(digest(LARGE.subarray(PART - 100, PART + 100)));
    }
    const listed = (await client.list?.(key("")))?.map(({ key: found, size }) => [found, size]).toSorted();
    if (listed)
      expect(listed.slice(-2)).toEqual([
        [key("m"), LARGE.length],
        [key("s"), SMALL.length],
      ]);
  });
});

async function open(scene: Scene) {
  const swift = await openSwift(scene);
  await swift.makeContainer(BUCKET);
  const relay = await openStorageRelay(scene, swift.port);
  const root = `http://127.0.0.1:${relay.port}`;
  const place = { endpoint: root, ...swift.credentials, bucket: BUCKET, withoutChecksums: true };
  const curls = { swift, root, bucket: BUCKET };
  const clients = await openS3Clients(scene, place);
  return { relay, clients: [...clients, openCurlToken(scene, curls), openCurlTempUrl(scene, curls)] as S3Client[] };
}

async function got(scene: Scene, client: S3Client, key: string): Promise<string> {
  await client.get(key, scene.path("got"));
  return digest(readFileSync(scene.path("got")));
}

/** Sizes of the parts that were sent, in the order of their numbers. */
function parts(relay: StorageRelay): number[] {
  const sent = relay.matching(/^PUT .*(partNumber=\d+|\/m\/\d+$)/);
  const number = (target: string) => Number(/partNumber=(\d+)|\/m\/(\d+)$/.exec(target)!.slice(1).find(Boolean));
  return sent.toSorted((a, b) => number(a.target) - number(b.target)).map((exchange) => exchange.sent);
}
