/** Names of addresses. */
import { expect, test } from "bun:test";
import { reverseAddress } from "../../../../../commands/tproxy/names/reverse.ts";
import { formatIp } from "../../../../../lib/wire/ip.ts";

const read = (name: string) => {
  const ip = reverseAddress(name);
  return ip && formatIp(ip);
};

test("of both families", () => {
  expect(read("5.0.18.198.in-addr.arpa")).toBe("198.18.0.5");
  // The example of RFC 3596 section 2.5.
  const nibbles = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4";
  expect(read(`${nibbles}.ip6.arpa`)).toBe("4321:0:1:2:3:4:567:89ab");
});

test("all others are none", () => {
  for (const name of [
    "18.198.in-addr.arpa",
    "1.5.0.18.198.in-addr.arpa",
    "05.0.18.198.in-addr.arpa",
    "256.0.18.198.in-addr.arpa",
  ])
    expect(read(name)).toBeUndefined();
  for (const name of ["in-addr.arpa", "arpa", "ip6.arpa", `${"g.".repeat(32)}ip6.arpa`, `${"00".repeat(32)}ip6.arpa`])
    expect(read(name)).toBeUndefined();
});
