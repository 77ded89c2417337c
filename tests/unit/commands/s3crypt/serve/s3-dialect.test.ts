/** What requests of S3 mean to the proxy, once they are signed; what could carry an object past the cipher is refused. */
import { describe, expect, test } from "bun:test";
import type { Asked } from "../../../../../commands/s3crypt/serve/dialect.ts";
import { S3Dialect } from "../../../../../commands/s3crypt/serve/s3-dialect.ts";
import { S3Trouble } from "../../../../../commands/s3crypt/serve/s3-trouble.ts";
import { NATIVE_SHA256 } from "../../../../../commands/s3crypt/sha256.ts";
import { Secret } from "../../../../../lib/identity/secret.ts";
import type { Field } from "../../../../../lib/wire/http-forward.ts";
import { presign, signHeaders } from "../../../../../lib/wire/sigv4.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);
const MINUTE = 60_000;
const SETTINGS = {
  accessKeyId: "ID",
  region: "r",
  secret: Secret.ofText("s"),
  bypass: false,
  listen: [],
  listSizes: "exact",
  multipart: "deny",
  warnings: [],
} as const;
const CREDENTIALS = { accessKeyId: "ID", region: "r", secretAccessKey: "s" };

const dialect = new S3Dialect(SETTINGS, "s", {}, () => NOW);

interface Order {
  headers?: readonly Field[];
  payload?: string;
  root?: Asked["root"];
  base?: string;
  length?: number;
}

/** A request that is signed as it is written. */
function asked(
  method: string,
  target: string,
  { headers = [], payload, root = "/", base = "/", length = 0 }: Order = {},
): Asked {
  const [rest = "", query] = target.split("?", 2);
  const sized: readonly Field[] = length > 0 ? [["Content-Length", String(length)]] : [];
  const bare = {
    method,
    path: root + rest,
    query: query ?? "",
    headers: [["Host", "h"] as const, ...headers, ...sized],
  };
  const { head } = signHeaders(bare, CREDENTIALS, { date: NOW, payload: payload ?? "UNSIGNED-PAYLOAD" }, NATIVE_SHA256);
  return { ...head, path: base + rest, rest, root, isForStorage: true, hasQuery: query !== undefined, length };
}

const told = (method: string, target: string, order?: Order) => {
  const action = dialect.classify(asked(method, target, order));
  const code = action.kind === "refuse" && action.trouble instanceof S3Trouble ? action.trouble.s3Code : action.kind;
  return [code, action.operation, action.bucket, action.key];
};

test.each([
  ["GET", "b/a/k%20x", "read", "GetObject", "b", "a/k x"],
  ["HEAD", "b/k?versionId=3", "head", "HeadObject", "b", "k"],
  ["PUT", "b/k", "store", "PutObject", "b", "k"],
  ["DELETE", "b/k", "pass", "DeleteObject", "b", "k"],
  ["GET", "", "pass", "ListBuckets", undefined, undefined],
  ["HEAD", "b", "pass", "HeadBucket", "b", undefined],
  ["GET", "b?list-type=2&prefix=a", "own", "ListObjectsV2", "b", undefined],
  ["GET", "b/", "own", "ListObjects", "b", undefined],
  ["GET", "b?versions", "own", "ListObjectVersions", "b", undefined],
  ["PUT", "b", "own", "CreateBucket", "b", undefined],
  ["PUT", "b?policy", "own", "PutBucketPolicy", "b", undefined],
  ["GET", "b?policy", "pass", "GetBucketPolicy", "b", undefined],
  ["PUT", "b/k?tagging", "own", "PutObjectTagging", "b", "k"],
  ["POST", "b?delete", "own", "DeleteObjects", "b", undefined],
  ["GET", "b/k?attributes", "own", "GetObjectAttributes", "b", "k"],
  ["GET", "b/k?partNumber=1", "read", "GetObject", "b", "k"],
  ["HEAD", "b/k?partNumber=2", "head", "HeadObject", "b", "k"],
  ["POST", "b/k?uploads", "NotImplemented", "CreateMultipartUpload", "b", "k"],
  ["PUT", "b/k?partNumber=1&uploadId=u", "NotImplemented", "UploadPart", "b", "k"],
  ["POST", "b/k?uploadId=u", "NotImplemented", "CompleteMultipartUpload", "b", "k"],
  ["GET", "b?uploads", "NotImplemented", "ListMultipartUploads", "b", undefined],
  ["POST", "b", "NotImplemented", "PostObject", undefined, undefined],
  ["PUT", "b/k?append", "NotImplemented", "unknown", undefined, undefined],
  ["POST", "b/k?select&select-type=2", "NotImplemented", "unknown", undefined, undefined],
])("%s %s", (method, target, ...expected) => {
  expect(told(method, target)).toEqual(expected as never);
});

test("a copy names what it reads, for a policy to allow as well", () => {
  const headers: Field[] = [["x-amz-copy-source", "/other/a%20b?versionId=1"]];
  expect(dialect.classify(asked("PUT", "b/k", { headers }))).toMatchObject({
    kind: "own",
    operation: "CopyObject",
    reads: { operation: "GetObject", bucket: "other", key: "a b" },
  });
  const dotted: Field[] = [["x-amz-copy-source", "other/../secret"]];
  expect(dialect.classify(asked("PUT", "b/k", { headers: dotted })).reads).toEqual({ operation: "GetObject" });
});

test("behind a path of the storage's own, buckets are what the storage sees", () => {
  const headers: Field[] = [["x-amz-copy-source", "a/b"]];
  expect(dialect.classify(asked("PUT", "k", { base: "/jail/", headers }))).toMatchObject({
    bucket: "jail",
    key: "k",
    reads: { bucket: "jail", key: "a/b" },
  });
});

test.each(["b/../k", "b/%2e%2e/k", "b/x%2f..%2fk", "b/..\\k"])("what %s is about cannot be told", (target) => {
  expect(told("GET", target).slice(2)).toEqual([undefined, undefined]);
});

describe("uploads", () => {
  const store = (order: Order) => {
    const action = dialect.classify(asked("PUT", "b/k", { length: 5, ...order }));
    return action.kind === "refuse" && action.trouble instanceof S3Trouble ? action.trouble.s3Code : action;
  };

  test("are held against the hash that was signed, and against all checksums", () => {
    const payload = "ab".repeat(32);
    const headers: Field[] = [
      ["Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="],
      ["x-amz-checksum-crc32", "AAAAAA=="],
    ];
    const action = store({ payload, headers });
    expect(action).toMatchObject({
      kind: "store",
      length: 5,
      claims: [
        { name: "MD5", wrong: { s3Code: "BadDigest" } },
        { name: "CRC32", wrong: { s3Code: "BadDigest" } },
        { name: "SHA256", value: new Uint8Array(32).fill(0xab), wrong: { s3Code: "XAmzContentSHA256Mismatch" } },
      ],
    });
    expect((action as { decode?: unknown }).decode).toBeUndefined();
  });

  test("in chunks have the length of what is in them, and announce their checksums", () => {
    const headers: Field[] = [
      ["x-amz-decoded-content-length", "1"],
      ["x-amz-trailer", "x-amz-checksum-crc32c"],
    ];
    const action = store({ payload: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", headers });
    expect(action).toMatchObject({ kind: "store", length: 1, announced: ["CRC32C"], claims: [] });
  });

  test.each<[string, Order, string]>([
    ["a checksum that nobody can compute", { headers: [["x-amz-checksum-md9", "AA=="]] }, "InvalidDigest"],
    ["a checksum that is none", { headers: [["Content-MD5", "x"]] }, "InvalidDigest"],
    ["frames that were not signed as such", { headers: [["Content-Encoding", "aws-chunked"]] }, "InvalidRequest"],
    ["chunks without a length", { payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" }, "InvalidRequest"],
    ["a trailer without chunks", { headers: [["x-amz-trailer", "x-amz-checksum-crc32"]] }, "InvalidRequest"],
  ])("%s is refused", (_, order, code) => {
    expect(store(order)).toBe(code as never);
  });

  test("with If-Match are looked after, but for *", () => {
    expect(store({ headers: [["If-Match", '"a"']] })).toMatchObject({ kind: "own", operation: "PutObject" });
    expect(store({ headers: [["If-Match", "*"]] })).toMatchObject({ kind: "store" });
  });
});

describe("who asks", () => {
  const code = (request: Asked, by = dialect) => {
    const action = by.classify(request);
    return action.kind === "refuse" && action.trouble instanceof S3Trouble ? action.trouble.s3Code : action.kind;
  };

  test("has signed the path that it asks for, not the storage's", () => {
    expect(code(asked("GET", "b/k", { root: "/upstream/", base: "/jail/" }))).toBe("read");
    expect(code({ ...asked("GET", "b/k", { root: "/upstream/" }), root: "/" })).toBe("SignatureDoesNotMatch");
  });

  test("is another once the secret is another", () => {
    const other = new S3Dialect(SETTINGS, "s", {}, () => NOW);
    other.use({ s3Secret: "t" } as never);
    expect(code(asked("GET", "b/k"), other)).toBe("SignatureDoesNotMatch");
    other.use({ s3Secret: "s" } as never);
    expect(code(asked("GET", "b/k"), other)).toBe("read");
  });

  test("is anybody where signatures are not checked", () => {
    const open = new S3Dialect({ ...SETTINGS, bypass: true }, "s", {}, () => NOW);
    const bare = { ...asked("PUT", "b/k"), headers: [["Host", "h"]] } as Asked;
    expect(code(bare, open)).toBe("store");
    const signing: Field[] = [
      ["x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"],
      ["x-amz-decoded-content-length", "1"],
    ];
    const action = open.classify({ ...bare, headers: [...bare.headers, ...signing] });
    const decoder = (action as { decode: () => { push: (bytes: Uint8Array, take: () => void) => unknown } }).decode();
    const chunk = `1;chunk-signature=${"0".repeat(64)}\r\na\r\n0;chunk-signature=${"0".repeat(64)}\r\n\r\n`;
    expect(decoder.push(Buffer.from(chunk), () => {})).toBeUndefined();
  });

  test("asks for parts where there is somebody for them", () => {
    const seen: string[] = [];
    const answer = async () => {};
    const multipart = (_: Asked, request: { operation: string }) => {
      seen.push(request.operation);
      return request.operation === "UploadPart"
        ? ({ kind: "own", operation: "UploadPart", answer } as const)
        : undefined;
    };
    const dealing = new S3Dialect(SETTINGS, "s", { multipart }, () => NOW);
    expect(code(asked("PUT", "b/k?partNumber=1&uploadId=u"), dealing)).toBe("own");
    expect(code(asked("GET", "b/k"), dealing)).toBe("read");
    expect(code({ ...asked("GET", "b/k"), headers: [["Host", "h"]] }, dealing)).toBe("AccessDenied");
    expect(seen).toEqual(["UploadPart", "GetObject"]);
  });
});

describe("the right of a presigned URL", () => {
  const bare = { method: "PUT", path: "/b/k", query: "", headers: [["Host", "h"]] } as const;
  const { query } = presign(bare, CREDENTIALS, { date: NOW, expires: 90 }, NATIVE_SHA256);
  const expiry = (text: string) => dialect.expiryOf({ ...asked("PUT", "b/k"), query: text });

  test("ends when nobody takes it any more", () => {
    expect(expiry(query)).toBe(NOW + 90_000 + 15 * MINUTE);
    expect(expiry(query.toLowerCase().replace(/x-amz-date=[^&]*/, "x-amz-date=20260102T030405Z"))).toBe(
      NOW + 90_000 + 15 * MINUTE,
    );
    expect(expiry("X-Amz-Expires=soon")).toBe(Infinity);
    expect(expiry("x-amz-acl=private")).toBeUndefined();
  });

  test("ends just then", () => {
    const at = (ms: number) => {
      const later = new S3Dialect(SETTINGS, "s", {}, () => ms);
      const signed = { ...asked("PUT", "b/k"), query, hasQuery: true, headers: bare.headers } as Asked;
      return later.classify(signed).kind;
    };
    expect(at(NOW + 90_000 + 15 * MINUTE)).toBe("store");
    expect(at(NOW + 90_000 + 15 * MINUTE + 1)).toBe("refuse");
  });
});

test("the tag of an object whose MD5 is not known is none of an MD5", () => {
  expect(dialect.tagFrom('"0123"')).toBe('"0123-1"');
  for (const text of ["", "0123", 'W/"0123"', '"a"b"']) expect(dialect.tagFrom(text)).toBeUndefined();
});
