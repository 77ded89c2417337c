/** Bun's own S3 client, in a Bun of its own. It cannot copy. */
import { resolve } from "node:path";
import type { Scene } from "../scene.ts";
import { rangesOf, type Listed, type S3Client, type S3Place } from "./client.ts";
import { JsonLines } from "./json-lines.ts";

export function openBunS3(scene: Scene, place: S3Place): S3Client {
  const program = resolve(import.meta.dir, "bun-s3.mjs");
  const env: Record<string, string> = place.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.ca };
  const library = new JsonLines(scene, [process.execPath, program, JSON.stringify(place)], env);
  const head = (key: string) => library.ask("head", key) as Promise<{ size: number; etag?: string }>;
  return {
    name: "Bun.S3Client",
    put: async (file, key) => void (await library.ask("put", file, key)),
    putStream: async (file, key) => void (await library.ask("putStream", file, key)),
    multipart: async (file, key, partSize) => void (await library.ask("multipart", file, key, partSize)),
    get: async (key, file) => void (await library.ask("get", key, file)),
    getRange: async (key, first, last) =>
      Buffer.from((await library.ask("getRange", key, first, last)) as string, "base64"),
    parallelGet: async (key, file, partSize) => {
      const { size } = await head(key);
      await library.ask("parallelGet", key, file, rangesOf(size, partSize));
    },
    list: async (prefix) => (await library.ask("list", prefix)) as Listed[],
    head,
    delete: async (key) => void (await library.ask("delete", key)),
    presign: async (method, key, seconds) => (await library.ask("presign", method, key, seconds)) as string,
  };
}
