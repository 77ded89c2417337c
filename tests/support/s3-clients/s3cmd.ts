/** s3cmd as Debian has it. It compares each ETag with the MD5 of what it sent. */
import type { Scene } from "../scene.ts";
import { type S3Client, type S3Place, succeed } from "./client.ts";

const MIB = 1 << 20;

export function openS3cmd(scene: Scene, place: S3Place): S3Client {
  const { host, protocol } = new URL(place.endpoint);
  const settings = {
    access_key: place.access,
    secret_key: place.secret,
    bucket_location: place.region,
    host_base: host,
    host_bucket: host,
    use_https: protocol === "https:" ? "True" : "False",
    ...(place.ca && { ca_certs_file: place.ca }),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  const file = scene.write(`s3cmd-${crypto.randomUUID()}.cfg`, `[default]\n${lines.join("")}`);
  const call = (args: readonly string[], stdin?: string) =>
    succeed(["s3cmd", `--config=${file}`, "--no-progress", ...args], stdin === undefined ? {} : { stdin });
  const url = (key: string) => `s3://${place.bucket}/${key}`;
  return {
    name: "s3cmd",
    put: async (from, key) => void (await call(["put", "--disable-multipart", from, url(key)])),
    putStream: async (from, key) => void (await call(["put", "-", url(key)], from)),
    multipart: async (from, key, size) =>
      void (await call(["put", `--multipart-chunk-size-mb=${size / MIB}`, from, url(key)])),
    get: async (key, to) => void (await call(["get", "--force", url(key), to])),
    list: async (prefix) => {
      const text = (await call(["ls", "--recursive", url(prefix)])).toString();
      return [...text.matchAll(/^\S+ \S+ +(\d+) +(s3:\S+)$/gm)].map(([, size, full]) => ({
        key: full!.slice(url("").length),
        size: Number(size),
      }));
    },
    head: async (key) => {
      const text = (await call(["info", url(key)])).toString();
      const [, size] = /^ +File size: +(\d+)$/m.exec(text) ?? [];
      return { size: Number(size) };
    },
    copy: async (from, to) => void (await call(["cp", url(from), url(to)])),
    delete: async (key) => void (await call(["del", url(key)])),
  };
}
