/** The flags of `portail tproxy dns` as values, and those that make no sense. */
import { expect, test } from "bun:test";
import { dnsArgs } from "../../../../commands/tproxy/dns-flags.ts";
import { parseDns } from "../../../../commands/tproxy/dns-settings.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";

const BASE = ["--listen", "127.0.0.1:53", "--match", "*"];
const parse = (...argv: string[]) =>
  parseDns(completeArgs(dnsArgs, vetArgv(argv, dnsArgs)) as ParsedArgs<typeof dnsArgs>);

test("what stands for itself", () => {
  const { ranges, ttl, rest, timeout, mostWaiting, mostConnections, idle, resolvers, allowFrom } = parse(...BASE);
  expect(ranges.map(({ text }) => text)).toEqual(["198.18.0.0/15"]);
  expect({ ttl, rest, timeout, mostWaiting, mostConnections, idle, resolvers, allowFrom }).toEqual({
    ttl: 30,
    rest: 86_430_000,
    timeout: 2000,
    mostWaiting: 1024,
    mostConnections: 128,
    idle: 10_000,
    resolvers: [],
    allowFrom: [],
  });
});

test("resolvers by address, with a port or without", () => {
  const texts = ["192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:5353"];
  expect(parse(...BASE, ...texts.flatMap((text) => ["--upstream", text])).resolvers).toEqual([
    { ip: "192.0.2.1", port: 53 },
    { ip: "192.0.2.1", port: 5353 },
    { ip: "2001:db8::1", port: 53 },
    { ip: "2001:db8::1", port: 53 },
    { ip: "2001:db8::1", port: 5353 },
  ]);
});

test("a name with an address comes before patterns, one of each family", () => {
  const { match, fixed } = parse(...BASE, "--map", "DB.example=127.77.0.1", "--map", "db.example=fd00::1");
  expect(fixed.map(({ name, ip }) => [name, ip.family])).toEqual([
    ["db.example", 4],
    ["db.example", 6],
  ]);
  expect([match("db.example"), match("other.example")]).toEqual(["here", "if real"]);
});

test.each([
  [["--match", "*"], "usage.missing", 64],
  [["--listen", "127.0.0.1:53"], "usage.missing", 64],
  [[...BASE, "--upstream", "resolver.example"], "usage.value", 64],
  [[...BASE, "--upstream", "0.0.0.0"], "usage.value", 64],
  [[...BASE, "--upstream", "192.0.2.1:0"], "usage.value", 64],
  [[...BASE, "--upstream", "192.0.2.1:65536"], "usage.value", 64],
  [[...BASE, "--map", "db.example"], "usage.value", 64],
  [[...BASE, "--map", "db.example=host"], "usage.value", 64],
  [[...BASE, "--map", "10.0.0.1=127.77.0.1"], "usage.value", 64],
  [[...BASE, "--map", "a.example=::"], "usage.value", 64],
  [[...BASE, "--map", "a.example=127.77.0.1", "--map", "b.example=127.77.0.1"], "tproxy.map_twice", 78],
  [[...BASE, "--map", "a.example=127.77.0.1", "--map", "a.example=127.77.0.2"], "tproxy.map_twice", 78],
  [[...BASE, "--allow-from", "everybody"], "usage.value", 64],
  [[...BASE, "--range", "8.8.8.0/24"], "tproxy.range", 64],
  [[...BASE, "--ttl", "0"], "usage.value", 64],
  [[...BASE, "--ttl", "8d"], "usage.value", 64],
  [[...BASE, "--max-waiting", "0"], "usage.value", 64],
  [[...BASE, "--status", "https://127.0.0.1:9100"], "status.address", 64],
  [[...BASE, "--match", "a..b"], "tproxy.name_pattern", 64],
])("%j is refused", (argv, code, exit) => {
  expect(() => parse(...argv)).toThrow(expect.objectContaining({ code, exit }));
});
