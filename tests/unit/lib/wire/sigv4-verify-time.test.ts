/** When a signed request is too early or too late, and which of its dates counts. */
import { describe, expect, test } from "bun:test";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { PLAIN_SHA256 as SHA256 } from "../../../../lib/wire/sha256.ts";
import { canonicalHeaders, canonicalRequest, type RequestHead } from "../../../../lib/wire/sigv4-canonical.ts";
import { signCanonical, signingKey } from "../../../../lib/wire/sigv4.ts";
import { CREDENTIALS, MINUTE, NOW, PRESIGNED, SIGNED, verdict } from "./sigv4-signed.ts";

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
