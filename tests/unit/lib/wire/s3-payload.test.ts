/** Headers that say how an upload is sent, as clients of S3 send them and as they should not. */
import { describe, expect, test } from "bun:test";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { parsePayloadMode, readPayload } from "../../../../lib/wire/s3-payload.ts";

const HASH = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

test.each([
  ["UNSIGNED-PAYLOAD", { kind: "plain", sha256: undefined }],
  [HASH, { kind: "plain", sha256: HASH }],
  [HASH.toUpperCase(), { kind: "plain", sha256: HASH }],
  [SIGNED, { kind: "chunked", signed: true, trailer: false }],
  [`${SIGNED}-TRAILER`, { kind: "chunked", signed: true, trailer: true }],
  [UNSIGNED_TRAILER, { kind: "chunked", signed: false, trailer: true }],
  ["STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", undefined],
  ["unsigned-payload", undefined],
  [HASH.slice(1), undefined],
  ["", undefined],
] as const)("%s", (value, mode) => expect(parsePayloadMode(value)).toEqual(mode as never));

describe("read", () => {
  test("a plain upload", () => {
    expect(
      readPayload(HASH, [
        ["Content-Length", "5"],
        ["Content-Encoding", "gzip"],
      ]),
    ).toEqual({
      kind: "ok",
      value: { mode: { kind: "plain", sha256: HASH }, length: 5, trailers: [], contentEncoding: "gzip" },
    });
  });

  test("one without a length", () => {
    expect(readPayload("UNSIGNED-PAYLOAD", [])).toMatchObject({ kind: "ok", value: { length: undefined } });
  });

  test("the upload of boto3 over TLS", () => {
    const fields: Field[] = [
      ["Transfer-Encoding", "chunked"],
      ["Content-Encoding", "aws-chunked"],
      ["X-Amz-Trailer", "x-amz-checksum-crc32"],
      ["X-Amz-Decoded-Content-Length", "11"],
    ];
    expect(readPayload(UNSIGNED_TRAILER, fields)).toEqual({
      kind: "ok",
      value: {
        mode: { kind: "chunked", signed: false, trailer: true },
        length: 11,
        trailers: ["x-amz-checksum-crc32"],
        contentEncoding: undefined,
      },
    });
  });

  test("names of trailers in several lines", () => {
    const fields: Field[] = [
      ["x-amz-decoded-content-length", "0"],
      ["X-Amz-Trailer", " X-A"],
      ["x-amz-trailer", "x-b , x-c,d,e,f,g,h"],
    ];
    expect(readPayload(UNSIGNED_TRAILER, fields)).toMatchObject({
      value: { trailers: ["x-a", "x-b", "x-c", "d", "e", "f", "g", "h"] },
    });
  });

  test("other codings are kept", () => {
    const fields: Field[] = [
      ["content-encoding", "gzip, aws-chunked"],
      ["content-encoding", "AWS-Chunked,br"],
      ["x-amz-decoded-content-length", " 0\t"],
    ];
    expect(readPayload(SIGNED, fields)).toMatchObject({ kind: "ok", value: { contentEncoding: "gzip,br", length: 0 } });
  });
});

test.each([
  ["STREAMING", [], "x-amz-content-sha256 is not known"],
  [SIGNED, [], "x-amz-decoded-content-length is missing"],
  [SIGNED, [["content-length", "5"]], "x-amz-decoded-content-length is missing"],
  [SIGNED, [["x-amz-decoded-content-length", "-5"]], "x-amz-decoded-content-length is no length"],
  [SIGNED, [["x-amz-decoded-content-length", "9".repeat(16)]], "x-amz-decoded-content-length is no length"],
  [
    SIGNED,
    [
      ["x-amz-decoded-content-length", "5"],
      ["X-Amz-Decoded-Content-Length", "5"],
    ],
    "x-amz-decoded-content-length is given twice",
  ],
  [
    SIGNED,
    [
      ["x-amz-decoded-content-length", "5"],
      ["x-amz-trailer", "a"],
    ],
    "x-amz-trailer without a mode that has trailers",
  ],
  [HASH, [["content-length", "5x"]], "content-length is no length"],
  [HASH, [["content-encoding", "gzip, AWS-chunked"]], "aws-chunked without a streaming x-amz-content-sha256"],
  [UNSIGNED_TRAILER, [["x-amz-decoded-content-length", "5"]], "x-amz-trailer is missing"],
  [
    UNSIGNED_TRAILER,
    [
      ["x-amz-decoded-content-length", "5"],
      ["x-amz-trailer", ""],
    ],
    "x-amz-trailer names no trailers",
  ],
  [
    UNSIGNED_TRAILER,
    [
      ["x-amz-decoded-content-length", "5"],
      ["x-amz-trailer", "a, a"],
    ],
    "x-amz-trailer names one twice",
  ],
  [
    UNSIGNED_TRAILER,
    [
      ["x-amz-decoded-content-length", "5"],
      ["x-amz-trailer", "x-amz-trailer-signature"],
    ],
    "x-amz-trailer names no trailers",
  ],
  [
    UNSIGNED_TRAILER,
    [
      ["x-amz-decoded-content-length", "5"],
      ["x-amz-trailer", "a,b,c,d,e,f,g,h,i"],
    ],
    "x-amz-trailer names no trailers",
  ],
] as [string, Field[], string][])("%s with %j is refused", (mode, fields, reason) =>
  expect(readPayload(mode, fields)).toEqual({ kind: "bad", reason }),
);
