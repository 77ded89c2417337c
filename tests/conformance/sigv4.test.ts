/** Signatures of S3 requests as the Amazon S3 API reference computes them, "Authenticating Requests (AWS Signature Version 4)". */
import { describe, expect, test } from "bun:test";
import { ChunkSigner, verifyChunks } from "../../lib/wire/sigv4-chunks.ts";
import { PLAIN_SHA256 as SHA256 } from "../../lib/wire/sha256.ts";
import { EMPTY_SHA256, readPayload } from "../../lib/wire/s3-payload.ts";
import type { RequestHead } from "../../lib/wire/sigv4-canonical.ts";
import { verifySignature } from "../../lib/wire/sigv4-verify.ts";
import { presign, signHeaders } from "../../lib/wire/sigv4.ts";
import { openBody } from "../../lib/wire/aws-chunked.ts";

const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  region: "us-east-1",
};
const NOW = Date.UTC(2013, 4, 24);
const SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

type Headers = Record<string, string>;

function head(method: string, path: string, query: string, headers: Headers): RequestHead {
  const common = { Host: "examplebucket.s3.amazonaws.com", "x-amz-date": "20130524T000000Z" };
  return { method, path, query, headers: Object.entries({ ...common, ...headers }) };
}

function signed(request: RequestHead, signedHeaders: string, signature: string): RequestHead {
  const value = `AWS4-HMAC-SHA256 Credential=${SCOPE},SignedHeaders=${signedHeaders},Signature=${signature}`;
  return { ...request, headers: [...request.headers, ["Authorization", value]] };
}

/** "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk", examples. */
const EXAMPLES: [string, RequestHead, string, string][] = [
  [
    "GET Object",
    head("GET", "/test.txt", "", { Range: "bytes=0-9", "x-amz-content-sha256": EMPTY_SHA256 }),
    "host;range;x-amz-content-sha256;x-amz-date",
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "PUT Object",
    head("PUT", "/test$file.text", "", {
      Date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    }),
    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  ],
  [
    "GET Bucket Lifecycle",
    head("GET", "/", "lifecycle", { "x-amz-content-sha256": EMPTY_SHA256 }),
    "host;x-amz-content-sha256;x-amz-date",
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "Get Bucket (List Objects)",
    head("GET", "/", "max-keys=2&prefix=J", { "x-amz-content-sha256": EMPTY_SHA256 }),
    "host;x-amz-content-sha256;x-amz-date",
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

test.each(EXAMPLES)("%s", (_, request, signedHeaders, signature) => {
  const verified = verifySignature(signed(request, signedHeaders, signature), CREDENTIALS, NOW, SHA256);
  expect(verified).toMatchObject({ kind: "ok", claim: { signature, date: NOW, expires: undefined } });
  const other = signature.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
  const refused = verifySignature(signed(request, signedHeaders, other), CREDENTIALS, NOW, SHA256);
  expect(refused).toMatchObject({ kind: "bad", code: "SignatureDoesNotMatch" });
});

test.each(EXAMPLES.slice(2))("%s, signed by us", (_, request, signedHeaders, signature) => {
  const ours = signHeaders(request, CREDENTIALS, { date: NOW, payload: EMPTY_SHA256 }, SHA256);
  expect(ours.signing.signature).toBe(signature);
  expect(ours.head.headers.at(-1)![1].replaceAll(", ", ",")).toBe(
    signed(request, signedHeaders, signature).headers.at(-1)![1],
  );
});

describe("a presigned URL (Authenticating Requests: Using Query Parameters)", () => {
  const bare: RequestHead = {
    method: "GET",
    path: "/test.txt",
    query: "",
    headers: [["Host", "examplebucket.s3.amazonaws.com"]],
  };
  const query =
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request" +
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host" +
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

  test("is verified, and made", () => {
    const verified = verifySignature({ ...bare, query }, CREDENTIALS, NOW, SHA256);
    expect(verified).toMatchObject({ kind: "ok", expiresAt: NOW + 86_400_000 });
    expect(presign(bare, CREDENTIALS, { date: NOW, expires: 86_400 }, SHA256).query).toBe(query);
  });
});

/** "Transferring Payload in Multiple Chunks (Chunked Upload)" and "Including Trailing Headers": 65 KiB of `a`. */
const UPLOADS = [
  {
    name: "without trailers",
    headers: { "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "Content-Length": "66824" },
    signedHeaders:
      "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
    seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    chunks: [
      "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
      "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ],
    trailer: undefined,
  },
  {
    name: "with trailers",
    headers: {
      "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
      "x-amz-trailer": "x-amz-checksum-crc32c",
    },
    signedHeaders:
      "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
    seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    chunks: [
      "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
      "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
      "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ],
    trailer: "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
  },
] as const;

describe.each([...UPLOADS])("an upload in chunks, $name", ({ headers, signedHeaders, seed, chunks, trailer }) => {
  const request = head("PUT", "/examplebucket/chunkObject.txt", "", {
    Host: "s3.amazonaws.com",
    "Content-Encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    ...headers,
  });
  const verified = verifySignature(signed(request, signedHeaders, seed), CREDENTIALS, NOW, SHA256);
  if (verified.kind === "bad") throw new Error(verified.reason);
  const data = [new Uint8Array(65_536).fill(0x61), new Uint8Array(1024).fill(0x61), new Uint8Array(0)];

  test("has the signatures of the reference", () => {
    const signer = new ChunkSigner(verified.signing, SHA256);
    expect(data.map((chunk) => signer.chunk(SHA256.hash(chunk)))).toEqual([...chunks]);
    if (trailer !== undefined) expect(signer.trailer(Buffer.from("x-amz-checksum-crc32c:sOO8/Q==\n"))).toBe(trailer);
  });

  const body = Buffer.concat([
    ...data.flatMap((chunk, i) => [
      Buffer.from(`${chunk.length.toString(16)};chunk-signature=${chunks[i]}\r\n`),
      chunk,
      Buffer.from(chunk.length === 0 ? "" : "\r\n"),
    ]),
    Buffer.from(
      trailer === undefined ? "" : `x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:${trailer}\r\n`,
    ),
    Buffer.from("\r\n"),
  ]);

  function decode(bytes: Uint8Array) {
    if (verified.kind === "bad") throw new Error();
    const payload = readPayload(verified.claim.payload, request.headers);
    if (payload.kind === "bad") throw new Error(payload.reason);
    const decoder = openBody(payload.value, SHA256, verifyChunks(verified.signing, SHA256));
    let length = 0;
    for (let at = 0; at < bytes.length; at += 10_007)
      decoder.push(bytes.subarray(at, at + 10_007), (piece) => (length += piece.length));
    return { length, end: decoder.finish() };
  }

  test("is decoded", () => {
    expect(decode(body)).toEqual({
      length: 66_560,
      end: {
        kind: "ok",
        length: 66_560,
        trailers: trailer === undefined ? [] : [["x-amz-checksum-crc32c", "sOO8/Q=="]],
      },
    });
  });

  test("is refused with another byte", () => {
    const other = Buffer.from(body);
    other[66_500]! ^= 1;
    expect(decode(other).end).toEqual({ kind: "bad", reason: "the signature of a chunk is wrong" });
  });
});
