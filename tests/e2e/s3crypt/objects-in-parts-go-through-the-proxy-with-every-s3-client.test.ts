/** Multipart uploads of unmodified S3 clients to OpenStack Swift: encrypted there, whole again behind the proxy, ranges without the rest. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Portail } from "../../support/portail.ts";
import { S3_CLIENT_NEEDS, openS3Clients } from "../../support/s3-clients/all.ts";
import type { S3Client } from "../../support/s3-clients/client.ts";
import { scenario } from "../../support/scenario.ts";
import type { Scene } from "../../support/scene.ts";
import { openS3Stage } from "../../support/s3-stage.ts";
import { SWIFT_NEEDS } from "../../support/swift.ts";
import { content, digest } from "../../support/web.ts";

const MIB = 1 << 20;
const PART = 5 * MIB;
const LARGE = content(3 * PART + MIB + 17);
/** Those that cut uploads into parts, and show an ETag or not. */
const CLIENTS = ["s3cmd", "rclone", "awscli of Debian", "awscli of PyPI", "aws-sdk-js", "Bun.S3Client"];
/** A part's header and what its chunks begin with and end with: FORMAT.md. */
const sealed = (plain: number) => 160 + 56 + plain + 16 * (Math.floor(plain / 16_384) + 1);

scenario(import.meta.file, [...SWIFT_NEEDS, ...S3_CLIENT_NEEDS], ({ scene, portail }) => {
  setDefaultTimeout(120_000);
  const stage = open(scene, portail);

  test.each(CLIENTS)("%s", async (name) => {
    const { clients, relay, swift, proxy } = await stage;
    const client = clients.find((each) => each.name === name)!;
    const key = `${name.replaceAll(/\W/g, "-")}/m`;
    relay.forget();
    await client.multipart!(scene.write("large", LARGE), key, PART);
    const parts = relay.matching(/^PUT .*partNumber=/);
    const number = ({ target }: { target: string }) => Number(/partNumber=(\d+)/.exec(target)![1]);
    expect(parts.toSorted((a, b) => number(a) - number(b)).map(({ sent }) => sent)).toEqual([
      ...[PART, PART, PART].map(sealed),
      sealed(MIB + 17),
    ]);
    expect(relay.matching(/^PUT \/parts\/\.s3crypt\/[0-9a-f]{32}$/).map(({ status }) => status)).toEqual([200]);

    const { size, etag } = await client.head(key);
    expect(size).toBe(LARGE.length);
    if (etag !== undefined) expect(etag).toBe(TAG);
    await client.get(key, scene.path("got"));
    expect(digest(readFileSync(scene.path("got")))).toBe(digest(LARGE));

    if (client.parallelGet !== undefined) {
      await client.parallelGet(key, scene.path("got"), PART);
      expect(digest(readFileSync(scene.path("got")))).toBe(digest(LARGE));
    }
    if (client.getRange !== undefined) {
      relay.forget();
      const range = await client.getRange(key, PART - 100, 2 * PART + 99);
      expect(digest(range)).toBe(digest(LARGE.subarray(PART - 100, 2 * PART + 100)));
      expect(relay.received).toBeLessThan(PART + 6 * 16_400);
    }
    // Nothing of it lies in the storage as it was.
    const marks = [0, PART, 3 * PART].map((at) => LARGE.subarray(at, at + 32));
    for (const file of swift.storedFiles())
      for (const mark of marks) expect(readFileSync(file).includes(mark)).toBe(false);
    expect(proxy.program.stderr).not.toContain("a request failed");
  });
});

const TAG = (() => {
  const parts = [0, PART, 2 * PART, 3 * PART].map((at) =>
    createHash("md5")
      .update(LARGE.subarray(at, at + PART))
      .digest(),
  );
  return `${createHash("md5").update(Buffer.concat(parts)).digest("hex")}-4`;
})();

async function open(scene: Scene, portail: Portail) {
  const { swift, relay, proxy: start } = await openS3Stage(scene, portail, "parts");
  const { proxy, place } = await start();
  const clients: S3Client[] = await openS3Clients(scene, place);
  return { clients, relay, swift, proxy };
}
