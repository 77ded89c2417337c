/** Every client that the storage tests drive, as one list. Drives none. */
import type { Scene } from "../scene.ts";
import { openAwsSdk } from "./aws-sdk.ts";
import { openDebianAwscli, openPypiAwscli } from "./awscli.ts";
import { openBunS3 } from "./bun-s3.ts";
import type { S3Client, S3Place } from "./client.ts";
import { openRclone } from "./rclone.ts";
import { openS3cmd } from "./s3cmd.ts";

/** Programs that they need, for `scenario` and `needing`; what is of no Debian package is fetched. */
export const S3_CLIENT_NEEDS = ["node", "python3", "python3:awscli", "python3:pip", "rclone", "s3cmd"];

/** All that speak S3, in one bucket. Fetches those of PyPI and npm where they are not there yet. */
export async function openS3Clients(scene: Scene, place: S3Place): Promise<S3Client[]> {
  const fetched = await Promise.all([openPypiAwscli(scene, place), openAwsSdk(scene, place)]);
  const [pypi, sdk] = fetched;
  return [
    openS3cmd(scene, place),
    openRclone(scene, place),
    openDebianAwscli(scene, place),
    pypi,
    sdk,
    openBunS3(scene, place),
  ];
}
