/** S3 requests one by one, signed, for what no client does by itself: uploads out of order, parts twice, ids of others. Asserts nothing. */
import { PLAIN_SHA256 } from "../../lib/wire/sha256.ts";
import { signHeaders } from "../../lib/wire/sigv4.ts";
import type { S3Place } from "./s3-clients/client.ts";

export interface SignedAnswer {
  status: number;
  headers: Headers;
  bytes: Buffer;
  text: string;
}

/** `target` is the key, with a query where there is one; empty is the bucket. */
export async function askSigned(
  place: S3Place,
  method: string,
  target: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Uint8Array<ArrayBuffer> } = {},
): Promise<SignedAnswer> {
  const [key, query = ""] = target.split("?", 2) as [string, string?];
  const path = `/${place.bucket}${key === "" ? "" : `/${key}`}`;
  const head = { method, path, query, headers: [["Host", new URL(place.endpoint).host], ...Object.entries(headers)] };
  const credentials = { accessKeyId: place.access, secretAccessKey: place.secret, region: place.region };
  const signed = signHeaders(
    head as never,
    credentials,
    { date: Date.now(), payload: "UNSIGNED-PAYLOAD" },
    PLAIN_SHA256,
  );
  const url = `${place.endpoint}${path}${query === "" ? "" : `?${query}`}`;
  const answer = await fetch(url, {
    method,
    headers: signed.head.headers as [string, string][],
    ...(body === undefined ? {} : { body }),
  });
  const bytes = Buffer.from(await answer.bytes());
  return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString() };
}

/** The text of the first element of that name. */
export function elementOf(text: string, name: string): string {
  const found = text.split(`<${name}>`)[1]?.split("<")[0];
  return (found ?? "").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

export async function begin(place: S3Place, key: string): Promise<string> {
  const answer = await askSigned(place, "POST", `${key}?uploads`);
  if (answer.status !== 200) throw new Error(answer.text);
  return elementOf(answer.text, "UploadId");
}

export function put(place: S3Place, key: string, id: string, part: number, body: Uint8Array<ArrayBuffer>) {
  return askSigned(place, "PUT", `${key}?partNumber=${part}&uploadId=${encodeURIComponent(id)}`, { body });
}

export function complete(place: S3Place, key: string, id: string, parts: readonly (readonly [number, string])[]) {
  const listed = parts.map(([number, tag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${tag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${listed.join("")}</CompleteMultipartUpload>`;
  return askSigned(place, "POST", `${key}?uploadId=${encodeURIComponent(id)}`, { body });
}
