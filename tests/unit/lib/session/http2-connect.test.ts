/** CONNECT over HTTP/2: the fields of the request, and what answers and resets mean. */
import { expect, test } from "bun:test";
import { connectReset, Http2Connect } from "../../../../lib/session/http2-connect.ts";
import { H2_ERROR } from "../../../../lib/wire/http2.ts";

test("the request names the target and nothing that it would have over HTTP/1", () => {
  expect(new Http2Connect({ host: "db.example", port: 5432 }, undefined).fields).toEqual([
    [":method", "CONNECT"],
    [":authority", "db.example:5432"],
  ]);
  expect(new Http2Connect({ host: "2001:db8::1", port: 1 }, { user: "ann", password: "p:w" }).fields).toEqual([
    [":method", "CONNECT"],
    [":authority", "[2001:db8::1]:1"],
    ["proxy-authorization", "Basic YW5uOnA6dw=="],
  ]);
});

const request = new Http2Connect({ host: "a", port: 1 }, undefined);

test.each([
  ["200", { kind: "open" }],
  ["204", { kind: "open" }],
  ["100", { kind: "interim" }],
  ["103", { kind: "interim" }],
  ["401", { kind: "refused", code: "proxy_credentials" }],
  ["403", { kind: "refused", code: "proxy_denied" }],
  ["404", { kind: "refused", code: "proxy_failed" }],
  ["407", { kind: "refused", code: "proxy_credentials", reason: "the proxy wants credentials (HTTP status 407)" }],
  ["504", { kind: "refused", code: "proxy_timeout" }],
  ["999", { kind: "refused", code: "proxy_failed" }],
])("status %s", (status, means) => {
  expect(request.read([[":status", status]], false)).toMatchObject(means);
  expect(request.read([[":status", status]], true)).toMatchObject(
    means.kind === "interim" ? { kind: "refused", code: "proxy_malformed" } : means,
  );
});

test("an answer of 2xx has no content, whatever its fields say", () => {
  expect(
    request.read(
      [
        [":status", "200"],
        ["content-length", "5"],
      ],
      false,
    ),
  ).toEqual({ kind: "open" });
});

test("wrong credentials are told from missing ones", () => {
  const given = new Http2Connect({ host: "a", port: 1 }, { user: "ann", password: "secret" });
  const answer = given.read([[":status", "407"]], true);
  expect(answer).toMatchObject({ reason: "the proxy refuses the user or the password (HTTP status 407)" });
});

test.each([
  [H2_ERROR.connect, "proxy_failed"],
  [H2_ERROR.cancel, "proxy_failed"],
  [H2_ERROR.internal, "closed"],
  [H2_ERROR.enhanceYourCalm, "closed"],
  [H2_ERROR.http11Required, "closed"],
  [0xffffffff, "closed"],
] as const)("a reset with %i", (code, means) => {
  expect(connectReset(code).code).toBe(means);
});
