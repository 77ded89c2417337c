/** What requests of S3 mean: each operation of its API reference that is known, and what must never pass. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readS3Request, type S3Request } from "../../../../lib/wire/s3-request.ts";
import { SUBRESOURCES } from "../../../../lib/wire/s3-operations.ts";

function read(method: string, target: string, headers: Record<string, string> = {}): S3Request {
  const [path, query = ""] = target.split(/\?(.*)/s, 2) as [string, string?];
  return readS3Request({ method, path, query, headers: Object.entries(headers) });
}

const IN_SMALL_LETTERS = new Set([...SUBRESOURCES].map((name) => name.toLowerCase()));
const OBJECT = { bucket: "b", key: "k" };
const COPY = { "X-Amz-Copy-Source": "/src/a%20b" };

/** Method, target, operation, what the body may be, and other fields. */
const ROWS: [string, string, string, string, object?, Record<string, string>?][] = [
  ["GET", "/", "ListBuckets", "nothing"],
  ["GET", "/?x-id=ListBuckets&max-buckets=2", "ListBuckets", "nothing"],
  ["PUT", "/b/k", "PutObject", "object", OBJECT, { "Content-Length": "5" }],
  ["PUT", "/b/k?x-id=PutObject", "PutObject", "object", OBJECT],
  ["PUT", "/b/k?X-Amz-Algorithm=a&X-Amz-Signature=b", "PutObject", "object", OBJECT],
  ["PUT", "/b/k", "CopyObject", "nothing", { ...OBJECT, source: { bucket: "src", key: "a b" } }, COPY],
  ["GET", "/b/k", "GetObject", "nothing", { ...OBJECT, versionId: undefined, partNumber: undefined }],
  ["GET", "/b/k?versionId=v%2B1&partNumber=3", "GetObject", "nothing", { versionId: "v+1", partNumber: 3 }],
  ["GET", "/b/k?response-content-type=a&t=1", "GetObject", "nothing", OBJECT],
  ["HEAD", "/b/k?partNumber=10000", "HeadObject", "nothing", { ...OBJECT, partNumber: 10_000 }],
  ["DELETE", "/b/k?versionId=7", "DeleteObject", "nothing", { ...OBJECT, versionId: "7" }],
  ["GET", "/b/k?attributes", "GetObjectAttributes", "nothing", OBJECT],
  ["POST", "/b/k?uploads", "CreateMultipartUpload", "nothing", OBJECT, { "content-length": "0" }],
  ["POST", "/b/k?uploads=", "CreateMultipartUpload", "nothing", OBJECT],
  ["PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart", "object", { ...OBJECT, partNumber: 1, uploadId: "u" }],
  [
    "PUT",
    "/b/k?partNumber=1&uploadId=u",
    "UploadPartCopy",
    "nothing",
    { uploadId: "u", source: { bucket: "src", key: "a b" } },
    COPY,
  ],
  [
    "POST",
    "/b/k?uploadId=u",
    "CompleteMultipartUpload",
    "document",
    { ...OBJECT, uploadId: "u" },
    { "content-length": "9" },
  ],
  ["DELETE", "/b/k?uploadId=u", "AbortMultipartUpload", "nothing", { ...OBJECT, uploadId: "u" }],
  ["GET", "/b/k?uploadId=u&max-parts=2&part-number-marker=1", "ListParts", "nothing", { ...OBJECT, uploadId: "u" }],
  ["GET", "/b", "ListObjects", "nothing", { bucket: "b" }],
  ["GET", "/b/?prefix=a&delimiter=%2F&marker=b&max-keys=1&encoding-type=url", "ListObjects", "nothing"],
  ["GET", "/b?list-type=2&prefix=a&start-after=b&continuation-token=c&fetch-owner=true", "ListObjectsV2", "nothing"],
  ["GET", "/b?versions&key-marker=a&version-id-marker=b", "ListObjectVersions", "nothing"],
  ["GET", "/b?uploads", "ListMultipartUploads", "nothing"],
  ["POST", "/b?delete", "DeleteObjects", "document", { bucket: "b" }, { "content-length": "100" }],
];

test.each(ROWS)("%s %s is %s", (method, target, operation, carries, fields = {}, headers = {}) => {
  expect(read(method, target, headers)).toMatchObject({ operation, name: operation, carries, ...fields } as never);
});

test.each([
  ["HEAD", "/b", "HeadBucket", "nothing", undefined],
  ["PUT", "/b", "CreateBucket", "document", undefined],
  ["DELETE", "/b/", "DeleteBucket", "nothing", undefined],
  ["OPTIONS", "/b/k", "OptionsObject", "nothing", "k"],
  ["GET", "/b?location", "GetBucketLocation", "nothing", undefined],
  ["PUT", "/b?acl", "PutBucketAcl", "document", undefined],
  ["PUT", "/b?policy", "PutBucketPolicy", "document", undefined],
  ["PUT", "/b?cors", "PutBucketCors", "document", undefined],
  ["PUT", "/b?lifecycle", "PutBucketLifecycleConfiguration", "document", undefined],
  ["DELETE", "/b?lifecycle", "DeleteBucketLifecycle", "nothing", undefined],
  ["PUT", "/b?versioning", "PutBucketVersioning", "document", undefined],
  ["PUT", "/b?object-lock", "PutObjectLockConfiguration", "document", undefined],
  ["GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration", "nothing", undefined],
  ["PUT", "/b/k?acl", "PutObjectAcl", "document", "k"],
  ["PUT", "/b/k?tagging&versionId=1", "PutObjectTagging", "document", "k"],
  ["DELETE", "/b/k?tagging", "DeleteObjectTagging", "nothing", "k"],
  ["PUT", "/b/k?retention", "PutObjectRetention", "document", "k"],
  ["GET", "/b/k?legal-hold", "GetObjectLegalHold", "nothing", "k"],
  ["POST", "/b/k?restore", "RestoreObject", "document", "k"],
  ["GET", "/b/k?torrent", "GetObjectTorrent", "nothing", "k"],
] as const)("%s %s is passed on untouched, as %s", (method, target, name, carries, key) => {
  expect(read(method, target)).toEqual({ operation: "Untouched", name, carries, bucket: "b", key });
});

const TE = { "Transfer-Encoding": "chunked" };

test.each([
  ["POST", "/b", {}, "uploads by form are not encrypted"],
  ["POST", "/b", { "Content-Type": "multipart/form-data; boundary=a" }, "uploads by form are not encrypted"],
  ["POST", "/b/k", {}, "uploads by form are not encrypted"],
  ["POST", "/WriteGetObjectResponse", {}, "uploads by form are not encrypted"],
  ["POST", "/b/k?select&select-type=2", {}, "there are two sub-resources, select and select-type"],
  ["POST", "/b/k?append&position=0", {}, "there are two sub-resources, append and position"],
  ["PUT", "/b/k?renameObject", {}, "no operation is PUT of an object with ?renameObject"],
  ["PUT", "/b/k?cors", {}, "no operation is PUT of an object with ?cors"],
  ["PUT", "/b/k?uploads", {}, "no operation is PUT of an object with ?uploads"],
  ["PUT", "/b/k?torrent", {}, "no operation is PUT of an object with ?torrent"],
  ["PUT", "/b?uploadId=u", {}, "no operation is PUT of a bucket with ?uploadId"],
  ["POST", "/b?uploads", {}, "no operation is POST of a bucket with ?uploads"],
  ["PATCH", "/b/k", {}, "the method is not one of S3"],
  ["put", "/b/k", {}, "the method is not one of S3"],
  ["PUT", "/", {}, "no operation is without a bucket but ListBuckets"],
  ["POST", "/?Action=AssumeRole", {}, "no operation is without a bucket but ListBuckets"],
  ["GET", "/?foo", {}, "no operation is without a bucket but ListBuckets"],
  ["GET", "/", TE, "no operation is without a bucket but ListBuckets"],
  ["PUT", "/b/k?uploadId=u&partNumber=1", { "x-amz-copy-source": "src" }, "x-amz-copy-source names no object"],
  ["GET", "/?acl", {}, "no operation is without a bucket but ListBuckets"],
  ["PUT", "/b/k?foo", {}, 'the parameter "foo" is not known'],
  ["DELETE", "/b/k?foo", {}, 'the parameter "foo" is not known'],
  ["GET", "/b?foo", {}, 'the parameter "foo" is not known'],
  ["PUT", "/b/k?=a", {}, 'the parameter "" is not known'],
  ["PUT", "/b/k?acl&uploadId=u&partNumber=1", {}, "there are two sub-resources, acl and uploadId"],
  ["PUT", "/b/k?acl&acl", {}, "the parameter acl is given twice"],
  ["PUT", "/b/k?uploadId=u&partNumber=1&partNumber=2", {}, "the parameter partNumber is given twice"],
  ["GET", "/b/k?versionId=1&version%49d=2", {}, "the parameter versionId is given twice"],
  ["PUT", "/b/k?ACL", {}, 'the sub-resource "ACL" is misspelt'],
  ["PUT", "/b/k?%61cl", {}, 'the sub-resource "%61cl" is misspelt'],
  ["PUT", "/b/k?acl+", {}, 'the sub-resource "acl+" is misspelt'],
  ["PUT", "/b/k?UPLOADID=u&partNumber=1", {}, 'the sub-resource "UPLOADID" is misspelt'],
  ["PUT", "/b/k?uploadId=u", {}, "a part without its number or upload"],
  ["PUT", "/b/k?uploadId=&partNumber=1", {}, "a part without its number or upload"],
  ["PUT", "/b/k?partNumber=1", {}, "PutObject has no partNumber"],
  ["PUT", "/b/k?uploadId=u&partNumber=0", {}, "partNumber is not between 1 and 10000"],
  ["PUT", "/b/k?uploadId=u&partNumber=10001", {}, "partNumber is not between 1 and 10000"],
  ["PUT", "/b/k?uploadId=u&partNumber=01", {}, "partNumber is not between 1 and 10000"],
  ["GET", "/b/k?partNumber=x", {}, "partNumber is not between 1 and 10000"],
  ["POST", "/b/k?uploadId=", {}, "uploadId is empty"],
  ["GET", "/b?list-type=1", {}, "list-type is not 2"],
  ["PUT", "/b/k?x-amz-copy-source=a", {}, "x-amz-copy-source is a header, not a parameter"],
  ["PUT", "/b/k", { ...COPY, "content-length": "5" }, "CopyObject has no body"],
  ["PUT", "/b/k", { ...COPY, ...TE }, "CopyObject has no body"],
  ["POST", "/b/k?uploads", { "content-length": "1" }, "CreateMultipartUpload has no body"],
  ["GET", "/b/k", TE, "GetObject has no body"],
  ["PUT", "/b/k?acl", COPY, "PutObjectAcl with a header of uploads"],
  ["PUT", "/b/k?tagging", { "x-amz-decoded-content-length": "5" }, "PutObjectTagging with a header of uploads"],
  ["PUT", "/b/k", { "x-amz-copy-source": "src" }, "x-amz-copy-source names no object"],
  ["PUT", "/b/k", { "x-amz-copy-source": "" }, "x-amz-copy-source names no object"],
  [
    "PUT",
    "/b/k",
    { "x-amz-copy-source": "arn:aws:s3:eu-west-3:1:accesspoint/p/object/k" },
    "x-amz-copy-source names no object",
  ],
  ["PUT", "/b/k", { "x-amz-write-offset-bytes": "5" }, "objects with x-amz-write-offset-bytes are not encrypted"],
  [
    "PUT",
    "/b/k",
    { "X-Amz-Meta-Snowball-Auto-Extract": "true" },
    "objects with x-amz-meta-snowball-auto-extract are not encrypted",
  ],
  ["GET", "//host/k", {}, "the path does not begin with the name of a bucket"],
  ["GET", "/../k", {}, "the path does not begin with the name of a bucket"],
  ["GET", "/%2e%2e/k", {}, "the path does not begin with the name of a bucket"],
  ["GET", "/b%2Fk", {}, "the path does not begin with the name of a bucket"],
  ["GET", "/b\\..\\c/k", {}, "the path does not begin with the name of a bucket"],
  ["GET", "b/k", {}, "the path does not begin with the name of a bucket"],
  ["GET", "/b/%ff", {}, "the key is not UTF-8"],
  ["GET", `/b/${"%C3%A9".repeat(513)}`, {}, "the key is too long"],
] as [string, string, Record<string, string>, string][])(
  "%s %s with %j is refused",
  (method, target, headers, reason) => {
    expect(read(method, target, headers)).toMatchObject({ operation: "Refused", carries: "nothing", reason });
  },
);

test("the longest key has 1024 bytes", () => {
  expect(read("GET", `/b/${"k".repeat(1024)}`)).toMatchObject({ operation: "GetObject" });
});

describe("keys", () => {
  test.each([
    ["/b/a/../b/./c//d", "a/../b/./c//d"],
    ["/b/%2e%2e/%252e", "../%2e"],
    ["/b//", "/"],
    ["/b/a+b%20c", "a+b c"],
    ["/b/%C3%A9", "é"],
    ["/b/\xc3\xa9", "é"],
    ["/b/%zz", "%zz"],
    ["/b/a\\b", "a\\b"],
  ])("%s names %j", (path, key) =>
    expect(read("GET", path)).toMatchObject({ operation: "GetObject", bucket: "b", key }),
  );
});

test.each([
  ["src/k", { bucket: "src", key: "k", versionId: undefined }],
  ["/src/a/b%3Fc?versionId=v%2F1", { bucket: "src", key: "a/b?c", versionId: "v/1" }],
  ["src%2Fa%2Fb", { bucket: "src", key: "a/b", versionId: undefined }],
])("the source %s", (text, source) =>
  expect(read("PUT", "/b/k", { "x-amz-copy-source": text })).toMatchObject({ operation: "CopyObject", source }),
);

test("no sub-resource, in whatever spelling or company, makes a body pass untouched but by its own operation", () => {
  const name = fc.constantFrom(...SUBRESOURCES, "foo", "partNumber", "x-id", "versionId");
  const spelling = fc.constantFrom(
    (name: string) => name,
    (name: string) => name.toUpperCase(),
    (name: string) => name.replace(/^./, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
    (name: string) => `${name}=1`,
    (name: string) => `${name}+`,
  );
  const query = fc.array(
    fc.tuple(name, spelling).map(([name, spell]) => spell(name)),
    { maxLength: 3 },
  );
  fc.assert(
    fc.property(fc.constantFrom("PUT", "POST"), fc.constantFrom("/b", "/b/k"), query, (method, path, query) => {
      const request = read(method, `${path}?${query.join("&")}`);
      if (request.carries !== "document") return;
      const subresources = query.map((part) => part.replace(/=1$/, "")).filter((part) => SUBRESOURCES.has(part));
      expect(subresources.length + (request.name === "CreateBucket" ? 1 : 0)).toBe(1);
      const plain = query.map((part) => decodeURIComponent(part.replace(/=1$|\+$/g, "")).toLowerCase());
      expect(plain.filter((part) => IN_SMALL_LETTERS.has(part))).toHaveLength(subresources.length);
    }),
    { numRuns: 2000 },
  );
});

test("nothing that a client sends makes it throw", () => {
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string(), fc.constantFrom("b/k", "?uploads", "a%"));
  fc.assert(
    fc.property(fc.constantFrom("GET", "PUT", "POST"), text, text, text, (method, path, query, source) => {
      const headers: [string, string][] = [["x-amz-copy-source", source]];
      expect(readS3Request({ method, path: `/${path}`, query, headers })).toHaveProperty("operation");
    }),
  );
});
