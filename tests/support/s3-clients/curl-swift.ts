/** curl with Swift's own protocol: with a token, or with nothing but temporary URLs. */
import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import type { Scene } from "../scene.ts";
import type { Swift } from "../swift.ts";
import { rangesOf, type S3Client, succeed } from "./client.ts";

/** Where curl is sent. */
export interface SwiftPlace {
  swift: Swift;
  /** A URL that stands for Swift's own root: what follows it begins with `/v1/`. */
  root: string;
  bucket: string;
  ca?: string;
}

/** Seconds for which a temporary URL is good. */
const VALID = 3600;

type Url = (method: string, key: string) => string[];

/** With the token of the account's administrator. Large objects are static ones, whose parts lie in the container `BUCKET-parts`. */
export function openCurlToken(scene: Scene, place: SwiftPlace): Omit<Required<S3Client>, "presign"> {
  const { swift, bucket } = place;
  const account = place.root + swift.storage;
  const address = (container: string, key: string) => `${account}/${container}/${encodeURI(key)}`;
  const token = async () => ["--header", `X-Auth-Token: ${await swift.token()}`];
  const call = async (args: readonly string[], stdin?: string) => curl(place, [...(await token()), ...args], stdin);
  const plain = operations(scene, place, async (_, key) => [...(await token()), address(bucket, key)]);
  return {
    name: "curl with a token",
    ...plain,
    multipart: async (file, key, partSize) => {
      const parts = `${bucket}-parts`;
      await call(["--request", "PUT", "--data", "", `${account}/${parts}`]);
      const bytes = Bun.file(file);
      const manifest = await Promise.all(
        rangesOf(bytes.size, partSize).map(async ([first, last], i) => {
          const name = `${key}/${String(i).padStart(6, "0")}`;
          const part = await bytes.slice(first, last + 1).bytes();
          const path = scene.write(`part-${crypto.randomUUID()}`, part);
          await call(["--upload-file", path, address(parts, name)]);
          rmSync(path);
          const etag = createHash("md5").update(part).digest("hex");
          return { path: `/${parts}/${name}`, etag, size_bytes: part.length };
        }),
      );
      const list = scene.write(`manifest-${crypto.randomUUID()}`, JSON.stringify(manifest));
      await call(["--request", "PUT", "--data-binary", `@${list}`, `${address(bucket, key)}?multipart-manifest=put`]);
    },
    list: async (prefix) => {
      const query = new URLSearchParams({ format: "json", prefix });
      const found = JSON.parse((await call([`${account}/${bucket}?${query}`])).toString()) as object[];
      return (found as { name: string; bytes: number }[]).map(({ name, bytes }) => ({ key: name, size: bytes }));
    },
    copy: async (from, to) =>
      void (await call(["--request", "COPY", "--header", `Destination: ${bucket}/${to}`, address(bucket, from)])),
  };
}

/** With a fresh temporary URL for each request, which is good for its own method and object only. */
export function openCurlTempUrl(scene: Scene, place: SwiftPlace): S3Client {
  const expires = Math.floor(Date.now() / 1000) + VALID;
  const url = (method: string, key: string) => {
    const path = `${place.swift.storage}/${place.bucket}/${key}`;
    return `${place.root}${encodeURI(path)}?${place.swift.tempUrlQuery(method, path, expires)}`;
  };
  const signed: Url = (method, key) => [url(method, key)];
  return {
    name: "curl with temporary URLs",
    ...operations(scene, place, signed),
    presign: async (method, key) => url(method, key),
  };
}

/** What can be done with one object's URL; `reach` says by which arguments it is reached. */
function operations(
  scene: Scene,
  place: SwiftPlace,
  reach: (...asked: Parameters<Url>) => string[] | Promise<string[]>,
) {
  const call = async (method: string, key: string, args: readonly string[], stdin?: string) =>
    curl(place, [...args, ...(await reach(method, key))], stdin);
  const range = (first: number, last: number) => ["--range", `${first}-${last}`];
  return {
    put: async (file: string, key: string) => void (await call("PUT", key, ["--upload-file", file])),
    putStream: async (file: string, key: string) => void (await call("PUT", key, ["--upload-file", "-"], file)),
    get: async (key: string, file: string) => void (await call("GET", key, ["--output", file])),
    getRange: (key: string, first: number, last: number) => call("GET", key, range(first, last)),
    parallelGet: async (key: string, file: string, partSize: number) => {
      const { size } = await head(key);
      const reached = await reach("GET", key);
      const parts = rangesOf(size, partSize).map(([first, last]) => ({
        first,
        last,
        path: scene.path(`range-${crypto.randomUUID()}`),
      }));
      const each = parts.flatMap(({ first, last, path }, i) => [
        ...(i === 0 ? [] : ["--next", ...COMMON, ...authority(place)]),
        ...range(first, last),
        "--output",
        path,
        ...reached,
      ]);
      await curl(place, ["--parallel", "--parallel-max", "4", ...each]);
      const writer = Bun.file(file).writer();
      for (const { path } of parts) {
        writer.write(await Bun.file(path).bytes());
        await writer.flush();
        rmSync(path);
      }
      await writer.end();
    },
    head,
    delete: async (key: string) => void (await call("DELETE", key, ["--request", "DELETE"])),
  };

  async function head(key: string) {
    const text = (await call("HEAD", key, ["--head"])).toString();
    const field = (name: string) => new Map(headers(text)).get(name);
    const etag = field("etag")?.replaceAll('"', "");
    return { size: Number(field("content-length") ?? NaN), ...(etag === undefined ? {} : { etag }) };
  }
}

const COMMON = ["--silent", "--show-error", "--fail-with-body", "--noproxy", "*"];

function authority({ ca }: SwiftPlace): string[] {
  return ca === undefined ? [] : ["--cacert", ca];
}

function curl(place: SwiftPlace, args: readonly string[], stdin?: string): Promise<Buffer> {
  const command = ["curl", "-q", ...COMMON, ...authority(place), ...args];
  return succeed(command, stdin === undefined ? {} : { stdin });
}

function headers(text: string): [string, string][] {
  return text.split("\r\n").flatMap((line) => {
    const colon = line.indexOf(": ");
    return colon < 0 ? [] : [[line.slice(0, colon).toLowerCase(), line.slice(colon + 2)]];
  });
}
