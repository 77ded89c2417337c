/** What the clients that are libraries for JavaScript have in common: the operations that json-lines.mjs programs know by the same names. */
import type { Scene } from "../scene.ts";
import { rangesOf, type Listed, type S3Client, type S3Place } from "./client.ts";
import { JsonLines } from "./json-lines.ts";

/** All but the copy. */
export type LibraryClient = Required<Omit<S3Client, "copy">>;

/** `command` is run with `place` as its last argument. */
export function openLibrary(scene: Scene, command: readonly string[], place: S3Place): JsonLines {
  const env: Record<string, string> = place.ca === undefined ? {} : { NODE_EXTRA_CA_CERTS: place.ca };
  return new JsonLines(scene, [...command, JSON.stringify(place)], env);
}

export function libraryClient(name: string, library: JsonLines): LibraryClient {
  const head = (key: string) => library.ask("head", key) as Promise<{ size: number; etag?: string }>;
  return {
    name,
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
