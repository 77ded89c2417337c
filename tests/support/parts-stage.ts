/** Objects of two parts by way of the proxy in S3 mode, and what of them lies in the Swift behind it. Asserts nothing. */
import { createHash } from "node:crypto";
import type { Portail } from "./portail.ts";
import { begin, complete, put } from "./s3-signed.ts";
import { openS3Stage, type S3Stage } from "./s3-stage.ts";
import type { S3Place } from "./s3-clients/client.ts";
import type { Scene } from "./scene.ts";
import type { StorageProxy } from "./storage-proxy.ts";
import { content } from "./web.ts";

export const PART = 5 << 20;
export const FIRST = content(PART);
export const SECOND = content(1000);
export const WHOLE = Buffer.concat([FIRST, SECOND]);

export const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest();
export const tag = (bytes: Uint8Array) => `"${md5(bytes).toString("hex")}"`;

/** What an upload of the two is completed with. */
export const BOTH: readonly [part: number, tag: string][] = [
  [1, tag(FIRST)],
  [2, tag(SECOND)],
];

export interface PartsStage extends S3Stage {
  /** The proxy that uploads, unless another is named. */
  first: { proxy: StorageProxy; place: S3Place };
  /** An upload of the two, not completed: its id. */
  upload(key: string, at?: S3Place): Promise<string>;
  /** The same, completed. */
  store(key: string, at?: S3Place): Promise<void>;
  /** What a listing of Swift's says. */
  names(of: string): Promise<string[]>;
  manifests(): Promise<string[]>;
  /** The name of the manifest that comes of what is made, which is one. */
  manifestOf(make: () => Promise<void>): Promise<string>;
  /** Of an upload or an object, the parts as they lie in Swift. */
  segments(key: string): Promise<Buffer[]>;
}

/** The bucket is `parts`. */
export async function openPartsStage(scene: Scene, portail: Portail): Promise<PartsStage> {
  const stage = await openS3Stage(scene, portail, "parts");
  const first = await stage.proxy();
  const upload = async (key: string, at = first.place) => {
    const id = await begin(at, key);
    for (const [i, part] of [FIRST, SECOND].entries()) done(await put(at, key, id, i + 1, part));
    return id;
  };
  const names = async (of: string) => {
    const { bytes } = await stage.swift.ask("GET", of);
    return Buffer.from(bytes).toString().split("\n").filter(Boolean);
  };
  const manifests = () => names("/parts?prefix=.s3crypt/");
  return {
    ...stage,
    first,
    upload,
    async store(key, at = first.place) {
      const id = await upload(key, at);
      done(await complete(at, key, id, BOTH));
    },
    names,
    manifests,
    async manifestOf(make) {
      const before = new Set(await manifests());
      await make();
      const made = (await manifests()).filter((name) => !before.has(name));
      if (made.length !== 1) throw new Error(`${made.length} manifests were made`);
      return made[0]!;
    },
    async segments(key) {
      return (await names(`/parts+segments?prefix=${key}/`))
        .filter((name) => /\/[0-9]+$/.test(name))
        .map((name) => stage.swift.stored("parts+segments", name));
    },
  };
}

function done({ status, text }: { status: number; text: string }): void {
  if (status !== 200) throw new Error(`${status}: ${text}`);
}
