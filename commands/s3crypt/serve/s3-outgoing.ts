/** Requests of S3 as the storage gets them: without what is of the client's bytes and of its signature, and signed again. No I/O. */
import type { Field } from "../../../lib/wire/http-forward.ts";
import { EMPTY_SHA256, UNSIGNED_PAYLOAD } from "../../../lib/wire/s3-payload.ts";
import type { Sha256 } from "../../../lib/wire/sha256.ts";
import { decodeParameter, type RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { signHeaders, withoutSignature, type Credentials } from "../../../lib/wire/sigv4.ts";

export const FACTS_FIELD = "x-amz-meta-s3crypt";
export const SIZE_FIELD = "x-amz-meta-original-content-length";

const OURS = new Set(["x-amz-sdk-checksum-algorithm", "x-amz-trailer", "x-amz-decoded-content-length"]);

/** Fields, and parameters of presigned URLs, in lower case, that say something of bytes which only one side has. */
export function isOfOneSide(lower: string): boolean {
  return OURS.has(lower) || lower.startsWith("x-amz-checksum-") || isKept(lower);
}

/** What the proxy keeps beside an object: it must stay with it, clients neither see nor set it. */
export function isKept(lower: string): boolean {
  return lower === SIZE_FIELD || lower.startsWith(FACTS_FIELD);
}

export interface Signed {
  readonly credentials: Credentials;
  /** Milliseconds since 1970. */
  readonly date: number;
  readonly hasContent: boolean;
}

/** `head` has its Host already. Browsers ask with OPTIONS before they show who they are: that stays unsigned. */
export function signOutgoing(
  head: RequestHead,
  { credentials, date, hasContent }: Signed,
  sha256: Sha256,
): RequestHead {
  const bare = { ...head, query: queryFor(head), headers: head.headers.flatMap(withoutFraming) };
  if (head.method === "OPTIONS") return withoutSignature(bare);
  const payload = hasContent ? UNSIGNED_PAYLOAD : EMPTY_SHA256;
  return signHeaders(bare, credentials, { date, payload }, sha256).head;
}

/** Which parts an object has is told by the proxy, which asks for ranges. */
function queryFor({ method, query }: RequestHead): string {
  const reads = method === "GET" || method === "HEAD";
  const names = (part: string) => decodeParameter(part.split("=", 1)[0]!).toLowerCase();
  const parts = query.split("&");
  const ofUpload = parts.some((part) => names(part) === "uploadid");
  return parts
    .filter((part) => !isOfOneSide(names(part)) && !(reads && !ofUpload && names(part) === "partnumber"))
    .join("&");
}

function withoutFraming(field: Field): Field[] {
  const [name, value] = field;
  if (name.toLowerCase() !== "content-encoding") return [field];
  const kept = value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked");
  return kept.length === 0 ? [] : [[name, kept.join(",")]];
}
