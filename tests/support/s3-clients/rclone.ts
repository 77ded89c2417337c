/** rclone as Debian has it, with its S3 backend for storages of no name. It compares checksums itself. */
import { rmSync } from "node:fs";
import type { Scene } from "../scene.ts";
import { type S3Client, type S3Place, succeed } from "./client.ts";

export function openRclone(scene: Scene, place: S3Place): S3Client {
  const settings = {
    type: "s3",
    provider: "Other",
    access_key_id: place.access,
    secret_access_key: place.secret,
    endpoint: place.endpoint,
    region: place.region,
    force_path_style: "true",
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  const config = scene.write(`rclone-${crypto.randomUUID()}.conf`, `[s3]\n${lines.join("")}`);
  const flags = [`--config=${config}`, `--cache-dir=${scene.mkdir("rclone-cache")}`, "--retries=1"];
  if (place.ca !== undefined) flags.push(`--ca-cert=${place.ca}`);
  const call = (args: readonly string[], stdin?: string) =>
    succeed(["rclone", ...flags, ...args], stdin === undefined ? {} : { stdin });
  const path = (key: string) => `s3:${place.bucket}/${key}`;
  /** A file that is the same already would not be fetched. */
  const fetchTo = async (file: string, args: readonly string[]) => {
    rmSync(file, { force: true });
    await call(["copyto", ...args, file]);
  };
  return {
    name: "rclone",
    put: async (file, key) => void (await call(["copyto", file, path(key)])),
    putStream: async (file, key) => void (await call(["rcat", "--streaming-upload-cutoff=0", path(key)], file)),
    multipart: async (file, key, size) =>
      void (await call(["copyto", `--s3-upload-cutoff=${size}B`, `--s3-chunk-size=${size}B`, file, path(key)])),
    get: (key, file) => fetchTo(file, ["--multi-thread-streams=0", path(key)]),
    getRange: (key, first, last) => call(["cat", `--offset=${first}`, `--count=${last - first + 1}`, path(key)]),
    parallelGet: (key, file, size) =>
      fetchTo(file, ["--multi-thread-streams=4", `--multi-thread-cutoff=${size}B`, path(key)]),
    list: async (prefix) => {
      const text = (await call(["lsjson", "--recursive", "--files-only", path("")])).toString();
      const all = JSON.parse(text) as { Path: string; Size: number }[];
      return all.filter(({ Path }) => Path.startsWith(prefix)).map(({ Path, Size }) => ({ key: Path, size: Size }));
    },
    head: async (key) => {
      const text = (await call(["lsjson", "--stat", path(key)])).toString();
      const { Size, IsDir } = JSON.parse(text) as { Size: number; IsDir: boolean };
      // What is not there counts as a folder.
      if (IsDir) throw new Error(`no object ${key}`);
      return { size: Size };
    },
    copy: async (from, to) => void (await call(["copyto", path(from), path(to)])),
    delete: async (key) => void (await call(["deletefile", path(key)])),
  };
}
