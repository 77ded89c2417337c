/** Swift knows no aws-chunked: which clients send it when nobody told them otherwise. With the proxy in front they need no setting. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { needing } from "../../support/needs.ts";
import { authority } from "../../support/pki.ts";
import { S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import { openAwsSdk } from "../../support/s3-clients/aws-sdk.ts";
import { openPypiAwscli } from "../../support/s3-clients/awscli.ts";
import { openBunS3 } from "../../support/s3-clients/bun-s3.ts";
import { openS3cmd } from "../../support/s3-clients/s3cmd.ts";
import type { S3Client, S3Place } from "../../support/s3-clients/client.ts";
import { Scene } from "../../support/scene.ts";
import { openStorageRelay, type StorageRelay } from "../../support/storage-relay.ts";
import { openSwift, SWIFT_NEEDS } from "../../support/swift.ts";
import { content, digest } from "../../support/web.ts";

const BYTES = content(300_001);
const BUCKET = "bare";
/** Milliseconds in which all that is fetched the first time is there. */
const FIRST_TIME = 600_000;

type Open = (scene: Scene, place: S3Place) => S3Client | Promise<S3Client>;

/** Over https, untold. */
const REFUSED: [name: string, open: Open, operation: "put" | "putStream"][] = [
  ["awscli of PyPI", openPypiAwscli, "put"],
  ["aws-sdk-js", openAwsSdk, "putStream"],
];
/** The others try again and again before they give up. */
const STRANGERS: [name: string, open: Open][] = [
  ["s3cmd", openS3cmd],
  ["aws-sdk-js", openAwsSdk],
  ["Bun.S3Client", openBunS3],
];

needing("a bare Swift over https", [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS, "openssl"], () => {
  setDefaultTimeout(120_000);
  const scene = new Scene();
  afterAll(() => scene.close());
  const file = scene.write("file", BYTES);
  let relay: StorageRelay;
  /** With no setting but what anybody needs. */
  let place: S3Place & { ca: string };
  beforeAll(async () => {
    const swift = await openSwift(scene);
    await swift.makeContainer(BUCKET);
    const { cert, key } = authority().issue();
    relay = await openStorageRelay(scene, swift.port, { cert, key });
    const ca = scene.write("ca.pem", authority().cert);
    place = { endpoint: `https://127.0.0.1:${relay.port}`, ...swift.credentials, bucket: BUCKET, ca };
  }, FIRST_TIME);

  test.each(REFUSED)(
    "refuses %s, until it is told",
    async (_, open, operation) => {
      relay.forget();
      const untold = await open(scene, place);
      await expect(untold[operation]!(file, "refused")).rejects.toThrow("NotImplemented");
      expect(relay.matching(/^PUT /)[0]?.headers["content-encoding"]).toBe("aws-chunked");
      const told = await open(scene, { ...place, withoutChecksums: true });
      await told[operation]!(file, "taken");
      await told.get("taken", scene.path("got"));
      expect(digest(readFileSync(scene.path("got")))).toBe(digest(BYTES));
    },
    FIRST_TIME,
  );

  test.each(STRANGERS)("%s trusts no authority that it was not told", async (_, open) => {
    relay.forget();
    const { ca, ...stranger } = place;
    const client = await open(scene, stranger);
    await expect(client.get("taken", scene.path("got"))).rejects.toThrow();
    expect(relay.exchanges).toEqual([]);
    await (await open(scene, { ...stranger, ca })).head("taken");
    expect(relay.exchanges.map(({ status }) => status)).toContain(200);
  });

  test("takes presigned URLs of the SDK, but not those of Bun, which leave the colon in Swift's user names as it is", async () => {
    const ask = async (open: Open, method: "GET" | "PUT") => {
      const client = await open(scene, place);
      const url = await client.presign!(method, "taken", 60);
      return fetch(url, { method, tls: { ca: authority().cert }, ...(method === "PUT" && { body: BYTES }) });
    };
    expect((await ask(openAwsSdk, "PUT")).status).toBe(200);
    const refused = await ask(openBunS3, "GET");
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("SignatureDoesNotMatch")]);
  });
});
