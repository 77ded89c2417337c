/** Requests of HTTP/2 as HTTP/1.1 states them, and answers of HTTP/1.1 as HTTP/2 does (RFC 9113 section 8.2 and 8.3). No I/O. */
import type { HeaderField } from "../wire/hpack.ts";
import { forwardTarget, responseFields, splitPath, type Field, type ForwardTarget } from "../wire/http-forward.ts";
import { isFieldName, isFieldValue, valueOf, type Http2Request } from "./http2-request.ts";

/** Methods whose requests say nothing of a length where they have no content (RFC 9110 section 8.6). */
const WITHOUT_CONTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/** What URLs are written in (RFC 3986 section 2), and nothing that a parser of HTTP/1.1 would stop at. */
const VISIBLE = /^[\x21-\x7e]+$/;

/** Undefined for what is no `http://` request that makes sense: another scheme, no path, or two hosts. */
export function targetOfRequest({ method, scheme, authority, path, fields }: Http2Request): ForwardTarget | undefined {
  if (scheme?.toLowerCase() !== "http" || path === undefined || !VISIBLE.test(authority + path)) return undefined;
  const asterisk = method === "OPTIONS" && path === "*";
  const target = asterisk || path.startsWith("/") ? forwardTarget(authority, asterisk ? "/" : path) : undefined;
  const host = valueOf(fields, "host");
  if (target === undefined || (host !== undefined && !isSame(target, host))) return undefined;
  return asterisk ? { ...target, ...splitPath("*") } : target;
}

/** Section 8.3.1: two names of one origin, or a reader further on would take the other one. */
function isSame(target: ForwardTarget, host: string): boolean {
  const named = forwardTarget(host, "");
  return named?.host.toLowerCase() === target.host.toLowerCase() && named.port === target.port;
}

/**
 * The fields of a request to `authority` as they would have come in HTTP/1.1: with Host, one Cookie, and what says how
 * the content is sent. `ended`: there is none.
 */
export function toHttp1Fields({ method, fields }: Http2Request, authority: string, ended: boolean): Field[] {
  const cookies = fields.filter(([name]) => name === "cookie").map(([, value]) => value);
  const others = fields.filter(([name]) => name !== "host" && name !== "cookie");
  return [
    ["host", authority],
    ...others,
    ...(cookies.length === 0 ? [] : [["cookie", cookies.join("; ")] as const]),
    ...framing(method, valueOf(fields, "content-length"), ended),
  ];
}

function framing(method: string, length: string | undefined, ended: boolean): Field[] {
  if (length !== undefined) return [];
  if (!ended) return [["transfer-encoding", "chunked"]];
  return WITHOUT_CONTENT.has(method) ? [] : [["content-length", "0"]];
}

/** The head of an answer. Undefined where it is none that HTTP/2 can carry: interim, or with characters that fields cannot have. */
export function toHttp2Answer(status: number, fields: readonly Field[]): HeaderField[] | undefined {
  if (status < 200 || status > 599) return undefined;
  const chunked = fields.some(([name]) => name.toLowerCase() === "transfer-encoding");
  const answer: HeaderField[] = [[":status", String(status)]];
  for (const [name, given] of responseFields(fields)) {
    const lower = name.toLowerCase();
    const value = given.replaceAll(/^[\t ]+|[\t ]+$/g, "");
    if (!isFieldName(lower) || !isFieldValue(value)) return undefined;
    // A length that is not that of the content would make the answer malformed (RFC 9110 section 8.6).
    if (lower === "content-length" && (chunked || status === 204)) continue;
    answer.push([lower, value]);
  }
  return answer;
}
