/** Presigned URLs: which are believed, for how long, and why the others are not. */
import { expect, test } from "bun:test";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { PLAIN_SHA256 as SHA256 } from "../../../../lib/wire/sha256.ts";
import {
  canonicalHeaders,
  canonicalRequest,
  parseQuery,
  sortedQuery,
  type RequestHead,
} from "../../../../lib/wire/sigv4-canonical.ts";
import { verifySignature } from "../../../../lib/wire/sigv4-verify.ts";
import { presign, signCanonical, signingKey } from "../../../../lib/wire/sigv4.ts";
import { BARE, CREDENTIALS, MINUTE, MISMATCH, NOW, PRESIGNED, verdict, withHeader } from "./sigv4-signed.ts";

function withQuery(from: string | RegExp, to: string): RequestHead {
  const query = PRESIGNED.query.replace(from, to);
  expect(query).not.toBe(PRESIGNED.query);
  return { ...PRESIGNED, query };
}

test.each([
  ["no algorithm", /X-Amz-Algorithm=[^&]*&/, "", "X-Amz-Algorithm is not AWS4-HMAC-SHA256"],
  ["no credential", /X-Amz-Credential=[^&]*&/, "", "x-amz-credential is missing or given twice"],
  ["no signature", /&X-Amz-Signature=[^&]*/, "", "x-amz-signature is missing or given twice"],
  ["no date", /X-Amz-Date=[^&]*&/, "", "x-amz-date is missing or given twice"],
  ["no expiry", /X-Amz-Expires=[^&]*&/, "", "x-amz-expires is missing or given twice"],
  ["expiry twice", /X-Amz-Expires=[^&]*&/, "$&x-amz-expires=3600&", "x-amz-expires is missing or given twice"],
  ["no signed headers", /X-Amz-SignedHeaders=[^&]*&/, "", "x-amz-signedheaders is missing or given twice"],
  ["an expiry of 0", "Expires=3600", "Expires=0", "x-amz-expires is not between 1 and 604800"],
  ["an expiry of over a week", "Expires=3600", "Expires=604801", "x-amz-expires is not between 1 and 604800"],
  ["a negative expiry", "Expires=3600", "Expires=-1", "x-amz-expires is not between 1 and 604800"],
  ["a bad date", "Date=2026", "Date=1", "x-amz-date is malformed"],
])("a presigned URL with %s is refused", (_, from, to, reason) =>
  expect(verdict(withQuery(from, to))).toBe(`AuthorizationQueryParametersError: ${reason}`),
);

test("a presigned URL holds as it was made", () => {
  expect(verdict(withQuery("Expires=3600", "Expires=3601"))).toBe(MISMATCH);
  expect(verdict(withQuery("prefix=x", "prefix=y"))).toBe(MISMATCH);
  expect(verdict(withHeader("x-amz-meta-a", () => undefined, PRESIGNED))).toBe(
    "SignatureDoesNotMatch: the signed header x-amz-meta-a is missing",
  );
  const acl: Field = ["x-amz-acl", "public-read"];
  expect(verdict({ ...PRESIGNED, headers: [...PRESIGNED.headers, acl] })).toBe(
    "AccessDenied: the header x-amz-acl is not signed",
  );
});

test("the parameters of a presigned URL may be spelt in small letters, and stand in any order", () => {
  const query = PRESIGNED.query.replace(/X-Amz-[A-Za-z]+/g, (name) => name.toLowerCase());
  expect(verdict({ ...PRESIGNED, query })).toBe("ok");
  expect(verdict({ ...PRESIGNED, query: query.split("&").reverse().join("&") })).toBe("ok");
  expect(verdict({ ...PRESIGNED, query: query.replace("x-amz-date", "X-AMZ-DATE") })).toBe("ok");
});

test("a presigned URL may hold for a week", () => {
  const week = presign(BARE, CREDENTIALS, { date: NOW, expires: 604_800 }, SHA256);
  expect(verdict(week, CREDENTIALS, NOW + 7 * 24 * 60 * MINUTE)).toBe("ok");
});

test("a presigned URL may name the hash of the body, once", () => {
  const hash = "0".repeat(64);
  const [sent] = PRESIGNED.query.split("&X-Amz-Signature=") as [string];
  const query = sortedQuery(parseQuery(`${sent}&X-Amz-Content-Sha256=${hash}`));
  const names = ["host", "x-amz-meta-a"];
  const canonical = canonicalRequest("GET", BARE.path, query, canonicalHeaders(BARE.headers), names, hash);
  const scope = "20261126/eu-west-3/s3/aws4_request";
  const key = signingKey(CREDENTIALS.secretAccessKey, scope, SHA256);
  const signature = signCanonical(canonical, { amzDate: "20261126T120000Z", scope, key }, SHA256);
  const head = { ...PRESIGNED, query: `${query}&X-Amz-Signature=${signature}` };
  expect(verifySignature(head, CREDENTIALS, NOW, SHA256)).toMatchObject({ kind: "ok", claim: { payload: hash } });
  const header: Field = ["x-amz-content-sha256", "1".repeat(64)];
  expect(verdict({ ...head, headers: [...head.headers, header] })).toBe(
    "InvalidRequest: x-amz-content-sha256 is given twice",
  );
  expect(verdict({ ...head, query: head.query.replace(`Sha256=0`, "Sha256=1") })).toBe(MISMATCH);
});
