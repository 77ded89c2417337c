/** A refusal as HTTP says it: status, Proxy-Status (RFC 9209) and a body for the person. Names no rule that it is not given. */
import type { Refusal } from "./front.ts";

interface HttpRefusal {
  status: number;
  phrase: string;
  /** The error type of RFC 9209 section 2.3. */
  error: string;
}

const REFUSALS: Record<Refusal, HttpRefusal> = {
  denied: { status: 403, phrase: "Forbidden", error: "http_request_denied" },
  bad_request: { status: 400, phrase: "Bad Request", error: "http_request_error" },
  unsupported_command: { status: 405, phrase: "Method Not Allowed", error: "http_request_error" },
  unsupported_address: { status: 400, phrase: "Bad Request", error: "http_request_error" },
  unsupported_coding: { status: 501, phrase: "Not Implemented", error: "http_request_error" },
  name_not_found: { status: 502, phrase: "Bad Gateway", error: "dns_error" },
  resolver_failed: { status: 502, phrase: "Bad Gateway", error: "dns_error" },
  resolver_timeout: { status: 504, phrase: "Gateway Timeout", error: "dns_timeout" },
  refused: { status: 502, phrase: "Bad Gateway", error: "connection_refused" },
  host_unreachable: { status: 502, phrase: "Bad Gateway", error: "destination_ip_unroutable" },
  network_unreachable: { status: 502, phrase: "Bad Gateway", error: "destination_ip_unroutable" },
  connect_timeout: { status: 504, phrase: "Gateway Timeout", error: "connection_timeout" },
  limit: { status: 503, phrase: "Service Unavailable", error: "connection_limit_reached" },
  draining: { status: 503, phrase: "Service Unavailable", error: "destination_unavailable" },
  failed: { status: 502, phrase: "Bad Gateway", error: "proxy_internal_error" },
};

export interface RefusalAnswer {
  status: number;
  phrase: string;
  headers: Record<string, string>;
  body: string;
}

/** What a body is written about. */
export interface RefusalLine {
  status: number;
  phrase: string;
  message: string;
}

export interface RefusalBody {
  /** Media type. */
  type: string;
  body: string;
  /** Fields beside those that every refusal has. */
  headers?: Readonly<Record<string, string>>;
  /** For programs: what more may be said in Proxy-Status. */
  details?: string | undefined;
}

/** Writes the body; without one it is a line of text. */
export type WriteBody = (line: RefusalLine) => RefusalBody;

/** `message` is for the person at the client: one sentence without rule names. */
export function answerRefusal(refusal: Refusal, message: string, write: WriteBody = plainBody): RefusalAnswer {
  const { status, phrase, error } = REFUSALS[refusal];
  const refused = answer({ status, phrase, message }, `portail; error=${error}`, write);
  // RFC 9110 section 15.5.6 asks for it.
  return status === 405 ? { ...refused, headers: { Allow: METHODS, ...refused.headers } } : refused;
}

const METHODS = "CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** 407 with the one scheme that is taken. */
export function answerUnauthenticated(message: string): RefusalAnswer {
  const line = { status: 407, phrase: "Proxy Authentication Required", message };
  const asked = answer(line, "portail; error=http_request_denied", plainBody);
  return { ...asked, headers: { "Proxy-Authenticate": 'Basic realm="portail", charset="UTF-8"', ...asked.headers } };
}

/** The line of text that every refusal can be said in. */
export function refusalText({ status, phrase, message }: RefusalLine): string {
  return `${status} ${phrase}: ${message}\n`;
}

export const TEXT_TYPE = "text/plain; charset=utf-8";

function plainBody(line: RefusalLine): RefusalBody {
  return { type: TEXT_TYPE, body: refusalText(line) };
}

function answer(line: RefusalLine, proxyStatus: string, write: WriteBody): RefusalAnswer {
  const { type, body, headers: more, details } = write(line);
  const headers = {
    "Proxy-Status": details === undefined ? proxyStatus : `${proxyStatus}; details=${quoted(details)}`,
    "Content-Type": type,
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    ...more,
    Connection: "close",
  };
  return { status: line.status, phrase: line.phrase, headers, body };
}

/** A string of structured fields (RFC 8941 section 3.3.3): ASCII, what else there is becomes a question mark. */
function quoted(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, "\\$&")}"`;
}

/** The answer as HTTP/1.1 bytes. */
export function encodeAnswer({ status, phrase, headers, body }: RefusalAnswer): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join("")}\r\n${body}`);
}
