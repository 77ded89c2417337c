/** A large multipart upload to Swift, parts at once, of which one is sent twice with other bytes: what is completed is what is read. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { openAwsSdk } from "../../support/s3-clients/aws-sdk.ts";
import { S3_CLIENT_NEEDS } from "../../support/s3-clients/all.ts";
import { openS3Stage } from "../../support/s3-stage.ts";
import { scenario } from "../../support/scenario.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content } from "../../support/web.ts";

const MIB = 2 ** 20;
const PART = 8 * MIB;
const PARTS = process.env["PORTAIL_LONG"] === "1" ? 128 : 4;
const AT_ONCE = 4;

scenario(import.meta.file, [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS], ({ scene, portail }) => {
  setDefaultTimeout(600_000);

  test(`${PARTS} parts of 8 MiB`, async () => {
    const stage = await openS3Stage(scene, portail, "again");
    const { place } = await stage.proxy();
    const sdk = await openAwsSdk(scene, place);
    const whole = content(PART + PARTS);
    /** Each part has other bytes than the others. */
    const bytesOf = (number: number) => whole.subarray(number, number + PART);
    const { UploadId } = await sdk.send("CreateMultipartUpload", { Key: "large" });
    const send = async (number: number, bytes: Uint8Array) => {
      const BodyBase64 = Buffer.from(bytes).toString("base64");
      const { ETag } = await sdk.send("UploadPart", { Key: "large", UploadId, PartNumber: number, BodyBase64 });
      return { PartNumber: number, ETag };
    };
    await send(2, Buffer.alloc(PART, "first attempt"));
    const sent: { PartNumber: number; ETag: unknown }[] = [];
    for (let first = 1; first <= PARTS; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, PARTS - first + 1) }, (_, i) => first + i);
      sent.push(...(await Promise.all(numbers.map((number) => send(number, bytesOf(number))))));
    }
    await sdk.send("CompleteMultipartUpload", { Key: "large", UploadId, MultipartUpload: { Parts: sent } });

    const expected = createHash("sha256");
    for (let number = 1; number <= PARTS; number++) expected.update(bytesOf(number));
    const digest = expected.digest("hex");
    expect((await sdk.head("large")).size).toBe(PARTS * PART);
    await sdk.get("large", scene.path("got"));
    expect(await digestOf(scene.path("got"))).toBe(digest);
    await sdk.parallelGet("large", scene.path("got"), PART);
    expect(await digestOf(scene.path("got"))).toBe(digest);
  });
});

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}
