/** The bucket and the key that a raw path of S3 names, in path style. Normalises nothing: `..` is a part of a key like any other. */
import { decodeUri } from "./sigv4-canonical.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Longest key, in bytes of UTF-8. */
const LONGEST_KEY = 1024;

/** What buckets of S3 and containers of Swift are called in practice. */
const BUCKET = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/;

/** `key` is empty for a bucket alone; or the reason why there is no bucket. `path` is a string of bytes. */
export function pathOf(path: string): { bucket: string; key: string } | string {
  const slash = path.indexOf("/", 1);
  const bucket = decodeUri(path.slice(1, slash === -1 ? undefined : slash));
  if (!path.startsWith("/") || !BUCKET.test(bucket)) return "the path does not begin with the name of a bucket";
  const key = percentDecoded(slash === -1 ? "" : path.slice(slash + 1));
  if (key === undefined) return "the key is not UTF-8";
  return Buffer.byteLength(key) > LONGEST_KEY ? "the key is too long" : { bucket, key };
}

/** Text from percent-encoded UTF-8; undefined where it is none. */
export function percentDecoded(text: string): string | undefined {
  return decodeUtf8(Buffer.from(decodeUri(text), "latin1"));
}
