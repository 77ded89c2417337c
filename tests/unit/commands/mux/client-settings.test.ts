/** The flags of `mux connect`, `forward` and `exec`: what they come to, and what is refused. Opens nothing. */
import { describe, expect, test } from "bun:test";
import { execArgs, forwardArgs } from "../../../../commands/mux/client-flags.ts";
import { parseListening } from "../../../../commands/mux/client-settings.ts";
import { completeArgs, vetArgv } from "../../../../lib/command/argv.ts";
import type { ParsedArgs } from "../../../../lib/command/define.ts";
import { PortailError } from "../../../../lib/command/errors.ts";

const parse = (line: string, env: Record<string, string> = {}) => {
  const argv = line.split(" ").filter((word) => word !== "");
  return parseListening(completeArgs(forwardArgs, vetArgv(argv, forwardArgs)) as ParsedArgs<typeof forwardArgs>, env);
};
const codeOf = (action: () => unknown) => {
  try {
    action();
  } catch (error) {
    if (error instanceof PortailError) return [error.code, error.exit];
    throw error;
  }
  return undefined;
};

test("as little as possible", () => {
  expect(parse("gate.example:443")).toMatchObject({
    target: { kind: "tcp", host: "gate.example", port: 443 },
    listen: [],
    serverName: undefined,
    protocolIds: [],
    confirmed: false,
    rules: undefined,
    proxy: undefined,
    tls: { minVersion: "TLSv1.2", groups: undefined },
    connectTimeout: 10_000,
    relayLimits: { idle: 0, lifetime: 0, halfClosed: 60_000 },
  });
});

test.each([
  ["a.example:8443", { kind: "tcp", host: "a.example", port: 8443 }],
  ["[::1]:1", { kind: "tcp", host: "::1", port: 1 }],
  ["unix:/run/gate", { kind: "unix", path: "/run/gate" }],
  ["unix:gate", { kind: "unix", path: "gate" }],
] as const)("the server %s", (text, target) => expect(parse(text).target).toEqual(target));

test.each([
  ["--alpn ssh", ["ssh"], true],
  ["--alpn h2,http/1.1 --alpn=h2 --alpn x", ["h2", "http/1.1", "x"], true],
  ["--alpn ssh --alpn-optional", ["ssh"], false],
] as const)("%s", (flags, protocolIds, confirmed) => {
  expect(parse(`gate:1 ${flags}`)).toMatchObject({ protocolIds, confirmed });
});

test.each([
  ["--server-name DB.Example.", { serverName: "db.example" }],
  ["--server-name 10.1.2.3", { serverName: "10.1.2.3" }],
  ["--verify-cn db", { rules: { prefix: "verify", pinned: false } }],
  [`--verify-spki-pin sha256:${Buffer.alloc(32).toString("base64")}`, { rules: { pinned: true } }],
  ["--proxy socks5://127.0.0.1", { proxy: { protocol: "socks5", port: 1080 } }],
  ["--connect-proxy http://p:3128", { proxy: { protocol: "http", port: 3128 } }],
  ["--proxy https://p --proxy-cacert ca.pem", { proxyCa: ["ca.pem"] }],
  ["--starttls postgres", { starttls: "postgres" }],
  ["--min-tls-version TLS1.3", { tls: { minVersion: "TLSv1.3" } }],
  ["--tls-groups x25519,secp384r1", { tls: { groups: "X25519:P-384" } }],
  ["--keystore me.p12", { sources: { identity: { kind: "keystore", keystore: "me.p12" } } }],
  ["--cacert a --cacert b --crl c", { sources: { trust: { cacert: ["a", "b"], crl: ["c"] } } }],
  ["--max-concurrent-conns 3", { most: 3 }],
  [
    "--listen localhost:1 --listen unix:/s",
    { listen: [{ kind: "tcp", host: "localhost", port: 1 }, { kind: "unix" }] },
  ],
  ["--listen :1 --unsafe-listen", { listen: [{ kind: "tcp", host: "::", port: 1 }] }],
  [
    "--idle-timeout 1m --max-conn-lifetime 2m --close-timeout 0",
    { relayLimits: { idle: 6e4, lifetime: 12e4, halfClosed: 0 } },
  ],
] as const)("%s is taken", (flags, settings) => expect(parse(`gate:1 ${flags}`)).toMatchObject(settings));

test.each([
  ["", "usage.missing"],
  ["gate:1 more", "usage.extra_argument"],
  ["gate:0", "usage.value"],
  [":443", "usage.value"],
  ["gate", "endpoint.syntax"],
  ["fd:3", "usage.value"],
  ["stdio:", "endpoint.syntax"],
  ["a/b", "endpoint.syntax"],
  ["gate:1 --alpn ,", "usage.value"],
  [`gate:1 --alpn ${"x".repeat(256)}`, "usage.value"],
  ["gate:1 --alpn-optional", "usage.missing"],
  ["gate:1 --server-name a:1", "usage.value"],
  ["gate:1 --starttls smtp", "usage.value"],
  ["gate:1 --proxy ftp://p", "proxy.url"],
  ["unix:/s --proxy http://p", "usage.conflict"],
  ["gate:1 --proxy-cacert ca.pem", "usage.missing"],
  ["gate:1 --proxy http://p --proxy-cacert ca.pem", "usage.missing"],
  ["gate:1 --cert a.pem", "usage.missing"],
  [`gate:1 --crl c --verify-spki-pin sha256:${Buffer.alloc(32).toString("base64")}`, "usage.conflict"],
  ["gate:1 --listen :1", "mux.unsafe_listen"],
  ["gate:1 --listen 10.0.0.1:1", "mux.unsafe_listen"],
  ["gate:1 --listen stdio", "usage.value"],
  ["gate:1 --connect-timeout 0", "usage.value"],
  ["gate:1 --min-tls-version TLS1.1", "usage.value"],
  ["gate:1 --tls-groups X448", "usage.value"],
] as const)("%j is refused: %s", (line, code) => expect(codeOf(() => parse(line))).toEqual([code, 64]));

describe("a proxy of the environment", () => {
  const env = { https_proxy: "https://p:3128" };

  test("counts where the flag does not say otherwise", () => {
    expect(parse("gate:1 --proxy-cacert ca.pem", env)).toMatchObject({ proxy: { host: "p", port: 3128 } });
    expect(parse("gate:1 --proxy socks5://q", env)).toMatchObject({ proxy: { host: "q", port: 1080 } });
    expect(parse("gate:1 --proxy none", env).proxy).toBeUndefined();
    expect(parse("unix:/run/gate", env).proxy).toBeUndefined();
  });

  test("is told apart where it is wrong", () => {
    expect(() => parse("gate:1", { all_proxy: "socks4://p" })).toThrow("all_proxy: proxies of the scheme");
    expect(parse("gate:1 --proxy none", { all_proxy: "socks4://p" }).proxy).toBeUndefined();
  });
});

describe("a program behind the dashes", () => {
  const words = (line: string) => vetArgv(line.split(" "), execArgs);

  test("and the server before them", () => {
    const found = words("gate:1 --alpn ssh -- psql --alpn x -- y");
    expect([found.get("server"), found.get("command")]).toEqual(["gate:1", ["psql", "--alpn", "x", "--", "y"]]);
    expect(words("-- psql").has("server")).toBe(false);
  });

  test("nowhere else", () => {
    expect(codeOf(() => words("gate:1 psql"))).toEqual(["usage.extra_argument", 64]);
    expect(codeOf(() => completeArgs(execArgs, words("gate:1")))).toEqual(["usage.missing", 64]);
    expect(codeOf(() => completeArgs(execArgs, words("-- psql")))).toEqual(["usage.missing", 64]);
  });
});
