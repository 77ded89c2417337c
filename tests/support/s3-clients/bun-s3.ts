/** Bun's own S3 client, in a Bun of its own. It cannot copy. */
import { resolve } from "node:path";
import type { Scene } from "../scene.ts";
import type { S3Client, S3Place } from "./client.ts";
import { libraryClient, openLibrary } from "./library.ts";

export function openBunS3(scene: Scene, place: S3Place): S3Client {
  const program = resolve(import.meta.dir, "bun-s3.mjs");
  return libraryClient("Bun.S3Client", openLibrary(scene, [process.execPath, program], place));
}
