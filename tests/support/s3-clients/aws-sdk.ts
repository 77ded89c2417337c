/** The AWS SDK for JavaScript, version 3, under Node: buffers, streams and the multipart uploads of lib-storage. */
import { resolve } from "node:path";
import { npmLibrary } from "../npm-library.ts";
import type { Scene } from "../scene.ts";
import type { S3Client, S3Place } from "./client.ts";
import { libraryClient, openLibrary } from "./library.ts";

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
  const library = openLibrary(scene, ["node", program, folder], place);
  return {
    ...libraryClient("aws-sdk-js", library),
    copy: async (from, to) => void (await library.ask("copy", from, to)),
    send: async (command, input) => (await library.ask("send", command, input)) as Record<string, unknown>,
  };
}
