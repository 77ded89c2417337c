/** Access rules: which of them lets whom in, that nothing else does, and what an operator is told. */
import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { EXIT, PortailError } from "../../../../lib/command/errors.ts";
import { type AccessInput, parseAccessRules, permits } from "../../../../lib/identity/access.ts";
import { der, oid, sequence } from "../../../support/der.ts";
import { type Names, peerWith } from "../../../support/peer.ts";

const KEY = sequence(sequence(oid("1.3.101.112")), der(0x03, [0], new Uint8Array(32).fill(5)));
const pin = (algorithm: string) => `${algorithm}:${createHash(algorithm).update(KEY).digest("base64")}`;

const CLIENT: Names = {
  cn: "client",
  ou: ["eng", "ops"],
  dns: ["a.example", "b.example"],
  uri: ["spiffe://td.example/ns/a/sa/b", "https://b.example/"],
  ip: [
    [192, 0, 2, 1],
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ],
  key: KEY,
};
const peer = peerWith(CLIENT);

describe("a rule lets in", () => {
  test.each<[string, AccessInput, string]>([
    ["everybody", { all: true }, "allow-all"],
    ["a common name", { cn: ["other", "client"] }, "allow-cn"],
    ["a glob of common names", { cn: ["cl*"] }, "allow-cn"],
    ["the second organizational unit", { ou: ["ops"] }, "allow-ou"],
    ["a glob of units", { ou: ["*ps"] }, "allow-ou"],
    ["the second DNS name", { dns: ["b.example"] }, "allow-dns"],
    ["a glob of DNS names", { dns: ["*.example"] }, "allow-dns"],
    ["an address", { ip: ["192.0.2.1"] }, "allow-ip"],
    ["an address in another spelling", { ip: ["2001:DB8:0::1"] }, "allow-ip"],
    ["a URI", { uri: ["https://b.example/"] }, "allow-uri"],
    ["a pattern of URIs", { uri: ["spiffe://td.example/ns/*/sa/*"] }, "allow-uri"],
    [
      "one of several rules, of which others do not match",
      { cn: ["x"], ou: ["x"], dns: ["x"], uri: ["x"], ip: ["192.0.2.1"] },
      "allow-ip",
    ],
    ["a pin", { spkiPin: [pin("sha256")] }, "allow-spki-pin"],
    ["a longer pin", { spkiPin: [pin("sha512")] }, "allow-spki-pin"],
    ["the second of two pins", { spkiPin: [`sha256:${"A".repeat(43)}=`, pin("sha384")] }, "allow-spki-pin"],
  ])("%s", (_, input, by) =>
    expect(permits(parseAccessRules(input, "allow"), peer)).toEqual({ ok: true, by } as never),
  );
});

test("the flag that let in has the prefix of its side", () => {
  expect(permits(parseAccessRules({ cn: ["client"] }, "verify"), peer)).toEqual({ ok: true, by: "verify-cn" });
});

describe("a rule keeps out", () => {
  test.each<[string, AccessInput]>([
    ["a common name of another case", { cn: ["Client"] }],
    ["a part of the common name", { cn: ["clien"] }],
    ["a unit that is the common name", { ou: ["client"] }],
    ["a common name that is a unit", { cn: ["eng"] }],
    ["a DNS name that is the common name", { dns: ["client"] }],
    ["a common name that is a DNS name", { cn: ["a.example"] }],
    ["a name above a DNS name", { dns: ["example"] }],
    ["another address", { ip: ["192.0.2.2"] }],
    ["a part of a URI", { uri: ["spiffe://td.example/ns/a"] }],
    ["a URI that is a DNS name", { uri: ["a.example"] }],
  ])("%s", (_, input) => {
    expect(permits(parseAccessRules(input, "allow"), peer)).toMatchObject({
      ok: false,
      reason: "no_access_rule_matches",
    });
  });

  test("a certificate without names, but from all", () => {
    const nobody = peerWith({});
    const rules = parseAccessRules({ cn: ["*"], ou: ["*"], dns: ["*"], uri: ["**"], ip: ["192.0.2.1"] }, "allow");
    expect(permits(rules, nobody)).toMatchObject({
      ok: false,
      message: "no --allow-* rule names a certificate without names",
    });
    expect(permits(parseAccessRules({ all: true }, "allow"), nobody)).toEqual({ ok: true, by: "allow-all" });
  });

  test("another key than the pinned one, by whatever names", () => {
    const other = peerWith({
      ...CLIENT,
      key: sequence(sequence(oid("1.3.101.112")), der(0x03, [0], new Uint8Array(32))),
    });
    const verdict = permits(parseAccessRules({ spkiPin: [pin("sha256"), pin("sha512")] }, "allow"), other);
    expect(verdict).toEqual({
      ok: false,
      reason: "wrong_pin",
      message: `the public key sha256:${other.pin} is not pinned`,
    });
  });

  test("a digest of one algorithm under the name of none that fits", () => {
    const crossed = `sha384:${Buffer.alloc(48).toString("base64")}`;
    expect(permits(parseAccessRules({ spkiPin: [crossed] }, "allow"), peer).ok).toBe(false);
  });
});

describe("nobody is let in", () => {
  test.each<[string, AccessInput]>([
    ["all", { all: true }],
    ["names", { cn: ["*"], dns: ["*"], uri: ["**"] }],
    ["pins", { spkiPin: [pin("sha256")] }],
  ])("without a certificate, under %s", (_, input) => {
    expect(permits(parseAccessRules(input, "allow"), undefined)).toMatchObject({ ok: false, reason: "no_certificate" });
  });

  test("by no rule", () => {
    for (const prefix of ["allow", "verify"] as const) {
      const rules = parseAccessRules({ all: false, cn: [], spkiPin: [] }, prefix);
      expect(rules.empty).toBe(true);
      expect(permits(rules, peer)).toEqual({
        ok: false,
        reason: "no_access_rule",
        message: `there is no --${prefix}-* rule`,
      });
    }
  });
});

test("who was kept out is told by all names, quoted", () => {
  const verdict = permits(
    parseAccessRules({ cn: ["x"] }, "verify"),
    peerWith({ cn: 'a"b', ou: ["x", "y"], ip: [[192, 0, 2, 1]] }),
  );
  expect(verdict).toMatchObject({ message: 'no --verify-* rule names CN "a\\"b", OU "x", "y", IP "192.0.2.1"' });
});

test("pins stand for themselves", () => {
  expect(parseAccessRules({ spkiPin: [pin("sha256")] }, "allow")).toMatchObject({ pinned: true, empty: false });
  expect(parseAccessRules({ cn: ["a"] }, "allow")).toMatchObject({ pinned: false, empty: false });
});

describe("mistakes", () => {
  function mistake(input: AccessInput): PortailError {
    try {
      parseAccessRules(input, "allow");
    } catch (error) {
      if (error instanceof PortailError) return error;
      throw error;
    }
    throw new Error("none");
  }

  const others: AccessInput[] = [{ cn: ["a"] }, { ou: ["a"] }, { dns: ["a"] }, { ip: ["192.0.2.1"] }, { uri: ["a"] }];
  test.each(others)("--allow-all beside %j", (other) => {
    const { message, code, exit, hint } = mistake({ all: true, ...other });
    expect(message).toBe(`--allow-all and --allow-${Object.keys(other)[0]} exclude each other`);
    expect([code, exit, hint]).toEqual([
      "usage.conflict",
      EXIT.usage,
      expect.stringContaining("leave one of them out"),
    ]);
  });
  test.each([...others, { all: true }])("a pin beside %j", (other) => {
    const { message, code } = mistake({ spkiPin: [pin("sha256")], ...other });
    expect(message).toMatch(/^--allow-\S+ and --allow-\S+ exclude each other$/);
    expect(message).toContain("--allow-spki-pin");
    expect(code).toBe("usage.conflict");
  });

  test.each<[string, AccessInput, string]>([
    ["an empty common name", { cn: ["a", ""] }, '--allow-cn: "" is not a name'],
    ["an empty unit", { ou: [""] }, '--allow-ou: "" is not a name'],
    ["an empty DNS name", { dns: [""] }, '--allow-dns: "" is not a name'],
    ["a name for an address", { ip: ["localhost"] }, '--allow-ip: "localhost" is not an IP address'],
    ["a network for an address", { ip: ["10.0.0.0/8"] }, '--allow-ip: "10.0.0.0/8" is not an IP address'],
    ["an empty URI pattern", { uri: [""] }, '--allow-uri: "" is not a URI pattern'],
    ["** that is not last", { uri: ["spiffe://**/a"] }, '--allow-uri: "spiffe://**/a" is not a URI pattern'],
    ["a pin without an algorithm", { spkiPin: ["A".repeat(43) + "="] }, "is not a pin"],
    ["a pin of an unknown algorithm", { spkiPin: [`sha1:${Buffer.alloc(20).toString("base64")}`] }, "is not a pin"],
    ["a pin of the wrong length", { spkiPin: [`sha256:${Buffer.alloc(48).toString("base64")}`] }, "is not a pin"],
    ["a pin in hex", { spkiPin: [`sha256:${"ab".repeat(32)}`] }, "is not a pin"],
    ["a pin without padding", { spkiPin: [pin("sha256").replace("=", "")] }, "is not a pin"],
    ["a pin with stray bits", { spkiPin: [`sha256:${"A".repeat(42)}B=`] }, "is not a pin"],
    ["a pin with a line break", { spkiPin: [`${pin("sha256")}\n`] }, "is not a pin"],
    ["a pin of an inherited name", { spkiPin: ["toString:AAAA"] }, "is not a pin"],
    ["an empty pin", { spkiPin: [""] }, "is not a pin"],
  ])("%s", (_, input, message) => {
    const error = mistake(input);
    expect(error.message).toContain(message);
    expect([error.code, error.exit]).toEqual(["usage.value", EXIT.usage]);
    expect(error.hint).toBeString();
  });
});
