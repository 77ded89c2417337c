/** The AWS SDK for JavaScript, version 3, under Node: buffers, streams and the multipart uploads of lib-storage. */
import { resolve } from "node:path";
import { npmLibrary } from "../npm-library.ts";
import type { Scene } from "../scene.ts";
import { rangesOf, type Listed, type S3Client, type S3Place } from "./client.ts";
import { JsonLines } from "./json-lines.ts";

const VERSION = "3.1169.0";
const PACKAGES = {
  "@aws-sdk/client-s3": VERSION,
  "@aws-sdk/lib-storage": VERSION,
  "@aws-sdk/s3-request-presigner": VERSION,
};

export interface AwsSdk extends S3Client {
  /**
   * Any command of the SDK for the bucket, as `send("UploadPart", {Key, UploadId, PartNumber, BodyBase64})`; rejects with a
   * `LibraryError`. `BodyBase64` is the body of a request, and of GetObject's answer.
   */
  send(command: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
}

/** Installs it where it is not there yet. */
export async function openAwsSdk(scene: Scene, place: S3Place): Promise<Required<S3Client> & AwsSdk> {
  const folder = await npmLibrary(PACKAGES);
  const program = resolve(import.meta.dir, "aws-sdk.mjs");
  const env: Record<string, string> = place.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.ca };
  const library = new JsonLines(scene, ["node", program, folder, JSON.stringify(place)], env);
  const head = (key: string) => library.ask("head", key) as Promise<{ size: number; etag?: string }>;
  return {
    name: "aws-sdk-js",
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
    copy: async (from, to) => void (await library.ask("copy", from, to)),
    delete: async (key) => void (await library.ask("delete", key)),
    presign: async (method, key, seconds) => (await library.ask("presign", method, key, seconds)) as string,
    send: async (command, input) => (await library.ask("send", command, input)) as Record<string, unknown>,
  };
}
