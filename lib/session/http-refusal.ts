/** A refusal as HTTP says it: status, Proxy-Status (RFC 9209) and a short body. Names no rule. */
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

/** `message` is for the person at the client: one sentence without rule names. */
export function answerRefusal(refusal: Refusal, message: string): RefusalAnswer {
  const { status, phrase, error } = REFUSALS[refusal];
  const refused = answer(status, phrase, `portail; error=${error}`, message);
  // RFC 9110 section 15.5.6 asks for it.
  return status === 405 ? { ...refused, headers: { Allow: METHODS, ...refused.headers } } : refused;
}

const METHODS = "CONNECT, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

/** 407 with the one scheme that is taken. */
export function answerUnauthenticated(message: string): RefusalAnswer {
  const asked = answer(407, "Proxy Authentication Required", "portail; error=http_request_denied", message);
  return { ...asked, headers: { "Proxy-Authenticate": 'Basic realm="portail", charset="UTF-8"', ...asked.headers } };
}

function answer(status: number, phrase: string, proxyStatus: string, message: string): RefusalAnswer {
  const body = `${status} ${phrase}: ${message}\n`;
  const headers = {
    "Proxy-Status": proxyStatus,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-store",
    Connection: "close",
  };
  return { status, phrase, headers, body };
}

/** The answer as HTTP/1.1 bytes. */
export function encodeAnswer({ status, phrase, headers, body }: RefusalAnswer): Uint8Array {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`HTTP/1.1 ${status} ${phrase}\r\n${lines.join("")}\r\n${body}`);
}
