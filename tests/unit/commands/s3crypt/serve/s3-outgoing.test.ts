/** What the storage gets of a request of S3: nothing of the client's signature, framing and checksums, and a signature that holds. */
import { expect, test } from "bun:test";
import { signOutgoing } from "../../../../../commands/s3crypt/serve/s3-outgoing.ts";
import type { Field } from "../../../../../lib/wire/http-forward.ts";
import { PLAIN_SHA256 } from "../../../../../lib/wire/sha256.ts";
import type { RequestHead } from "../../../../../lib/wire/sigv4-canonical.ts";
import { verifySignature } from "../../../../../lib/wire/sigv4-verify.ts";

const CREDENTIALS = { accessKeyId: "ID", region: "r", secretAccessKey: "s" };
const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

function outgoing(more: Partial<RequestHead>, hasContent = true): RequestHead {
  const head = { method: "PUT", path: "/b/k%2Fx", query: "", headers: [], ...more };
  const given = { ...head, headers: [["Host", "store:9"] as const, ...head.headers] };
  return signOutgoing(given, { credentials: CREDENTIALS, date: NOW, hasContent }, PLAIN_SHA256);
}

const names = ({ headers }: RequestHead) => headers.map(([name]) => name.toLowerCase());
const SIGNATURE = ["x-amz-content-sha256", "x-amz-date", "authorization"];

test("what clients say of their bytes and of themselves stays behind", () => {
  const headers: Field[] = ["Authorization", "X-Amz-Date", "X-Amz-Content-Sha256", "x-amz-security-token"].map(
    (name) => [name, "old"] as const,
  );
  const kept: Field[] = [
    ["x-amz-meta-mine", "a  b"],
    ["Expires", "0"],
    ["Content-Type", "a/b"],
    ["x-amz-acl", "private"],
  ];
  const sent = outgoing({ headers: [...headers, ...kept] });
  expect(names(sent)).toEqual(["host", "x-amz-meta-mine", "expires", "content-type", "x-amz-acl", ...SIGNATURE]);
  expect(verifySignature(sent, CREDENTIALS, NOW, PLAIN_SHA256).kind).toBe("ok");
});

test.each([
  ["aws-chunked", undefined],
  ["gzip, aws-chunked", "gzip"],
  ["AWS-Chunked,gzip", "gzip"],
  ["br, gzip", "br,gzip"],
])("Content-Encoding: %s", (given, kept) => {
  const sent = outgoing({ headers: [["Content-Encoding", given]] });
  expect(sent.headers.find(([name]) => name === "Content-Encoding")?.[1]).toBe(kept as string);
});

test.each([
  ["x-id=PutObject&tagging", "x-id=PutObject&tagging"],
  ["X-Amz-Signature=a&x-amz-expires=1&versionId=3&AWSAccessKeyId=b", "versionId=3"],
  ["x-amz-checksum-crc32=AAAA&X-Amz-Sdk-Checksum-Algorithm=CRC32&a=1", "a=1"],
  ["x%2Damz-meta-s3crypt=1&x-amz-meta-original-content-length=7", ""],
  ["partNumber=1&uploadId=u", "partNumber=1&uploadId=u"],
])("the query %s", (query, kept) => {
  expect(outgoing({ query }).query).toBe(kept);
});

test("the part of an object that has none is all of it", () => {
  expect(outgoing({ method: "GET", query: "partNumber=1&versionId=2" }).query).toBe("versionId=2");
});

test("the hash is that of nothing where there is no content", () => {
  const hash = ({ headers }: RequestHead) => headers.find(([name]) => name === "x-amz-content-sha256")?.[1];
  expect(hash(outgoing({}))).toBe("UNSIGNED-PAYLOAD");
  expect(hash(outgoing({ method: "GET" }, false))).toStartWith("e3b0c442");
});

test("what browsers ask ahead is not signed", () => {
  expect(names(outgoing({ method: "OPTIONS", headers: [["Origin", "o"]] }, false))).toEqual(["host", "origin"]);
});
