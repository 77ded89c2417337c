/** Signed requests that are refused, and with which code and reason. */
import { expect, test } from "bun:test";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { BARE, SIGNED, verdict, withHeader } from "./sigv4-signed.ts";

const authorization = (from: string | RegExp, to: string) =>
  withHeader("authorization", (value) => {
    const changed = value.replace(from, to);
    expect(changed).not.toBe(value);
    return changed;
  });

const more = (...fields: Field[]) => ({ ...SIGNED, headers: [...SIGNED.headers, ...fields] });

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
