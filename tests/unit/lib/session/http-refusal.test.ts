/** Refusals in the words of HTTP, after RFC 9110 and RFC 9209. */
import { describe, expect, test } from "bun:test";
import type { Refusal } from "../../../../lib/session/front.ts";
import { answerRefusal, answerUnauthenticated, encodeAnswer } from "../../../../lib/session/http-refusal.ts";

/** Statuses after RFC 9110 section 15, error types after RFC 9209 section 2.3. */
const ANSWERS: Record<Refusal, [status: number, phrase: string, error: string]> = {
  denied: [403, "Forbidden", "http_request_denied"],
  bad_request: [400, "Bad Request", "http_request_error"],
  unsupported_command: [405, "Method Not Allowed", "http_request_error"],
  unsupported_address: [400, "Bad Request", "http_request_error"],
  unsupported_coding: [501, "Not Implemented", "http_request_error"],
  name_not_found: [502, "Bad Gateway", "dns_error"],
  resolver_failed: [502, "Bad Gateway", "dns_error"],
  resolver_timeout: [504, "Gateway Timeout", "dns_timeout"],
  refused: [502, "Bad Gateway", "connection_refused"],
  host_unreachable: [502, "Bad Gateway", "destination_ip_unroutable"],
  network_unreachable: [502, "Bad Gateway", "destination_ip_unroutable"],
  connect_timeout: [504, "Gateway Timeout", "connection_timeout"],
  limit: [503, "Service Unavailable", "connection_limit_reached"],
  draining: [503, "Service Unavailable", "destination_unavailable"],
  failed: [502, "Bad Gateway", "proxy_internal_error"],
};

describe("each refusal in the words of HTTP", () => {
  test.each(Object.entries(ANSWERS) as [Refusal, [number, string, string]][])(
    "%s",
    (refusal, [status, phrase, error]) => {
      const bytes = encodeAnswer(answerRefusal(refusal, "because é"));
      const [head = "", body = ""] = Buffer.from(bytes).toString().split("\r\n\r\n");
      const [line, ...fields] = head.split("\r\n");
      expect(line).toBe(`HTTP/1.1 ${status} ${phrase}`);
      expect(fields).toContain(`Proxy-Status: portail; error=${error}`);
      expect(fields).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
      expect(fields).toContain("Connection: close");
      expect(body).toBe(`${status} ${phrase}: because é\n`);
    },
  );
});

test("details of Proxy-Status are a string of structured fields (RFC 8941 section 3.3.3)", () => {
  const { headers } = answerRefusal("denied", "no", () => {
    return { type: "text/html", body: "é", headers: { "X-A": "b" }, details: 'a"\\\r\nX: é' };
  });
  expect(headers).toMatchObject({
    "Proxy-Status": 'portail; error=http_request_denied; details="a\\"\\\\??X: ?"',
    "Content-Type": "text/html",
    "Content-Length": "2",
    "X-A": "b",
  });
});

test("407 names the scheme that is taken (RFC 9110 section 11.7.1)", () => {
  const { status, headers } = answerUnauthenticated("who?");
  expect(status).toBe(407);
  expect(headers["Proxy-Authenticate"]).toBe('Basic realm="portail", charset="UTF-8"');
});
