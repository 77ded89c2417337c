/** Swift knows no aws-chunked: which clients send it when nobody told them otherwise. With the proxy in front they need no setting. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { authority } from "../../support/pki.ts";
import { openS3Clients, S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import { openCurlTempUrl, openCurlToken } from "../../support/s3-clients/curl-swift.ts";
import type { S3Client, S3Place } from "../../support/s3-clients/client.ts";
import { Scene } from "../../support/scene.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS } from "../../support/swift.ts";
import { content, digest } from "../../support/web.ts";

const BYTES = content(300_001);
const BUCKET = "bare";
const CURLS = ["curl with a token", "curl with temporary URLs"];
const TOLD = ["s3cmd", "rclone", "awscli of Debian", "aws-sdk-js", "Bun.S3Client", ...CURLS];

/** Over https, untold. */
const REFUSED: [name: string, operation: "put" | "putStream" | "multipart"][] = [
  ["awscli of PyPI", "put"],
  ["awscli of PyPI", "putStream"],
  ["aws-sdk-js", "putStream"],
];

needing("a bare Swift", [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS, "curl", "openssl"], () => {
  setDefaultTimeout(120_000);
  const scene = new Scene();
  afterAll(() => scene.close());
  const stage = open(scene);
  const file = scene.write("file", BYTES);
  const find = (clients: S3Client[], name: string) => clients.find((client) => client.name === name)!;

  test.each(REFUSED)("refuses %s: %s", async (name, operation) => {
    const { untold, told, relay } = await stage;
    relay.forget();
    await expect(find(untold, name)[operation]!(file, "refused", 1 << 30)).rejects.toThrow("NotImplemented");
    expect(relay.matching(/^PUT /)[0]?.headers["content-encoding"]).toBe("aws-chunked");
    await find(told, name)[operation]!(file, "taken", 1 << 30);
    await find(told, name).get("taken", scene.path("got"));
    expect(digest(readFileSync(scene.path("got")))).toBe(digest(BYTES));
  });

  test.each(TOLD)("takes over https: %s", async (name) => {
    const { told } = await stage;
    await find(told, name).put(file, "whole");
    await find(told, name).get("whole", scene.path("got"));
    expect(digest(readFileSync(scene.path("got")))).toBe(digest(BYTES));
    await find(told, name).delete("whole");
  });

  // The others try again and again first.
  test.each(["s3cmd", "aws-sdk-js", "Bun.S3Client"])("%s trusts no authority that it was not told", async (name) => {
    const { strangers, relay } = await stage;
    relay.forget();
    await expect(find(strangers, name).get("whole", scene.path("got"))).rejects.toThrow();
    expect(relay.exchanges).toEqual([]);
  });

  test("Bun's presigned URLs leave the colon of Swift's user names as it is, which Swift does not", async () => {
    const { told, relay } = await stage;
    relay.forget();
    const url = await find(told, "Bun.S3Client").presign!("GET", "whole", 60);
    const answer = await fetch(url, { tls: { ca: authority().cert } });
    expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining("SignatureDoesNotMatch")]);
    const other = await find(told, "aws-sdk-js").presign!("PUT", "presigned", 60);
    const put = await fetch(other, { method: "PUT", body: BYTES, tls: { ca: authority().cert } });
    expect(put.status).toBe(200);
  });
});

interface Opened {
  /** With no setting but what anybody needs. */
  untold: S3Client[];
  told: S3Client[];
  /** Without our authority. */
  strangers: S3Client[];
  relay: StorageRelay;
}

async function open(scene: Scene): Promise<Opened> {
  const swift = await openSwift(scene);
  await swift.makeContainer(BUCKET);
  const { cert, key } = authority().issue();
  const relay = await openStorageRelay(scene, swift.port, { cert, key });
  const root = `https://127.0.0.1:${relay.port}`;
  const stranger: S3Place = { endpoint: root, ...swift.credentials, bucket: BUCKET };
  const place = { ...stranger, ca: scene.write("ca.pem", authority().cert) };
  const untold = await openS3Clients(scene, place);
  const told = await openS3Clients(scene, { ...place, withoutChecksums: true });
  const curls = { swift, root, bucket: BUCKET, ca: place.ca };
  const strangers = await openS3Clients(scene, stranger);
  return { untold, told: [...told, openCurlToken(scene, curls), openCurlTempUrl(scene, curls)], strangers, relay };
}
