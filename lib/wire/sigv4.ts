/** AWS Signature Version 4 for S3: keys, strings to sign, requests signed in headers or in the query. Verifies nothing. */
import type { Field } from "./http-forward.ts";
import { UNSIGNED_PAYLOAD } from "./s3-payload.ts";
import { toHex, type Sha256 } from "./sha256.ts";
import {
  canonicalHeaders,
  canonicalParameter,
  canonicalPath,
  canonicalRequest,
  decodeParameter,
  encodeUri,
  parseQuery,
  sortedQuery,
  type Parameter,
  type RequestHead,
} from "./sigv4-canonical.ts";

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  region: string;
  /** Of temporary credentials. */
  sessionToken?: string;
}

/** What a signature is made with besides the request; a chain of chunks begins with it. */
export interface Signing {
  /** `20130524T000000Z`. */
  amzDate: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  scope: string;
  key: Uint8Array;
  /** Lower-case hexadecimal digits. */
  signature: string;
}

export const ALGORITHM = "AWS4-HMAC-SHA256";
/** Longest that a presigned URL may hold, in seconds: seven days. */
export const LONGEST_EXPIRES = 604_800;

/** `ms` since 1970 in UTC, to the second. */
export function formatAmzDate(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

/** Milliseconds since 1970, or undefined where that is no date. */
export function parseAmzDate(text: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
  return formatAmzDate(ms) === text ? ms : undefined;
}

function scopeOf(amzDate: string, region: string): string {
  return `${amzDate.slice(0, 8)}/${region}/s3/aws4_request`;
}

/** The key of one day, region and service. */
export function signingKey(secretAccessKey: string, scope: string, sha256: Sha256): Uint8Array {
  let key: Uint8Array = Buffer.from(`AWS4${secretAccessKey}`);
  for (const part of scope.split("/")) key = sha256.hmac(key, Buffer.from(part));
  return key;
}

/** The signature of a canonical request, in hexadecimal digits. */
export function signCanonical(
  canonical: string,
  { amzDate, scope, key }: Omit<Signing, "signature">,
  sha256: Sha256,
): string {
  const digest = toHex(sha256.hash(Buffer.from(canonical, "latin1")));
  return toHex(sha256.hmac(key, Buffer.from(`${ALGORITHM}\n${amzDate}\n${scope}\n${digest}`)));
}

/** Names of headers and parameters, in lower case, that carry a signature of version 2 or 4 and what belongs to it. */
const OF_SIGNATURES = new Set([
  "authorization",
  "awsaccesskeyid",
  "expires",
  "signature",
  "x-amz-algorithm",
  "x-amz-content-sha256",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-expires",
  "x-amz-security-token",
  "x-amz-signature",
  "x-amz-signedheaders",
]);

/** The request without any signature. `Expires` is a parameter of signatures, but a header of the object. */
export function withoutSignature(head: RequestHead): RequestHead {
  const query = head.query
    .split("&")
    .filter((part) => !OF_SIGNATURES.has(decodeParameter(part.split("=", 1)[0]!).toLowerCase()))
    .join("&");
  const headers = head.headers.filter(([name]) => {
    const lower = name.toLowerCase();
    return lower === "expires" || !OF_SIGNATURES.has(lower);
  });
  return { ...head, query, headers };
}

/** Headers that are signed: those that S3 demands, and those that say what the body is. */
function isSigned(name: string): boolean {
  return name === "host" || name === "content-type" || name === "content-md5" || name.startsWith("x-amz-");
}

/**
 * Signs in headers; signatures that are there already are removed. `head` must have its Host. `payload` is the value of
 * `x-amz-content-sha256`: a hash, UNSIGNED-PAYLOAD or a streaming mode.
 */
export function signHeaders(
  head: RequestHead,
  { accessKeyId, secretAccessKey, region, sessionToken }: Credentials,
  { date, payload }: { date: number; payload: string },
  sha256: Sha256,
): { head: RequestHead; signing: Signing } {
  const bare = withoutSignature(head);
  const amzDate = formatAmzDate(date);
  const headers: Field[] = [...bare.headers, ["x-amz-content-sha256", payload], ["x-amz-date", amzDate]];
  if (sessionToken !== undefined) headers.push(["x-amz-security-token", sessionToken]);
  const values = canonicalHeaders(headers);
  const signed = [...values.keys()].filter(isSigned).sort();
  const query = sortedQuery(parseQuery(bare.query).map(canonicalParameter));
  const canonical = canonicalRequest(head.method, canonicalPath(head.path), query, values, signed, payload);
  const scope = scopeOf(amzDate, region);
  const key = signingKey(secretAccessKey, scope, sha256);
  const signature = signCanonical(canonical, { amzDate, scope, key }, sha256);
  const credential = `Credential=${accessKeyId}/${scope}`;
  headers.push([
    "authorization",
    `${ALGORITHM} ${credential}, SignedHeaders=${signed.join(";")}, Signature=${signature}`,
  ]);
  return { head: { ...bare, headers }, signing: { amzDate, scope, key, signature } };
}

/** Signs in the query. `expires` is in seconds; the body stays unsigned. */
export function presign(
  head: RequestHead,
  { accessKeyId, secretAccessKey, region, sessionToken }: Credentials,
  { date, expires }: { date: number; expires: number },
  sha256: Sha256,
): RequestHead {
  const bare = withoutSignature(head);
  const amzDate = formatAmzDate(date);
  const scope = scopeOf(amzDate, region);
  const values = canonicalHeaders(bare.headers);
  const signed = [...values.keys()].filter((name) => name === "host" || name.startsWith("x-amz-")).sort();
  const parameters: [string, string][] = [
    ["X-Amz-Algorithm", ALGORITHM],
    ["X-Amz-Credential", `${accessKeyId}/${scope}`],
    ["X-Amz-Date", amzDate],
    ["X-Amz-Expires", String(expires)],
    ["X-Amz-SignedHeaders", signed.join(";")],
  ];
  if (sessionToken !== undefined) parameters.push(["X-Amz-Security-Token", sessionToken]);
  const added: Parameter[] = parameters.map(([name, value]) => ({ name, value: encodeUri(value) }));
  const query = sortedQuery([...parseQuery(bare.query).map(canonicalParameter), ...added]);
  const canonical = canonicalRequest(head.method, canonicalPath(head.path), query, values, signed, UNSIGNED_PAYLOAD);
  const key = signingKey(secretAccessKey, scope, sha256);
  const signature = signCanonical(canonical, { amzDate, scope, key }, sha256);
  return { ...bare, query: `${query}&X-Amz-Signature=${signature}` };
}
