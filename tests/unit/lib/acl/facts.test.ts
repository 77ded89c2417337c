/** The table of facts is an interface: names, types and commands change only on purpose. */
import { expect, test } from "bun:test";
import { FACTS, FAMILIES, lookupFact, storedFact, valueFromJson } from "../../../../lib/acl/facts.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

const line = ([name, { type, commands }]: [string, { type: string; commands: readonly string[] }]) =>
  `${name} ${type} ${commands.join(",")}`;

test("the facts", () => {
  expect(Object.entries(FACTS).map(line).join("\n")).toMatchInlineSnapshot(`
    "command string socks,tproxy,tunnel,mux,s3crypt
    client.ip address socks,tproxy,tunnel,mux,s3crypt
    client.port number socks,tproxy,tunnel,mux,s3crypt
    client.uid number socks,tproxy,tunnel,mux,s3crypt
    client.gid number socks,tproxy,tunnel,mux,s3crypt
    client.pid number tproxy
    client.executable string tproxy
    client.cgroup string tproxy
    client.auth string socks,tproxy,tunnel,mux,s3crypt
    client.user string socks
    client.cn string socks,tunnel,mux,s3crypt
    client.ou strings socks,tunnel,mux,s3crypt
    client.dns strings socks,tunnel,mux,s3crypt
    client.uri strings socks,tunnel,mux,s3crypt
    client.ip_names strings socks,tunnel,mux,s3crypt
    client.email strings socks,tunnel,mux,s3crypt
    client.spiffe string socks,tunnel,mux,s3crypt
    client.issuer string socks,tunnel,mux,s3crypt
    client.serial string socks,tunnel,mux,s3crypt
    client.pin string socks,tunnel,mux,s3crypt
    client.not_before instant socks,tunnel,mux,s3crypt
    client.not_after instant socks,tunnel,mux,s3crypt
    upstream.name host socks,tproxy,tunnel,mux
    upstream.cn string socks,tproxy,tunnel,mux
    upstream.ou strings socks,tproxy,tunnel,mux
    upstream.dns strings socks,tproxy,tunnel,mux
    upstream.uri strings socks,tproxy,tunnel,mux
    upstream.ip_names strings socks,tproxy,tunnel,mux
    upstream.email strings socks,tproxy,tunnel,mux
    upstream.spiffe string socks,tproxy,tunnel,mux
    upstream.issuer string socks,tproxy,tunnel,mux
    upstream.serial string socks,tproxy,tunnel,mux
    upstream.pin string socks,tproxy,tunnel,mux
    upstream.not_before instant socks,tproxy,tunnel,mux
    upstream.not_after instant socks,tproxy,tunnel,mux
    peer.ip address socks,tproxy,tunnel,mux,s3crypt
    listen.port number socks,tproxy,tunnel,mux,s3crypt
    proxy.protocol string socks
    proxy.version string socks
    proxy.cmd string socks
    host host socks,tproxy,tunnel,mux,s3crypt
    port number socks,tproxy,tunnel,mux
    dest.ip address socks,tproxy,mux
    method string socks,s3crypt
    path string socks,s3crypt
    query string socks,s3crypt
    scheme string socks,s3crypt
    tls.server_name host tunnel,mux
    tls.protocol_id string tproxy,tunnel,mux
    tls.protocol_ids strings tunnel,mux
    tls.version string socks,tproxy,tunnel,mux,s3crypt
    tunnel.name string tunnel
    tproxy.rule string tproxy
    mux.route string mux
    route.local boolean socks
    s3.bucket string s3crypt
    s3.key string s3crypt
    s3.operation string s3crypt
    user.name string socks,tproxy,tunnel,mux,s3crypt
    user.groups strings socks,tproxy,tunnel,mux,s3crypt
    user.email string socks,tproxy,tunnel,mux,s3crypt
    device.id string socks,tproxy,tunnel,mux,s3crypt
    device.managed boolean socks,tproxy,tunnel,mux,s3crypt
    geo.country string socks,tproxy,tunnel,mux,s3crypt
    geo.asn number socks,tproxy,tunnel,mux,s3crypt
    risk.score number socks,tproxy,tunnel,mux,s3crypt
    now instant socks,tproxy,tunnel,mux,s3crypt
    time clock socks,tproxy,tunnel,mux,s3crypt
    weekday clock socks,tproxy,tunnel,mux,s3crypt
    decision.outcome string explain
    decision.policy string explain
    decision.reason string explain"
  `);
});

test("the open families", () => {
  expect(Object.entries(FAMILIES).map(line).join("\n")).toMatchInlineSnapshot(`
    "header string socks,s3crypt
    user any socks,tproxy,tunnel,mux,s3crypt
    device any socks,tproxy,tunnel,mux,s3crypt
    geo any socks,tproxy,tunnel,mux,s3crypt
    risk any socks,tproxy,tunnel,mux,s3crypt
    challenge boolean socks,tproxy,tunnel,mux,s3crypt"
  `);
});

test("every fact is described in one line", () => {
  for (const { doc } of [...Object.values(FACTS), ...Object.values(FAMILIES)]) expect(doc).toMatch(/^[^\n]{5,110}$/);
});

test("names are looked up exactly, header names without regard to case", () => {
  expect(lookupFact("host")?.spec.type).toBe("host");
  expect(lookupFact("header.User-Agent")?.name).toBe("header.user-agent");
  expect(lookupFact("user.clearance.level")).toMatchObject({ name: "user.clearance.level", spec: { type: "any" } });
  expect(lookupFact("user.groups")?.spec.type).toBe("strings");
  expect(lookupFact("challenge.mfa")?.spec.type).toBe("boolean");
  for (const name of [
    "Host",
    "hots",
    "user",
    "user.",
    "",
    "constructor",
    "toString",
    "header",
    "__proto__.x",
    ".x",
    "client.ip.x",
  ])
    expect(lookupFact(name)).toBeUndefined();
});

test("time and weekday are read from now", () => {
  expect([storedFact("time"), storedFact("weekday"), storedFact("host")]).toEqual(["now", "now", "host"]);
});

const valueOf = (name: string, value: unknown) => valueFromJson(lookupFact(name)!.spec.type, value);

test("values from JSON are of the fact's type or refused", () => {
  expect(valueOf("dest.ip", "10.0.0.1")).toEqual(parseIp("10.0.0.1")!);
  expect(valueOf("client.ou", ["a", "b"])).toEqual(["a", "b"]);
  expect(valueOf("now", "2026-01-01T00:00:00Z")).toBe(Date.UTC(2026, 0, 1));
  expect(valueOf("now", 12)).toBe(12);
  expect(valueOf("route.local", false)).toBe(false);
  expect(valueOf("user.level", 3)).toBe(3);
  expect(valueOf("user.tags", ["x"])).toEqual(["x"]);
  expect(valueOf("host", "a.test")).toBe("a.test");
  for (const [name, value] of [
    ["dest.ip", "127.1"],
    ["dest.ip", 1],
    ["port", "443"],
    ["port", Number.NaN],
    ["client.ou", "a"],
    ["client.ou", [1]],
    ["route.local", "true"],
    ["host", 1],
    ["now", "soon"],
    ["time", "08:00"],
    ["user.x", null],
    ["user.x", {}],
  ] as const) {
    expect([name, valueOf(name, value)]).toEqual([name, undefined]);
  }
});
