/** SPIFFE IDs by the rules of the standard, one by one. */
import { expect, test } from "bun:test";
import { isSpiffeId } from "../../../../lib/identity/spiffe-id.ts";

test.each([
  // The examples of the standard, section 2.2.
  "spiffe://staging.example.com/payments/mysql",
  "spiffe://k8s-west.example.com/ns/staging/sa/default",
  "spiffe://example.com/9eebccd2-12bf-40a6-b262-65fe0487d453",
  "spiffe://trust_domain_name.example.com/A-z.0_9",
  "spiffe://10.0.0.1/a",
  "spiffe://td/...",
  `spiffe://td/${"a".repeat(2048 - 12)}`,
  `spiffe://${"a".repeat(255)}/b`,
])("%s", (text) => expect(isSpiffeId(text)).toBe(true));

test.each([
  ["no path", "spiffe://td"],
  ["the root path", "spiffe://td/"],
  ["a slash at the end", "spiffe://td/a/"],
  ["an empty segment", "spiffe://td/a//b"],
  ["a segment that points up", "spiffe://td/a/../b"],
  ["a segment that points nowhere", "spiffe://td/./a"],
  ["an empty trust domain", "spiffe:///a"],
  ["a trust domain with capitals", "spiffe://Td/a"],
  ["another spelling of the scheme", "SPIFFE://td/a"],
  ["another scheme", "https://td/a"],
  ["a port", "spiffe://td:443/a"],
  ["user information", "spiffe://u@td/a"],
  ["a percent-encoded byte", "spiffe://td/a%41"],
  ["a query", "spiffe://td/a?b"],
  ["a fragment", "spiffe://td/a#b"],
  ["a letter beyond ASCII", "spiffe://td/é"],
  ["an IPv6 address", "spiffe://[::1]/a"],
  ["more than 2048 bytes", `spiffe://td/${"a".repeat(2048 - 11)}`],
  ["a trust domain of more than 255 bytes", `spiffe://${"a".repeat(256)}/b`],
  ["nothing", ""],
])("none: %s", (_, text) => expect(isSpiffeId(text)).toBe(false));
