/** The reference's configuration in our words: every key that it documents, its defaults, and mistakes told with line and hint. */
import { describe, expect, test } from "bun:test";
import { parseReferenceConfig } from "../../../../lib/command/reference-config.ts";
import { refusal } from "../identity/refusal.ts";

const parse = (text: string) => parseReferenceConfig(text, "p.toml");
const valuesOf = (text: string) => Object.fromEntries(parse(text).values);

/** Every key of its documentation (section 3 of the description of the reference), with values of our own. */
const WHOLE = `
filter-acl-rules-path = "/etc/portail/filter.acl"
explain-acl-rules-path = "/etc/portail/explain.acl"
public-address = "192.0.2.1"
handshake-timeout = 7
connect-timeout = 9
tcp-nodelay = true
default-backend = "hub"
max-connections = 400

[dns]
resolvers = ["192.0.2.53", "2001:db8::53"]
timeout = 3

[backends.hub]
target-address = "192.0.2.9:1080"

[backends.moving]
dynamic = true

[backends.both]
dynamic = true
target-address = "[2001:db8::9]:443"
identity-aware = true
tls-server-name = "hub.corp.test"

[listener]
cacert-file = "ca.pem"
tls-privkey = "key.pem"
tls-chain = "chain.pem"

[escaper]
cacert-file = "ca.pem"
tls-privkey = "client.key"
tls-certificate = "client.pem"
pkcs11-uri = "pkcs11:token=x"

[rpc]
admin-groups = ["wheel"]
trusted-groups = ["users", "staff"]
`;

test("every documented key is taken", () => {
  const { values, backends, backendTrust, warnings } = parse(WHOLE);
  expect(backendTrust).toBe("ca.pem");
  expect(Object.fromEntries(values)).toEqual({
    acl: "/etc/portail/filter.acl",
    "handshake-timeout": "7s",
    "connect-timeout": "9s",
    "default-backend": "hub",
    "max-concurrent-conns": "400",
    resolver: ["192.0.2.53", "2001:db8::53"],
    "dns-timeout": "3s",
    "control-admin-group": ["wheel"],
    "control-trusted-group": ["users", "staff"],
    cert: "chain.pem",
    key: "key.pem",
    tls: "optional",
    cacert: ["ca.pem"],
  });
  const plain = { dynamic: false, tls: false, serverName: undefined };
  expect(Object.fromEntries(backends)).toEqual({
    hub: { ...plain, target: "192.0.2.9:1080" },
    moving: { ...plain, target: undefined, dynamic: true },
    both: { target: "[2001:db8::9]:443", dynamic: true, tls: true, serverName: "hub.corp.test" },
  });
  expect(warnings.map((line) => /^p\.toml: "([^"]+)"/.exec(line)?.[1])).toEqual([
    "explain-acl-rules-path",
    "public-address",
    "listener.tls-chain",
    "escaper.cacert-file",
    "escaper.tls-privkey",
    "escaper.tls-certificate",
    "escaper.pkcs11-uri",
  ]);
});

describe("weakness 6.1.8: defaults that are documented and not applied, keys that are ignored", () => {
  test("the documented defaults are those", () => {
    expect(valuesOf("")).toEqual({ "handshake-timeout": "15s", "connect-timeout": "30s", "dns-timeout": "5s" });
  });

  test("connect-timeout has its other name", () => {
    expect(valuesOf("request-timeout = 5")).toMatchObject({ "connect-timeout": "5s" });
    expect(refusal(() => parse("request-timeout = 5\nconnect-timeout = 5")).code).toBe("config.repeated");
  });

  test.each([
    ["filter-acl-rule-path = 'x'", 1, 'unknown key "filter-acl-rule-path"', 'did you mean "filter-acl-rules-path"?'],
    ["\n[dns]\nresolver = []", 3, 'unknown key "dns.resolver"', 'did you mean "resolvers"?'],
    [
      "[backends.a]\ntarget-adress = '192.0.2.1:1'",
      2,
      'unknown key "backends.a.target-adress"',
      'did you mean "target-address"?',
    ],
    ["[listeners]\n", 1, 'unknown key "listeners"', 'did you mean "listener"?'],
    ["nonsense = 1", 1, 'unknown key "nonsense"', undefined],
  ])("%j is refused", (text, line, message, hint) => {
    const error = refusal(() => parse(text));
    expect(error).toMatchObject({ code: "config.unknown_key", exit: 78, message: `p.toml:${line}: ${message}`, hint });
  });

  test("an underscore in a key is a dash, as in our own files, and does not pass unseen", () => {
    expect(parse("tcp_nodelay = false").warnings).toEqual([
      expect.stringContaining("TCP_NODELAY is set on every socket"),
    ]);
    expect(parse("tcp-nodelay = true").warnings).toEqual([]);
    expect(refusal(() => parse("tcp_nodelay = true\ntcp-nodelay = true")).code).toBe("config.repeated");
  });

  test("a default backend is one that there is", () => {
    const error = refusal(() => parse('default-backend = "hob"\n[backends.hub]\ntarget-address = "192.0.2.1:1"'));
    expect(error).toMatchObject({ code: "config.unknown_backend", hint: 'did you mean "hub"?' });
  });
});

test("weakness 6.1.10: a dynamic backend with an address stays dynamic", () => {
  const { backends } = parse('[backends.a]\ndynamic = true\ntarget-address = "192.0.2.1:1"');
  expect(backends.get("a")).toMatchObject({ dynamic: true, target: "192.0.2.1:1" });
});

test.each([
  ["handshake-timeout = '15s'", "config.wrong_type"],
  ["handshake-timeout = 0", "config.wrong_type"],
  ["connect-timeout = 1.5", "config.wrong_type"],
  ["max-connections = -1", "config.wrong_type"],
  ["tcp-nodelay = 'yes'", "config.wrong_type"],
  ["public-address = 'here'", "config.wrong_type"],
  ["dns = 1", "config.wrong_type"],
  ["[dns]\nresolvers = ['one.test']", "config.wrong_type"],
  ["backends = 1", "config.wrong_type"],
  ["[backends]\nx = 1", "config.wrong_type"],
  ["[rpc]\nadmin-groups = 'wheel'", "config.wrong_type"],
  ["[backends.a]\n", "config.missing"],
  ["[backends.a]\ntarget-address = 'hub.test:1'", "config.wrong_value"],
  ["[backends.a]\ntarget-address = '192.0.2.1:0'", "config.wrong_value"],
  ["[backends.a]\ntarget-address = '192.0.2.1'", "config.wrong_value"],
  ["[listener]\ntls-chain = 'x'", "config.missing"],
  ["a =", "config.syntax"],
])("%j is refused", (text, code) => {
  expect(refusal(() => parse(text))).toMatchObject({ code, exit: 78, message: expect.stringMatching(/^p\.toml:\d/) });
});
