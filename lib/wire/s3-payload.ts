/** How the body of an S3 request is sent, from its headers: as it is or in frames, and what is claimed of it. Reads no body. */
import { bad, type Checked } from "./decode.ts";
import type { Field } from "./http-forward.ts";

/** What `x-amz-content-sha256` says. */
export type PayloadMode =
  | {
      kind: "plain";
      /** Lower-case hexadecimal digits, or undefined for UNSIGNED-PAYLOAD. */ sha256: string | undefined;
    }
  | { kind: "chunked"; signed: boolean; trailer: boolean };

export interface Payload {
  mode: PayloadMode;
  /** Bytes of the object; undefined where a plain body comes without Content-Length. */
  length: number | undefined;
  /** Names of announced trailers, in lower case. */
  trailers: string[];
  /** Content-Encoding without `aws-chunked`, undefined where nothing is left. */
  contentEncoding: string | undefined;
}

export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
/** SHA-256 of nothing. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CHUNKED = new Map<string, PayloadMode>([
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", { kind: "chunked", signed: true, trailer: false }],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", { kind: "chunked", signed: true, trailer: true }],
  ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", { kind: "chunked", signed: false, trailer: true }],
]);

/** Most names in `x-amz-trailer`. */
const MOST_TRAILERS = 8;
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

/** The mode that a value of `x-amz-content-sha256` names; undefined for those that are not known, as ECDSA. */
export function parsePayloadMode(value: string): PayloadMode | undefined {
  if (value === UNSIGNED_PAYLOAD) return { kind: "plain", sha256: undefined };
  if (/^[0-9a-fA-F]{64}$/.test(value)) return { kind: "plain", sha256: value.toLowerCase() };
  return CHUNKED.get(value);
}

/**
 * Reads the headers that say how the body is sent. `contentSha256` is the value that the signature was verified with;
 * frames without that mode, or that mode without a length of the object, are `bad`.
 */
export function readPayload(contentSha256: string, fields: readonly Field[]): Checked<Payload> {
  const mode = parsePayloadMode(contentSha256);
  if (mode === undefined) return bad("x-amz-content-sha256 is not known");
  const one = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (!LOOKED_AT.has(lower)) continue;
    const before = one.get(lower);
    if (before !== undefined && lower !== "x-amz-trailer") return bad(`${lower} is given twice`);
    one.set(lower, before === undefined ? value.trim() : `${before},${value}`);
  }
  const length = lengthOf(mode, one);
  if (typeof length === "string") return bad(length);
  const trailers = trailersOf(mode, one.get("x-amz-trailer"));
  if (typeof trailers === "string") return bad(trailers);
  const encodings = codings(fields);
  if (mode.kind === "plain" && encodings.some((coding) => coding.toLowerCase() === "aws-chunked"))
    return bad("aws-chunked without a streaming x-amz-content-sha256");
  const kept = encodings.filter((coding) => coding.toLowerCase() !== "aws-chunked");
  const contentEncoding = kept.length === 0 ? undefined : kept.join(",");
  return { kind: "ok", value: { mode, length, trailers, contentEncoding } };
}

/** Of these, `x-amz-trailer` may come in several lines. */
const LOOKED_AT = new Set(["content-length", "x-amz-decoded-content-length", "x-amz-trailer"]);

function lengthOf(mode: PayloadMode, fields: Map<string, string>): number | undefined | string {
  const decoded = fields.get("x-amz-decoded-content-length");
  if (mode.kind === "chunked" && decoded === undefined) return "x-amz-decoded-content-length is missing";
  const text = mode.kind === "chunked" ? decoded : fields.get("content-length");
  if (text === undefined) return undefined;
  const name = mode.kind === "chunked" ? "x-amz-decoded-content-length" : "content-length";
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : `${name} is no length`;
}

function trailersOf(mode: PayloadMode, text: string | undefined): string[] | string {
  const wanted = mode.kind === "chunked" && mode.trailer;
  if (text === undefined) return wanted ? "x-amz-trailer is missing" : [];
  if (!wanted) return "x-amz-trailer without a mode that has trailers";
  const names = text.split(",").map((name) => name.trim().toLowerCase());
  if (names.length > MOST_TRAILERS || !names.every((name) => TOKEN.test(name)) || names.includes(SIGNATURE_TRAILER))
    return "x-amz-trailer names no trailers";
  return new Set(names).size === names.length ? names : "x-amz-trailer names one twice";
}

/** The trailer that signs the others. */
export const SIGNATURE_TRAILER = "x-amz-trailer-signature";

function codings(fields: readonly Field[]): string[] {
  return fields
    .filter(([name]) => name.toLowerCase() === "content-encoding")
    .flatMap(([, value]) => value.split(","))
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "");
}
