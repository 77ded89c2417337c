/** Plain mode: OpenStack Swift, and any storage that takes PUT and GET. Whoever asks proves it to the storage (tokens, TempURL). */
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { percentDecoded } from "../../../lib/wire/s3-path.ts";
import { CHECKSUMS, parseChecksum } from "../checksums.ts";
import type { Action, Asked, Dialect, Meant, Store, Subject } from "./dialect.ts";
import { hasDots } from "./dots.ts";
import { queryExpiry } from "./expiry.ts";
import { Sizes } from "./s3-sizes.ts";
import { listContainer } from "./swift-list.ts";
import { Trouble } from "./trouble.ts";

export class PlainDialect implements Dialect {
  readonly name = "plain";
  readonly factsField = "x-object-meta-s3crypt";
  readonly #sizes: Sizes | undefined;

  /** `listSizes`: those of listings are of the plaintext, or raw. */
  constructor(listSizes: "exact" | "raw" = "raw") {
    this.#sizes = listSizes === "exact" ? new Sizes() : undefined;
  }

  classify(asked: Asked): Action {
    const place = placeOf(asked.path);
    const subject = subjectOf(asked, place);
    const refuse = (message: string): Action => ({
      ...subject,
      kind: "refuse",
      trouble: new Trouble("unsupported", message),
    });
    switch (asked.method) {
      case "GET":
      case "HEAD":
        if (asked.length !== 0) return refuse("a GET or HEAD has no content here");
        if (place.level !== "object") return { ...subject, ...this.#listing(asked, place) };
        return { ...subject, kind: asked.method === "GET" ? "read" : "head" };
      case "PUT":
        return { ...subject, ...putOf(asked, place, refuse) };
      case "POST":
        return { ...subject, ...postOf(asked, refuse) };
      case "DELETE":
        return { ...subject, kind: "pass", content: true };
      case "COPY":
      case "OPTIONS":
        return asked.length === 0 ? { ...subject, kind: "pass", content: false } : refuse("it has no content here");
      default:
        return refuse("this method could carry the bytes of an object");
    }
  }

  #listing({ method, path }: Asked, { level }: Place): Meant {
    const sizes = this.#sizes;
    if (sizes === undefined || method !== "GET" || level !== "container" || !SWIFT.test(path))
      return { kind: "pass", content: false };
    return { kind: "own", answer: (x) => listContainer(x, sizes) };
  }

  isOurs(lower: string): boolean {
    return lower === this.factsField;
  }

  outgoing(head: RequestHead): RequestHead {
    return head;
  }

  expiryOf({ query }: Asked): number | undefined {
    return queryExpiry(query);
  }
}

/** The path of an account. */
const SWIFT = /^\/v1(?:\.0)?\/[^/]*/;

type Refuse = (message: string) => Action;

function putOf(asked: Asked, { level }: Place, refuse: Refuse): Action | Store | { kind: "pass"; content: false } {
  if (parameter(asked, "extract-archive") !== undefined)
    return refuse("archives would be unpacked by the storage, unencrypted");
  if (level !== "object")
    return asked.length === 0 ? { kind: "pass", content: false } : refuse("a container has no content");
  // Of encrypted segments the storage would make an object that is not one.
  if (parameter(asked, "multipart-manifest") !== undefined || value(asked, "x-object-manifest") !== undefined)
    return refuse("large objects of segments are not there yet: upload it as one");
  const empty = asked.length === 0;
  if (empty && (value(asked, "x-copy-from") ?? value(asked, "x-symlink-target")) !== undefined)
    return { kind: "pass", content: false };
  if (value(asked, "x-copy-from") !== undefined) return refuse("a copy has no content");
  const claims = claimsOf(asked.headers);
  if (claims instanceof Trouble) return { operation: "PutObject", kind: "refuse", trouble: claims };
  return { kind: "store", length: asked.length, claims };
}

function postOf(asked: Asked, refuse: Refuse): Action | { kind: "pass"; content: boolean } {
  if (value(asked, "x-object-manifest") !== undefined) return refuse("large objects of segments are not there yet");
  if (parameter(asked, "bulk-delete") !== undefined && parameter(asked, "extract-archive") === undefined)
    return { kind: "pass", content: true };
  return asked.length === 0
    ? { kind: "pass", content: false }
    : refuse("uploads by form would be stored unencrypted: use PUT");
}

/** Swift holds ETag, in hex, and some servers Content-MD5 against what they get: that is ciphertext, so that we do it. */
function claimsOf(fields: readonly Field[]): Store["claims"] | Trouble {
  const claims: Store["claims"][number][] = [];
  for (const [name, text] of fields) {
    const lower = name.toLowerCase();
    if (lower === CHECKSUMS.MD5.header) {
      const md5 = parseChecksum("MD5", text);
      if (md5 === undefined) return new Trouble("bad_digest", "Content-MD5 is not the base64 of an MD5");
      claims.push({ name: "MD5", value: md5, wrong: new Trouble("bad_digest", "the content is not that of its MD5") });
    } else if (lower === "etag") {
      const [, hex] = /^"?([0-9a-f]{32})"?$/i.exec(text) ?? [];
      if (hex === undefined) return new Trouble("wrong_etag", "the ETag is not an MD5");
      const wrong = new Trouble("wrong_etag", "the content is not that of its ETag");
      claims.push({ name: "MD5", value: Uint8Array.from(Buffer.from(hex, "hex")), wrong });
    }
  }
  return claims;
}

interface Place {
  readonly level: "account" | "container" | "object";
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}

/**
 * `/v1/ACCOUNT/CONTAINER/OBJECT` of Swift; of another storage the first segment counts as the container. Swift decodes a
 * path before it takes it apart, others after: where the two are not one place, it counts as an object without a name.
 */
function placeOf(path: string): Place {
  const { account, ...place } = partsOf(path, percentDecoded);
  const decoded = percentDecoded(path);
  const again = decoded === undefined ? undefined : partsOf(decoded, (text) => text);
  if (again === undefined || again.level !== place.level || again.account !== account) return { level: "object" };
  if (again.bucket !== place.bucket || again.key !== place.key) return { level: "object" };
  // Where a storage resolves dots, what it means cannot be told from here: a policy that asks gets no answer.
  return hasDots(path) ? { level: place.level } : place;
}

function partsOf(path: string, decode: (text: string) => string | undefined): Place & { account: string | undefined } {
  const swift = SWIFT.exec(path)?.[0];
  const account = swift === undefined ? undefined : decode(swift);
  const rest = path.slice((swift ?? "").length + 1);
  const slash = rest.indexOf("/");
  const name = slash === -1 ? rest : rest.slice(0, slash);
  const key = slash === -1 ? "" : rest.slice(slash + 1);
  const level = rest === "" ? "account" : key === "" && (swift !== undefined || slash !== -1) ? "container" : "object";
  if (level === "account") return { level, account };
  return { level, account, bucket: decode(name), key: key === "" ? undefined : decode(key) };
}

const OPERATIONS: Readonly<Record<string, readonly [object: string, container: string]>> = {
  GET: ["GetObject", "ListObjects"],
  HEAD: ["HeadObject", "HeadBucket"],
  PUT: ["PutObject", "CreateBucket"],
  POST: ["PostObject", "PostBucket"],
  DELETE: ["DeleteObject", "DeleteBucket"],
  COPY: ["CopyObject", "CopyObject"],
  OPTIONS: ["Options", "Options"],
};

function subjectOf(asked: Asked, { level, bucket, key }: Place): Subject {
  const names = OPERATIONS[asked.method];
  // A symbolic link gives away what it leads to as a copy does.
  const copies =
    asked.method === "PUT" && (value(asked, "x-copy-from") ?? value(asked, "x-symlink-target")) !== undefined;
  const own = names?.[level === "object" ? 0 : 1] ?? asked.method;
  return { operation: copies ? "CopyObject" : own, bucket, key };
}

/** Servers behind CGI's names take an underscore for a hyphen. */
function value({ headers }: Asked, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase().replaceAll("_", "-") === name)?.[1];
}

/** Of the query, decoded; the storage decodes names as well, so that they are no place to hide. */
function parameter({ query }: Asked, name: string): string | undefined {
  for (const each of query.split(/[&;]/)) {
    const equals = each.indexOf("=");
    const key = percentDecoded((equals === -1 ? each : each.slice(0, equals)).replaceAll("+", " "));
    if (key?.toLowerCase() !== name) continue;
    return equals === -1 ? "" : (percentDecoded(each.slice(equals + 1).replaceAll("+", " ")) ?? "");
  }
  return undefined;
}
