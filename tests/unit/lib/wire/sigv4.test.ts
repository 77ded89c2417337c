/** Signing of S3 requests: dates, canonical forms, what is signed and what is removed. Vectors are in tests/conformance/sigv4.test.ts. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { PLAIN_SHA256 as SHA256 } from "../../../../lib/wire/sha256.ts";
import {
  canonicalHeaders,
  canonicalParameter,
  canonicalPath,
  decodeUri,
  encodeUri,
  parseQuery,
  sortedQuery,
  type RequestHead,
} from "../../../../lib/wire/sigv4-canonical.ts";
import { formatAmzDate, parseAmzDate, presign, signHeaders, withoutSignature } from "../../../../lib/wire/sigv4.ts";

const CREDENTIALS = { accessKeyId: "AKID", secretAccessKey: "secret", region: "eu-west-3" };
const NOW = Date.UTC(2026, 10, 26, 12);

const HEAD: RequestHead = {
  method: "PUT",
  path: "/bucket/a b",
  query: "x-id=PutObject",
  headers: [
    ["Host", "s3.example:8080"],
    ["Content-Type", "text/plain"],
    ["Content-Length", "5"],
    ["X-Amz-Meta-A", "  one   two "],
    ["Accept-Encoding", "identity"],
  ],
};

test.each([
  ["20260228T235960Z", undefined],
  ["20260229T000000Z", undefined],
  ["20240229T000000Z", Date.UTC(2024, 1, 29)],
  ["20261301T000000Z", undefined],
  ["99999999T999999Z", undefined],
  ["00000101T000000Z", undefined],
  ["2026-01-01T00:00:00Z", undefined],
  ["20260101T000000Z\n", undefined],
  ["20260101T000000", undefined],
  ["", undefined],
])("the date %j", (text, ms) => expect(parseAmzDate(text)).toBe(ms));

test("dates are written and read", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) =>
      expect(parseAmzDate(formatAmzDate(1000 * seconds + 7))).toBe(1000 * seconds),
    ),
  );
});

test.each([
  ["", "/"],
  ["/", "/"],
  ["/a/../b/./c//d", "/a/../b/./c//d"],
  ["/a%2fb", "/a/b"],
  ["/%41%7E%2A%20+", "/A~%2A%20%2B"],
  ["/%252e%252e", "/%252e%252e"],
  ["/%zz%", "/%25zz%25"],
  ["/\\", "/%5C"],
  ["/\xc3\xa9", "/%C3%A9"],
  ["/$file(1)'!*", "/%24file%281%29%27%21%2A"],
])("the path %j", (path, canonical) => expect(canonicalPath(path)).toBe(canonical));

test.each([
  ["", ""],
  ["lifecycle", "lifecycle="],
  ["b=2&a=1&", "a=1&b=2"],
  ["&&a&&", "a="],
  ["a=2&a=10&a=", "a=&a=10&a=2"],
  ["a-b=1&a=2&aa=3&A=4", "A=4&a=2&a-b=1&aa=3"],
  ["prefix=a+b%20c%2Bd", "prefix=a%20b%20c%2Bd"],
  ["a=b=c", "a=b%3Dc"],
  ["=x", "=x"],
  ["%61=%7e", "a=~"],
])("the query %j", (query, canonical) =>
  expect(sortedQuery(parseQuery(query).map(canonicalParameter))).toBe(canonical),
);

test("what is encoded is decoded to the same, and canonical forms are their own", () => {
  const bytes = fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
  fc.assert(
    fc.property(bytes, (text) => {
      expect(decodeUri(encodeUri(text))).toBe(text);
      expect(encodeUri(text)).toMatch(/^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*$/);
      expect(canonicalPath(canonicalPath(`/${text}`))).toBe(canonicalPath(`/${text}`));
    }),
  );
  expect(() => encodeUri("é€")).toThrow(TypeError);
});

test("headers are joined, and blanks are made one; other white space is not", () => {
  const values = canonicalHeaders([
    ["A", " x \t  y "],
    ["a", "z"],
    ["B", ""],
    ["C", "\xa0c\xa0"],
  ]);
  expect([...values]).toEqual([
    ["a", "x y,z"],
    ["b", ""],
    ["c", "\xa0c\xa0"],
  ]);
});

describe("signed in headers", () => {
  const { head, signing } = signHeaders(HEAD, CREDENTIALS, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256);

  test("the rest stays as it is", () => {
    expect(head).toMatchObject({ method: "PUT", path: HEAD.path, query: HEAD.query });
    expect(head.headers.slice(0, 5)).toEqual([...HEAD.headers]);
    expect(head.headers.slice(5)).toEqual([
      ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
      ["x-amz-date", "20261126T120000Z"],
      [
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKID/20261126/eu-west-3/s3/aws4_request, " +
          `SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a, Signature=${signing.signature}`,
      ],
    ]);
  });

  test("again it is signed once", () => {
    const again = signHeaders(head, CREDENTIALS, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256);
    expect(again.head).toEqual(head);
  });

  test("with a session token it is in a signed header", () => {
    const credentials = { ...CREDENTIALS, sessionToken: "token" };
    const { head } = signHeaders(HEAD, credentials, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256);
    expect(head.headers).toContainEqual(["x-amz-security-token", "token"]);
    expect(head.headers.at(-1)![1]).toContain(";x-amz-security-token,");
  });
});

test("presigned anew, the old signature is gone", () => {
  const once = presign(HEAD, CREDENTIALS, { date: NOW, expires: 60 }, SHA256);
  const twice = presign(once, CREDENTIALS, { date: NOW, expires: 60 }, SHA256);
  expect(twice.query).toBe(once.query);
  expect(once.query).toContain("&X-Amz-SignedHeaders=host%3Bx-amz-meta-a&x-id=PutObject&X-Amz-Signature=");
});

test("without a signature nothing of versions 2 and 4 is left, and all else is as it was", () => {
  const bare = withoutSignature({
    ...HEAD,
    query:
      "acl&prefix=a+b&x-amz-expires=1&X-Amz-Sign%61ture=a&Signature=b&AWSAccessKeyId=c&Expires=d&X-AMZ-DATE=e&" +
      "X-Amz-Security-Token=f&X-Amz-Credential=g&X-Amz-SignedHeaders=h&X-Amz-Algorithm=i&X-Amz-Content-Sha256=j&&x-id",
    headers: [...HEAD.headers, ["Expires", "soon"], ["AUTHORIZATION", "a"], ["X-Amz-Date", "b"]],
  });
  expect(bare.query).toBe("acl&prefix=a+b&&x-id");
  expect(bare.headers).toEqual([...HEAD.headers, ["Expires", "soon"]]);
});
