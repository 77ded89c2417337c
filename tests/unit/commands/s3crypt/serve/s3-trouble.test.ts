/** Errors as S3 clients read them, and as programs of ds_proxy know the one about signatures. */
import { expect, test } from "bun:test";
import type { Asked } from "../../../../../commands/s3crypt/serve/dialect.ts";
import { explainToS3, S3Trouble, troubleOfStatus } from "../../../../../commands/s3crypt/serve/s3-trouble.ts";
import { Trouble } from "../../../../../commands/s3crypt/serve/trouble.ts";

const at = (root: Asked["root"], rest = "b/k") => ({ root, rest }) as Asked;

test("are XML with a code of S3", () => {
  const { status, type, body } = explainToS3(
    new S3Trouble("unsigned", "SignatureDoesNotMatch", "a < b"),
    at("/", "b/é<\0"),
  );
  expect([status, type]).toEqual([403, "application/xml"]);
  expect(body).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>a &lt; b</Message><Resource>/b/?&lt;?</Resource></Error>',
  );
});

test("below /upstream/ a wrong signature is what it is there", () => {
  const unsigned = explainToS3(new S3Trouble("unsigned", "InvalidRequest", "a"), at("/upstream/"));
  expect(unsigned).toEqual({ status: 401, type: "text/plain; charset=utf-8", body: "Invalid S3 signature" });
  expect(explainToS3(new Trouble("denied", "a"), at("/upstream/")).status).toBe(403);
});

test.each([
  ["BadDigest", 400, new Trouble("bad_digest", "a")],
  ["NotImplemented", 501, new Trouble("unsupported", "a")],
  ["InternalError", 502, new Trouble("forged", "a")],
  ["ServiceUnavailable", 504, new Trouble("upstream_timeout", "a")],
  ["PreconditionFailed", 412, new Trouble("precondition_failed", "a")],
  ["NoSuchKey", 404, troubleOfStatus(404, "it")],
  ["AccessDenied", 403, troubleOfStatus(403, "it")],
  ["InternalError", 502, troubleOfStatus(500, "it")],
])("%s: %d", (code, status, trouble) => {
  const told = explainToS3(trouble, at("/"));
  expect([told.status, /<Code>(.*)<\/Code>/.exec(told.body)?.[1]]).toEqual([status, code]);
});
