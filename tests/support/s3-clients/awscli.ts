/** The AWS command line, as Debian has it and as PyPI has it today. The one from PyPI adds checksums that the storage must know. */
import { PYTHON, pythonLibrary } from "../python-library.ts";
import type { Scene } from "../scene.ts";
import { type S3Client, type S3Place, succeed } from "./client.ts";

/** Of PyPI. */
const VERSION = "1.46.2";
/** Below this size nothing is cut into parts unless asked. */
const WHOLE = 1 << 30;

export function openDebianAwscli(scene: Scene, place: S3Place): S3Client {
  return awscli(scene, place, "awscli of Debian", ["/usr/bin/aws"], {});
}

/** Installs it where it is not there yet. */
export async function openPypiAwscli(scene: Scene, place: S3Place): Promise<S3Client> {
  const library = await pythonLibrary("awscli", VERSION);
  const command = [PYTHON, "-m", "awscli"];
  return awscli(scene, place, "awscli of PyPI", command, { PYTHONPATH: library });
}

function awscli(
  scene: Scene,
  place: S3Place,
  name: string,
  program: readonly string[],
  more: Record<string, string>,
): S3Client {
  const env = {
    ...more,
    HOME: scene.folder,
    AWS_ACCESS_KEY_ID: place.access,
    AWS_SECRET_ACCESS_KEY: place.secret,
    AWS_DEFAULT_REGION: place.region,
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PAGER: "",
    ...(place.ca && { AWS_CA_BUNDLE: place.ca }),
    ...(place.withoutChecksums && {
      AWS_REQUEST_CHECKSUM_CALCULATION: "when_required",
      AWS_RESPONSE_CHECKSUM_VALIDATION: "when_required",
    }),
  };
  const call = (args: readonly string[], partSize = WHOLE, stdin?: string) => {
    const s3 = { addressing_style: "path", multipart_threshold: partSize, multipart_chunksize: partSize };
    const lines = Object.entries(s3).map(([key, value]) => `  ${key} = ${value}\n`);
    const AWS_CONFIG_FILE = scene.write(`aws-${partSize}.conf`, `[default]\ns3 =\n${lines.join("")}`);
    const command = [...program, `--endpoint-url=${place.endpoint}`, ...args];
    return succeed(command, { env: { ...env, AWS_CONFIG_FILE }, ...(stdin === undefined ? {} : { stdin }) });
  };
  const cp = async (from: string, to: string, partSize?: number) =>
    void (await call(["s3", "cp", "--only-show-errors", from, to], partSize));
  const api = async (operation: string, ...args: string[]): Promise<unknown> => {
    const answer = await call(["s3api", operation, `--bucket=${place.bucket}`, "--output=json", ...args]);
    return JSON.parse(answer.toString() || "{}");
  };
  const url = (key: string) => `s3://${place.bucket}/${key}`;
  return {
    name,
    put: (file, key) => cp(file, url(key)),
    putStream: async (file, key) => void (await call(["s3", "cp", "-", url(key)], WHOLE, file)),
    multipart: (file, key, partSize) => cp(file, url(key), partSize),
    get: (key, file) => cp(url(key), file),
    getRange: async (key, first, last) => {
      const file = scene.path(`range-${crypto.randomUUID()}`);
      await api("get-object", `--key=${key}`, `--range=bytes=${first}-${last}`, file);
      return Bun.file(file).bytes();
    },
    parallelGet: (key, file, partSize) => cp(url(key), file, partSize),
    list: async (prefix) => {
      const found = await api("list-objects-v2", `--prefix=${prefix}`);
      const { Contents = [] } = found as { Contents?: { Key: string; Size: number }[] };
      return Contents.map(({ Key, Size }) => ({ key: Key, size: Size }));
    },
    head: async (key) => {
      const answer = await api("head-object", `--key=${key}`);
      const { ContentLength, ETag } = answer as { ContentLength: number; ETag: string };
      return { size: ContentLength, etag: JSON.parse(ETag) as string };
    },
    copy: (from, to) => cp(url(from), url(to)),
    delete: async (key) => void (await call(["s3", "rm", url(key)])),
  };
}
