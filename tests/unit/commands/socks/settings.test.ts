/** Flags to values, and which values contradict. */
import { describe, expect, test } from "bun:test";
import { args } from "../../../../commands/socks/flags.ts";
import { parseSettings } from "../../../../commands/socks/settings.ts";
import { emptyTables } from "../../../../lib/command/config-tables.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";
import { defaultTunnels } from "../../../../lib/service/descriptors.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

function settings(...argv: string[]) {
  return parseSettings(completeArgs(args, vetArgv(argv, args)) as ParsedArgs<typeof args>, emptyTables());
}

const ACL = ["--acl", "builtin:sample"];

test("what is on by default, and what is off", () => {
  const given = settings(...ACL);
  expect(given).toMatchObject({
    listen: [{ kind: "tcp", host: "127.0.0.1", port: 1080 }],
    acl: "builtin:sample",
    resolvers: [],
    dnsTimeout: 5000,
    handshakeTimeout: 10_000,
    life: { shutdownTimeout: 300_000, timedReload: 0 },
    mostHead: 64 * 1024,
    relay: { idle: 0, lifetime: 0, halfClosed: 0 },
    limits: { total: defaultTunnels(), perClient: 0, perUser: 0 },
    requestRate: 0,
  });
  expect([given.users, given.audit]).toEqual([undefined, undefined]);
});

test("every value arrives, with its unit", () => {
  const limits = ["--max-concurrent-conns", "7", "--max-conns-per-client", "3", "--max-header-size", "8K"];
  const more = ["--max-conns-per-user", "2", "--max-requests-per-client", "100"];
  const times = ["--idle-timeout", "1m", "--max-conn-lifetime", "2h", "--close-timeout", "3s", "--dns-timeout", "40ms"];
  const files = ["--users", "u", "--audit", "a", "--resolver", "192.0.2.1", "--resolver", "192.0.2.2:5353"];
  expect(settings(...ACL, ...limits, ...more, ...times, ...files)).toMatchObject({
    limits: { total: 7, perClient: 3, perUser: 2 },
    requestRate: 100,
    mostHead: 8192,
    relay: { idle: 60_000, lifetime: 7_200_000, halfClosed: 3000 },
    dnsTimeout: 40,
    users: "u",
    audit: { destination: "a", place: { kind: "file", path: "a" }, full: undefined },
    resolvers: ["192.0.2.1", "192.0.2.2:5353"],
  });
});

test("clients are asked for a certificate where an authority is named, and held against no other", () => {
  const identity = ["--cert", "c", "--key", "k"];
  expect(settings(...ACL, ...identity).wayIn.tls).toMatchObject({ clientCert: "off" });
  expect(settings(...ACL, ...identity, "--cacert", "a").wayIn.tls).toMatchObject({
    clientCert: "required",
    sources: { trust: { cacert: ["a"] } },
  });
  for (const mode of ["optional", "required"]) {
    const attempt = () => settings(...ACL, ...identity, "--client-cert", mode);
    expect(attempt).toThrow(expect.objectContaining({ code: "usage.missing", exit: 64 }));
  }
});

test("no policy, no start", () => {
  expect(() => settings()).toThrow(expect.objectContaining({ code: "acl.required", exit: 78 }));
});

describe("a door that is open to the network needs a reason", () => {
  const doors = ["0.0.0.0:1080", "[::]:1080", ":1080", "192.0.2.7:1080", "[2001:db8::1]:1080", "proxy.example:1080"];

  test.each(doors)("%s is refused", (listen) => {
    const attempt = () => settings(...ACL, "--listen", listen);
    expect(attempt).toThrow(expect.objectContaining({ code: "listen.open_door", exit: 78 }));
    expect(() => settings(...ACL, "--listen", "127.0.0.1:1", "--listen", listen)).toThrow("lets everybody in");
  });

  test.each(doors)("%s is taken with users, or when it is said", (listen) => {
    expect(settings(...ACL, "--listen", listen, "--users", "u").listen).toHaveLength(1);
    expect(settings(...ACL, "--listen", listen, "--unsafe-listen").listen).toHaveLength(1);
  });

  test.each(["127.0.0.1:1080", "127.8.9.10:0", "[::1]:1080", "localhost:1080", "unix:/run/portail.sock"])(
    "%s is nobody's but this machine's",
    (listen) => expect(settings(...ACL, "--listen", listen).listen).toHaveLength(1),
  );

  test.each(["127.0.0.1.example:1080", "localhost.example:1080", "128.0.0.1:1"])("%s only looks so", (listen) => {
    expect(() => settings(...ACL, "--listen", listen)).toThrow("lets everybody in");
  });
});

describe("values that make no sense: status 64", () => {
  test.each([
    ["--dns-timeout", "0"],
    ["--connect-timeout", "0"],
    ["--handshake-timeout", "0"],
    ["--handshake-timeout", "soon"],
    ["--idle-timeout", "-1s"],
    ["--max-concurrent-conns", "many"],
    ["--max-concurrent-conns", "1.5"],
    ["--max-conns-per-client", "1000001"],
    ["--max-header-size", "10"],
    ["--max-header-size", "1G"],
    ["--listen", "1080"],
    ["--udp-idle-timeout", "soon"],
  ])("%s %s", (flag, value) => {
    const attempt = () => settings(...ACL, `${flag}=${value}`);
    expect(attempt).toThrow(expect.objectContaining({ exit: 64 }));
    expect(attempt).toThrow(flag);
  });
});

describe("datagrams", () => {
  test("are off unless they are asked for", () => {
    expect(settings(...ACL).udp).toBeUndefined();
    expect(settings(...ACL, "--udp").udp).toEqual({ addresses: [], idle: 300_000 });
  });

  test("the address that clients are told, one for each family", () => {
    const given = settings(
      ...ACL,
      "--udp",
      "--udp-address",
      "192.0.2.7",
      "--udp-address",
      "2001:db8::7",
      "--udp-idle-timeout",
      "0",
    );
    expect(given.udp).toEqual({ addresses: [parseIp("192.0.2.7")!, parseIp("2001:db8::7")!], idle: 0 });
  });

  test.each(["proxy.example", "192.0.2.7:53", "[::1]", "0.0.0.0", "::"])("%s is none", (address) => {
    const attempt = () => settings(...ACL, "--udp", "--udp-address", address);
    expect(attempt).toThrow(expect.objectContaining({ code: "udp.address", exit: 64 }));
  });

  test("an address for what is off contradicts itself", () => {
    const attempt = () => settings(...ACL, "--udp-address", "192.0.2.7");
    expect(attempt).toThrow(expect.objectContaining({ code: "udp.off", exit: 78 }));
  });
});
