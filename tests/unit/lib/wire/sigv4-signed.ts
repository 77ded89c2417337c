/** A request signed in its headers, the same as a presigned URL, and what is said of them when they are changed. Not a test. */
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { PLAIN_SHA256 as SHA256 } from "../../../../lib/wire/sha256.ts";
import type { RequestHead } from "../../../../lib/wire/sigv4-canonical.ts";
import { verifySignature } from "../../../../lib/wire/sigv4-verify.ts";
import { presign, signHeaders, type Credentials } from "../../../../lib/wire/sigv4.ts";

export const CREDENTIALS: Credentials = { accessKeyId: "AKID", secretAccessKey: "secret", region: "eu-west-3" };
export const NOW = Date.UTC(2026, 10, 26, 12);
export const MINUTE = 60_000;

export const BARE: RequestHead = {
  method: "GET",
  path: "/bucket/a%20b",
  query: "prefix=x&versionId=7",
  headers: [
    ["Host", "s3.example"],
    ["Range", "bytes=0-9"],
    ["X-Amz-Meta-A", "b"],
  ],
};
export const SIGNED = signHeaders(BARE, CREDENTIALS, { date: NOW, payload: "UNSIGNED-PAYLOAD" }, SHA256).head;
export const PRESIGNED = presign(BARE, CREDENTIALS, { date: NOW, expires: 3600 }, SHA256);

/** `ok`, or the code and the reason. */
export function verdict(head: RequestHead, credentials = CREDENTIALS, now = NOW): string {
  const verified = verifySignature(head, credentials, now, SHA256);
  return verified.kind === "ok" ? "ok" : `${verified.code}: ${verified.reason}`;
}

export function withHeader(name: string, change: (value: string) => string | undefined, head = SIGNED): RequestHead {
  const headers = head.headers.flatMap(([given, value]): Field[] => {
    const changed = given.toLowerCase() === name ? change(value) : value;
    return changed === undefined ? [] : [[given, changed]];
  });
  return { ...head, headers };
}

export const MISMATCH = "SignatureDoesNotMatch: the signature does not match";
