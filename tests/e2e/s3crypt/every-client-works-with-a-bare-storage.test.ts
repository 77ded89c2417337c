/** Storages without a proxy: what each client does there, so that a failure with the proxy in between is the proxy's. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { authority } from "../../support/pki.ts";
import { OPTIONAL, type S3Client } from "../../support/s3-clients/client.ts";
import { openS3Clients, S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import { openCurlTempUrl, openCurlToken } from "../../support/s3-clients/curl-swift.ts";
import { Scene } from "../../support/scene.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS } from "../../support/swift.ts";
import { openVersitygw, VERSITYGW_NEEDS } from "../../support/versitygw.ts";
import { content, digest } from "../../support/web.ts";

const MIB = 1 << 20;
const PART = 5 * MIB;
const SMALL = content(300_001);
const LARGE = content(2 * PART + MIB + 17);
const BUCKET = "bare";
/** Milliseconds in which all that is fetched or built the first time is there. */
const FIRST_TIME = 900_000;

type Lacks = Record<string, (typeof OPTIONAL)[number][]>;

/** What a client cannot do at all. */
const S3_LACKS: Lacks = {
  s3cmd: ["getRange", "parallelGet", "presign"],
  rclone: ["presign"],
  "awscli of Debian": ["presign"],
  "awscli of PyPI": ["presign"],
  "aws-sdk-js": [],
  "Bun.S3Client": ["copy"],
};
/** An old one sends what Swift is sent; it is slow to start. */
const { "awscli of Debian": _, ...TODAYS_LACKS } = S3_LACKS;
const SWIFT_LACKS: Lacks = {
  "curl with a token": ["presign"],
  "curl with temporary URLs": ["multipart", "list", "copy"],
};

interface Opened {
  clients: S3Client[];
  relay: StorageRelay;
}

needing("with Swift in the clear", [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS, "curl"], () => {
  tell({ ...S3_LACKS, ...SWIFT_LACKS }, async (scene) => {
    const swift = await openSwift(scene);
    await swift.makeContainer(BUCKET);
    const relay = await openStorageRelay(scene, swift.port);
    const root = `http://127.0.0.1:${relay.port}`;
    const place = { endpoint: root, ...swift.credentials, bucket: BUCKET, withoutChecksums: true };
    const curls = { swift, root, bucket: BUCKET };
    const clients = await openS3Clients(scene, place);
    return { relay, clients: [...clients, openCurlToken(scene, curls), openCurlTempUrl(scene, curls)] };
  });
});

needing("with versitygw over https, told nothing", [...VERSITYGW_NEEDS, ...S3_CLIENT_NEEDS, "openssl"], () => {
  tell(TODAYS_LACKS, async (scene) => {
    const gateway = await openVersitygw(scene);
    await gateway.makeBucket(BUCKET);
    const { cert, key } = authority().issue();
    const relay = await openStorageRelay(scene, gateway.port, { cert, key });
    const ca = scene.write("ca.pem", authority().cert);
    const place = { endpoint: `https://127.0.0.1:${relay.port}`, ...gateway.credentials, bucket: BUCKET, ca };
    return { relay, clients: await openS3Clients(scene, place) };
  });

  test("what was sent as aws-chunked is decoded", () => {
    expect(chunked).toEqual(new Set(["awscli of PyPI", "aws-sdk-js"]));
  });
});

/** Clients that sent it over https. */
const chunked = new Set<string>();

function tell(lacks: Lacks, open: (scene: Scene) => Promise<Opened>): void {
  setDefaultTimeout(120_000);
  const scene = new Scene();
  afterAll(() => scene.close());
  let opened: Opened;
  beforeAll(async () => {
    const { clients, relay } = await open(scene);
    opened = { relay, clients: clients.filter(({ name }) => name in lacks) };
  }, FIRST_TIME);
  const on = (name: string) => {
    opened.relay.forget();
    const client = opened.clients.find((each) => each.name === name)!;
    return { client, relay: opened.relay, key: (last: string) => `${name.replaceAll(/\W/g, "-")}/${last}` };
  };
  const got = async (client: S3Client, key: string) => {
    await client.get(key, scene.path("got"));
    return digest(readFileSync(scene.path("got")));
  };

  test("these are all clients", () => {
    const lacking = (client: S3Client) => OPTIONAL.filter((operation) => client[operation] === undefined);
    expect(Object.fromEntries(opened.clients.map((client) => [client.name, lacking(client)]))).toEqual(lacks);
  });

  test.each(Object.keys(lacks))("%s: whole objects", async (name) => {
    const { client, key } = on(name);
    await client.put(scene.write("small", SMALL), key("a"));
    const { size, etag } = await client.head(key("a"));
    expect(size).toBe(SMALL.length);
    if (etag !== undefined) expect(etag).toBe(new Bun.CryptoHasher("md5").update(SMALL).digest("hex"));
    await client.copy?.(key("a"), key("b"));
    expect(await got(client, key(client.copy ? "b" : "a"))).toBe(digest(SMALL));
    await client.delete(key("a"));
    await expect(client.head(key("a"))).rejects.toThrow();
  });

  test.each(Object.keys(lacks))("%s: streams, parts and ranges", async (name) => {
    const { client, relay, key } = on(name);
    await client.putStream?.(scene.write("small", SMALL), key("s"));
    expect(await got(client, key("s"))).toBe(digest(SMALL));
    const sent = relay.matching(/^PUT /).map(({ headers }) => headers["content-encoding"]);
    if (sent.includes("aws-chunked")) chunked.add(name);
    relay.forget();
    await (client.multipart ?? client.put)(scene.write("large", LARGE), key("m"), PART);
    if (client.multipart) expect(parts(relay)).toEqual([PART, PART, MIB + 17]);
    relay.forget();
    if (client.parallelGet) {
      await client.parallelGet(key("m"), scene.path("got"), PART);
      expect(digest(readFileSync(scene.path("got")))).toBe(digest(LARGE));
      expect(relay.matching(/^GET .*m\b/).filter(({ status }) => status === 206).length).toBeGreaterThan(1);
    } else expect(await got(client, key("m"))).toBe(digest(LARGE));
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
}

/** Sizes of the parts that were sent, in the order of their numbers. */
function parts(relay: StorageRelay): number[] {
  const number = (target: string) => Number(/partNumber=(\d+)|\/m\/(\d+)$/.exec(target)!.slice(1).find(Boolean));
  const sent = relay
    .matching(/^PUT .*(partNumber=\d+|\/m\/\d+$)/)
    .toSorted((a, b) => number(a.target) - number(b.target));
  // A client that has waited too long sends a part again: its last form counts.
  const last = [...new Map(sent.map((part) => [number(part.target), part])).values()];
  return last.map(({ headers, sent: size }) => Number(headers["x-amz-decoded-content-length"] ?? size));
}
