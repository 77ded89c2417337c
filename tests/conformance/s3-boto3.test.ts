/** The codecs of S3 together, as a storage that boto3 uses over TLS: uploads, ranges, parts, copies, lists, deletions, presigned URLs. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { needing } from "../support/needs.ts";
import { authority } from "../support/pki.ts";
import { run } from "../support/program.ts";
import { PYTHON } from "../support/python-library.ts";
import { Scene } from "../support/scene.ts";
import { ToyS3, type Seen } from "../support/toy-s3.ts";

setDefaultTimeout(120_000);

const CREDENTIALS = { accessKeyId: "AKID", secretAccessKey: "se/cr+et", region: "eu-west-3" };
const KEY = "dir/a b+c~(é)/../'\"&<>?#%41";

needing("boto3", ["python3", "python3:boto3", "openssl"], () => {
  const scene = new Scene();
  afterAll(() => scene.close());

  test("does all that programs do with it", async () => {
    const ca = authority("S3 CA");
    const toy = await ToyS3.open(scene, ca.issue({ cn: "localhost" }), CREDENTIALS);
    const { accessKeyId, secretAccessKey, region } = CREDENTIALS;
    const args = [
      `https://localhost:${toy.port}`,
      scene.write("ca.pem", ca.cert),
      accessKeyId,
      secretAccessKey,
      region,
    ];
    const script = resolve(import.meta.dir, "../support/boto3-client.py");
    const { stdout, stderr, status } = await run([PYTHON, script, ...args], { patience: 100_000 });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const size = 76_800;
    expect(JSON.parse(stdout)).toEqual({
      same: true,
      range: "bytes 76797-76799/76800",
      unsatisfiable: "416",
      head: size,
      large: true,
      listed: { [KEY]: size, CRC32: size, SHA1: size, SHA256: size, empty: 0, large: 150 * size, copy: size },
      presigned: "hello",
      gone: "NoSuchKey",
      "wrong secret": "SignatureDoesNotMatch",
    });

    const modes = (name: string, of: (seen: Seen) => unknown) =>
      toy.seen.filter((seen) => seen.name === name && seen.status === 200).map(of);
    expect(modes("PutObject", ({ mode, checksums }) => [mode, ...checksums])).toEqual([
      ["unsigned", "MD5"],
      ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "CRC32"],
      ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "SHA1"],
      ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "SHA256"],
      ["unsigned", "MD5"],
      ["unsigned"],
    ]);
    expect(modes("UploadPart", ({ checksums }) => checksums)).toEqual([["MD5"], ["MD5"], ["MD5"]]);
    expect(modes("PutObjectTagging", ({ mode }) => mode)).toHaveLength(1);
    expect([...new Set(toy.seen.map(({ name }) => name))].toSorted()).toEqual([
      "CompleteMultipartUpload",
      "CopyObject",
      "CreateMultipartUpload",
      "DeleteObjects",
      "GetObject",
      "HeadObject",
      "ListObjectsV2",
      "PutObject",
      "PutObjectTagging",
      "UploadPart",
    ]);
  });
});
