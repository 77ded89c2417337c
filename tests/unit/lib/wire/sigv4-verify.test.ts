/** Which signed requests are believed, and why the others are not. Signers by others are in tests/conformance/sigv4-peers.test.ts. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
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
import { presign, signCanonical, signHeaders, signingKey, type Credentials } from "../../../../lib/wire/sigv4.ts";

const CREDENTIALS: Credentials = { accessKeyId: "AKID", secretAccessKey: "secret", region: "eu-west-3" };
const NOW = Date.UTC(2026, 10, 26, 12);
const MINUTE = 60_000;

const BARE: RequestHead = {
  method: "GET",
  path: "/bucket/a%20b",
  query: "prefix=x&versionId=7",
  headers: [
    ["Host", "s3.example"],
    ["Range", "bytes=0-9"],
    ["X-Amz-Meta-A", "b"],
  ],
};
const SIGNED = signHeaders(BARE, CREDENTIALS, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256).head;
const PRESIGNED = presign(BARE, CREDENTIALS, { date: NOW, expires: 3600 }, SHA256);

/** `ok`, or the code and the reason. */
function verdict(head: RequestHead, credentials = CREDENTIALS, now = NOW): string {
  const verified = verifySignature(head, credentials, now, SHA256);
  return verified.kind === "ok" ? "ok" : `${verified.code}: ${verified.reason}`;
}

function withHeader(name: string, change: (value: string) => string | undefined, head = SIGNED): RequestHead {
  const headers = head.headers.flatMap(([given, value]): Field[] => {
    const changed = given.toLowerCase() === name ? change(value) : value;
    return changed === undefined ? [] : [[given, changed]];
  });
  return { ...head, headers };
}

const authorization = (from: string | RegExp, to: string) =>
  withHeader("authorization", (value) => {
    const changed = value.replace(from, to);
    expect(changed).not.toBe(value);
    return changed;
  });

function withQuery(from: string | RegExp, to: string): RequestHead {
  const query = PRESIGNED.query.replace(from, to);
  expect(query).not.toBe(PRESIGNED.query);
  return { ...PRESIGNED, query };
}

const more = (...fields: Field[]) => ({ ...SIGNED, headers: [...SIGNED.headers, ...fields] });

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

const MISMATCH = "SignatureDoesNotMatch: the signature does not match";

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

test.each([
  ["no signature", withHeader("authorization", () => undefined), "AccessDenied: the request is not signed"],
  ["two headers", more(["Authorization", "x"]), "InvalidArgument: the request is signed more than once"],
  [
    "both ways",
    { ...SIGNED, query: `${SIGNED.query}&X-Amz-Signature=a` },
    "InvalidArgument: the request is signed more than once",
  ],
  [
    "version 2",
    withHeader("authorization", () => "AWS AKID:frJIUN8DYpKDtOLCwo//yllqDzg="),
    "InvalidRequest: signatures of version 2 are not accepted",
  ],
  [
    "version 2 in the query",
    { ...BARE, query: "AWSAccessKeyId=AKID&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1" },
    "InvalidRequest: signatures of version 2 are not accepted",
  ],
  [
    "a part of version 2",
    { ...BARE, query: "AWSAccessKeyId=AKID" },
    "InvalidRequest: signatures of version 2 are not accepted",
  ],
  [
    "no region",
    authorization("/eu-west-3/", "//"),
    "AuthorizationHeaderMalformed: the credential is not KEY/DATE/REGION/SERVICE/aws4_request",
  ],
  [
    "no service",
    authorization("/s3/", "//"),
    "AuthorizationHeaderMalformed: the credential is not KEY/DATE/REGION/SERVICE/aws4_request",
  ],
  ["ECDSA", authorization("AWS4-HMAC", "AWS4-ECDSA-P256"), "InvalidRequest: Authorization is not of AWS4-HMAC-SHA256"],
  [
    "a lone word",
    withHeader("authorization", () => "AWS4-HMAC-SHA256"),
    "InvalidRequest: Authorization is not of AWS4-HMAC-SHA256",
  ],
  [
    "a missing part",
    authorization(/, Signature=.*/, ""),
    "AuthorizationHeaderMalformed: a part of Authorization is missing",
  ],
  [
    "a part twice",
    authorization(/(, Signature=.*)/, "$1$1"),
    "AuthorizationHeaderMalformed: Authorization is malformed",
  ],
  ["an unknown part", authorization(/$/, ", More=1"), "AuthorizationHeaderMalformed: Authorization is malformed"],
  ["a comma at the end", authorization(/$/, ","), "AuthorizationHeaderMalformed: Authorization is malformed"],
  ["a long one", authorization(/$/, "a".repeat(20_000)), "AuthorizationHeaderMalformed: Authorization is too long"],
  [
    "capital digits",
    authorization(/Signature=.*/, `Signature=${"A".repeat(64)}`),
    "AuthorizationHeaderMalformed: the signature is not 64 hexadecimal digits",
  ],
  [
    "a short scope",
    authorization("/s3/aws4_request", "/aws4_request"),
    "AuthorizationHeaderMalformed: the credential is not KEY/DATE/REGION/SERVICE/aws4_request",
  ],
  [
    "another end of the scope",
    authorization("aws4_request", "aws4"),
    "AuthorizationHeaderMalformed: the credential is not KEY/DATE/REGION/SERVICE/aws4_request",
  ],
  [
    "another day",
    authorization("/20261126/", "/20261125/"),
    "AuthorizationHeaderMalformed: the credential is of another date",
  ],
  [
    "another region",
    authorization("eu-west-3", "us-east-1"),
    "AuthorizationHeaderMalformed: the credential is for another region",
  ],
  [
    "another service",
    authorization("/s3/", "/sts/"),
    "AuthorizationHeaderMalformed: the credential is for another service",
  ],
  ["another key", authorization("AKID", "AKIE"), "InvalidAccessKeyId: the access key id is not known"],
  [
    "signed headers out of order",
    authorization("host;x-amz-content-sha256", "x-amz-content-sha256;host"),
    "AuthorizationHeaderMalformed: the signed headers are not in lower case, sorted and each once",
  ],
  [
    "a signed header twice",
    authorization("=host", "=host;host"),
    "AuthorizationHeaderMalformed: the signed headers are not in lower case, sorted and each once",
  ],
  [
    "a signed header in capitals",
    authorization("=host", "=Host"),
    "AuthorizationHeaderMalformed: the signed headers are not in lower case, sorted and each once",
  ],
  [
    "an empty signed header",
    authorization("=host", "=;host"),
    "AuthorizationHeaderMalformed: the signed headers are not in lower case, sorted and each once",
  ],
  [
    "a signed header that is missing",
    authorization("=host", "=content-md5;host"),
    "SignatureDoesNotMatch: the signed header content-md5 is missing",
  ],
  ["a Host that is not signed", authorization("=host;", "="), "AccessDenied: the header host is not signed"],
  [
    "an x-amz header that is not signed",
    more(["X-Amz-Acl", "public-read"]),
    "AccessDenied: the header x-amz-acl is not signed",
  ],
  ["Host twice", more(["host", "s3.example"]), "InvalidRequest: Host is missing or given twice"],
  ["no date", withHeader("x-amz-date", () => undefined), "AccessDenied: x-amz-date is missing or malformed"],
  ["two dates", more(["x-amz-date", "20261126T120000Z"]), "AccessDenied: x-amz-date is missing or malformed"],
  ["a bad date", withHeader("x-amz-date", () => "now"), "AccessDenied: x-amz-date is missing or malformed"],
  [
    "no hash",
    withHeader("x-amz-content-sha256", () => undefined),
    "InvalidRequest: x-amz-content-sha256 is missing or given twice",
  ],
  [
    "an unknown hash",
    withHeader("x-amz-content-sha256", () => "none"),
    "InvalidArgument: x-amz-content-sha256 is not known",
  ],
  ["a session token", more(["x-amz-security-token", "t"]), "InvalidToken: the session token is not known"],
  ["a line feed in a header", more(["x-a", "b\nx-amz-c:d"]), "InvalidRequest: a header is malformed"],
  ["a blank in a header's name", more(["x a", "b"]), "InvalidRequest: a header is malformed"],
  ["a character that is no byte", more(["x-a", "\u20ac"]), "InvalidRequest: a header is malformed"],
  ["a line feed in the path", { ...SIGNED, path: "/a\nb" }, "InvalidRequest: the target is malformed"],
  ["a path without a slash", { ...SIGNED, path: "a" }, "InvalidRequest: the target is malformed"],
  ["a blank in the query", { ...SIGNED, query: "a b" }, "InvalidRequest: the target is malformed"],
  ["a long query", { ...SIGNED, query: "a".repeat(20_000) }, "InvalidRequest: the query is too long"],
  ["a method in small letters", { ...SIGNED, method: "get" }, "InvalidRequest: the method is malformed"],
])("%s is refused", (_, head, told) => expect(verdict(head)).toBe(told));

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

describe("the time", () => {
  test.each([
    [SIGNED, -15 * MINUTE - 1, "RequestTimeTooSkewed: the request is dated in the future"],
    [SIGNED, -15 * MINUTE, "ok"],
    [SIGNED, 15 * MINUTE, "ok"],
    [SIGNED, 15 * MINUTE + 1, "RequestTimeTooSkewed: the request is too old"],
    [PRESIGNED, -15 * MINUTE - 1, "RequestTimeTooSkewed: the request is dated in the future"],
    [PRESIGNED, -15 * MINUTE, "ok"],
    [PRESIGNED, 75 * MINUTE, "ok"],
    [PRESIGNED, 75 * MINUTE + 1, "AccessDenied: the presigned URL has expired"],
  ])("#%# %i ms after it was signed", (head, later, told) =>
    expect(verdict(head, CREDENTIALS, NOW + later)).toBe(told),
  );
});

describe("Date in the place of x-amz-date", () => {
  const headers: Field[] = [
    ["host", "s3.example"],
    ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
  ];
  const scope = "20260105/eu-west-3/s3/aws4_request";
  const now = Date.UTC(2026, 0, 5, 12, 30, 7);
  const key = signingKey(CREDENTIALS.secretAccessKey, scope, SHA256);

  /** A request whose signature covers `names`, as of 12:30:07 on 5 January. */
  function dated(names: string[], ...dates: Field[]): RequestHead {
    const all = [...headers, ...dates];
    const values = canonicalHeaders(all);
    const canonical = canonicalRequest("GET", "/b/k", "", values, names, "UNSIGNED-PAYLOAD");
    const signature = signCanonical(canonical, { amzDate: "20260105T123007Z", scope, key }, SHA256);
    const credential = `Credential=AKID/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return {
      method: "GET",
      path: "/b/k",
      query: "",
      headers: [...all, ["authorization", `AWS4-HMAC-SHA256 ${credential}`]],
    };
  }

  const NAMES = ["date", "host", "x-amz-content-sha256"];
  const HTTP: Field = ["Date", " Mon, 05 Jan 2026 12:30:07 GMT "];
  const OWN: Field = ["x-amz-date", "20260105T123007Z"];

  test.each([
    ["in the form of HTTP", dated(NAMES, HTTP), "ok"],
    ["in that of SigV4", dated(NAMES, ["date", "20260105T123007Z"]), "ok"],
    ["not signed", dated(NAMES.slice(1), HTTP), "AccessDenied: the header date is not signed"],
    ["twice", dated(NAMES, HTTP, HTTP), "AccessDenied: x-amz-date is missing or malformed"],
    ["of no month", dated(NAMES, ["date", "Mon, 05 Jun 2026"]), "AccessDenied: x-amz-date is missing or malformed"],
    [
      "of another month",
      dated(NAMES, ["date", "Mon, 05 Foo 2026 12:30:07 GMT"]),
      "AccessDenied: x-amz-date is missing or malformed",
    ],
    [
      "beside x-amz-date it counts for nothing",
      dated([...NAMES.slice(1), "x-amz-date"], ["date", "soon"], HTTP, OWN),
      "ok",
    ],
  ])("%s", (_, head, told) => expect(verdict(head, CREDENTIALS, now)).toBe(told));
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
