/** Which signed requests are believed, and which changes are noticed. Signers by others are in tests/conformance/sigv4-peers.test.ts. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { PLAIN_SHA256 as SHA256 } from "../../../../lib/wire/sha256.ts";
import { verifySignature } from "../../../../lib/wire/sigv4-verify.ts";
import { presign, signHeaders } from "../../../../lib/wire/sigv4.ts";
import { BARE, CREDENTIALS, MISMATCH, NOW, PRESIGNED, SIGNED, verdict, withHeader } from "./sigv4-signed.ts";

test("what was signed is believed, and what the chunks need is given", () => {
  expect(verifySignature(SIGNED, CREDENTIALS, NOW, SHA256)).toMatchObject({
    kind: "ok",
    claim: { accessKeyId: "AKID", date: NOW, payload: "UNSIGNED-PAYLOAD", expires: undefined, sessionToken: undefined },
    signing: { amzDate: "20261126T120000Z", scope: "20261126/eu-west-3/s3/aws4_request" },
    expiresAt: undefined,
  });
  expect(verifySignature(PRESIGNED, CREDENTIALS, NOW, SHA256)).toMatchObject({
    kind: "ok",
    claim: { expires: 3600, payload: "UNSIGNED-PAYLOAD" },
    expiresAt: NOW + 3_600_000,
  });
});

test.each([
  ["the method", { method: "PUT" }],
  ["the path", { path: "/bucket/a%20c" }],
  ["a byte of the path", { path: "/bucket/a%2520b" }],
  ["the query", { query: "prefix=y&versionId=7" }],
  ["one parameter more", { query: "prefix=x&versionId=7&acl" }],
  ["one parameter twice", { query: "prefix=x&prefix=x&versionId=7" }],
  ["one parameter less", { query: "prefix=x" }],
])("another %s is noticed", (_, change) => expect(verdict({ ...SIGNED, ...change })).toBe(MISMATCH));

test.each([
  ["the order of the query", { query: "versionId=7&prefix=x" }],
  ["escapes that mean the same", { path: "/bucket/%61%20b", query: "%70refix=%78&versionId=7" }],
])("%s changes nothing", (_, change) => expect(verdict({ ...SIGNED, ...change })).toBe("ok"));

test.each([
  ["host", "other.example"],
  ["x-amz-meta-a", "c"],
  ["x-amz-date", "20261126T120001Z"],
  ["x-amz-content-sha256", "0".repeat(64)],
])("another %s is noticed", (name, value) => expect(verdict(withHeader(name, () => value))).toBe(MISMATCH));

test("a header that was not signed may change", () => {
  expect(verdict(withHeader("range", () => "bytes=5-"))).toBe("ok");
});

test("the forms of a request that a client may sign: as it is sent, or as S3 reads it", () => {
  const raw = { ...BARE, path: "/bucket/a+b(1)", query: "prefix=a+b" };
  const signed = signHeaders(raw, CREDENTIALS, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256).head;
  expect(verdict(signed)).toBe("ok");
  expect(verdict({ ...signed, query: "prefix=a%20b" })).toBe("ok");
  expect(verdict({ ...signed, query: "prefix=a%2Bb" })).toBe(MISMATCH);
});

test("a session token must be the one that is known", () => {
  const credentials = { ...CREDENTIALS, sessionToken: "a/b+c=" };
  const signed = signHeaders(BARE, credentials, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256).head;
  const presigned = presign(BARE, credentials, { date: NOW, expires: 1 }, SHA256);
  for (const head of [signed, presigned]) {
    expect(verdict(head, credentials)).toBe("ok");
    expect(verdict(head)).toBe("InvalidToken: the session token is not known");
  }
  const twice = { ...presigned, query: presigned.query.replace(/X-Amz-Security-Token=[^&]*&/, "$&$&") };
  expect(verdict(twice, credentials)).toBe("AuthorizationQueryParametersError: the session token is given twice");
  expect(verdict(SIGNED, credentials)).toBe("InvalidToken: the session token is not known");
});

test("another secret is noticed", () => {
  expect(verdict(SIGNED, { ...CREDENTIALS, secretAccessKey: "secret " })).toBe(MISMATCH);
});

test("nothing that a client sends makes it throw", () => {
  const byte = fc.nat(255).map((code) => String.fromCharCode(code));
  const text = fc.oneof(
    fc.string({ unit: byte }),
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "X-Amz-Signature=a&X-Amz-Algorithm=AWS4-HMAC-SHA256",
      "AWS4-HMAC-SHA256 Credential=a/b, Signature=c",
    ),
  );
  const headers = fc.array(fc.tuple(fc.constantFrom("authorization", "host", "x-amz-date", "X-Amz-A"), text));
  fc.assert(
    fc.property(text, text, headers, (path, query, headers) => {
      const head = { method: "GET", path: `/${path}`, query, headers };
      expect(verdict(head)).not.toBe("ok");
    }),
  );
});
