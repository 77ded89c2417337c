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
  expect(read(`5.${"0.".repeat(29)}d.f.ip6.arpa`)).toBe("fd00::5");
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
