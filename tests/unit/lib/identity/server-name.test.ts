/** Server names against certificates: what RFC 9525 lets match, and everything near it that must not. */
import { describe, expect, test } from "bun:test";
import { checkServerName } from "../../../../lib/identity/server-name.ts";
import { der, sequence } from "../../../support/der.ts";
import { type Names, peerWith } from "../../../support/peer.ts";

const by = (names: Names, asked: string, cnWithoutSan = false) => {
  const verdict = checkServerName(peerWith(names), asked, { cnWithoutSan });
  return verdict.ok ? verdict.by : verdict.reason;
};
const MISMATCH = "server_name_mismatch";

describe("DNS names", () => {
  test.each([
    ["the same", "db.example", "db.example"],
    ["another case in the certificate", "DB.Example", "db.example"],
    ["another case in what was asked", "db.example", "DB.EXAMPLE"],
    ["a dot behind what was asked", "db.example", "db.example."],
    ["a dot in the certificate", "db.example.", "db.example"],
    ["a single label", "localhost", "localhost"],
    ["an underscore", "_db.example", "_db.example"],
    ["an internationalised name, asked as it is written", "xn--bcher-kva.example", "bücher.example"],
    ["an internationalised name, asked as an A-label", "xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["one label for the star", "*.example.com", "db.example.com"],
    ["an A-label for the star", "*.example.com", "xn--bcher-kva.example.com"],
    ["a star above a single label", "*.localdomain", "db.localdomain"],
    ["a star before capitals", "*.EXAMPLE.com", "db.example.com"],
  ])("match: %s", (_, dns, asked) => expect(by({ dns: ["other.test", dns] }, asked)).toBe("dns"));

  test.each([
    ["another name", "db.example", "db2.example"],
    ["a name above", "db.example", "example"],
    ["a name below", "example", "db.example"],
    ["a name that ends so", "example.com", "evilexample.com"],
    ["two labels for the star", "*.example.com", "a.b.example.com"],
    ["no label for the star", "*.example.com", "example.com"],
    ["a star within a label, front", "*b.example.com", "db.example.com"],
    ["a star within a label, back", "d*.example.com", "db.example.com"],
    ["a star within a label, middle", "d*b.example.com", "dxb.example.com"],
    ["a star within an A-label", "xn--*.example.com", "xn--bcher-kva.example.com"],
    ["a star that is not left-most", "db.*.com", "db.example.com"],
    ["two stars", "*.*.com", "db.example.com"],
    ["a star alone", "*", "localhost"],
    ["a star and a dot", "*.", "localhost"],
    ["a star before an empty label", "*..com", "db.com"],
    ["a star asked for", "db.example.com", "*.example.com"],
    ["an address in a DNS name", "192.0.2.1", "192.0.2.1"],
    ["a star for a part of an address", "*.0.2.1", "192.0.2.1"],
    ["the same with a space", "db.example ", "db.example"],
    ["another letter that looks alike", "db.example", "dв.example"],
  ])("do not match: %s", (_, dns, asked) => expect(by({ dns: [dns] }, asked)).not.toBe("dns"));
});

describe("addresses", () => {
  const ip = [
    [192, 0, 2, 1],
    [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
  ];
  test.each(["192.0.2.1", "2001:db8::1", "[2001:DB8:0:0::1]", "::ffff:192.0.2.1"])("match: %s", (asked) =>
    expect(by({ ip }, asked)).toBe("ip"),
  );
  test.each(["192.0.2.2", "2001:db8::2", "::1"])("do not match: %s", (asked) =>
    expect(by({ ip }, asked)).toBe(MISMATCH),
  );
  test("are not names: neither DNS names nor the common name stand for one", () => {
    expect(by({ cn: "192.0.2.1", dns: ["192.0.2.1"] }, "192.0.2.1")).toBe(MISMATCH);
    expect(by({ cn: "192.0.2.1" }, "192.0.2.1", true)).toBe(MISMATCH);
    expect(by({ ip }, "db.example")).toBe(MISMATCH);
  });
});

describe("the common name", () => {
  test("never counts by itself", () => expect(by({ cn: "db.example" }, "db.example")).toBe(MISMATCH));
  test("counts by option where there are no alternative names", () => {
    expect(by({ cn: "DB.example" }, "db.example", true)).toBe("cn");
    expect(by({ cn: "*.example.com" }, "db.example.com", true)).toBe("cn");
    expect(by({ cn: "ghostunnel" }, "ghostunnel", true)).toBe("cn");
    expect(by({ cn: "db.example" }, "db2.example", true)).toBe(MISMATCH);
    expect(by({}, "db.example", true)).toBe(MISMATCH);
  });
  test.each<[string, Names]>([
    ["a DNS name", { dns: ["other.example"] }],
    ["a URI", { uri: ["spiffe://td/a"] }],
    ["an address", { ip: [[192, 0, 2, 1]] }],
    ["an e-mail address", { email: ["a@b.example"] }],
    ["a directory name", { other: [der(0xa4, sequence())] }],
  ])("does not count beside %s, whatever the option", (_, names) =>
    expect(by({ cn: "db.example", ...names }, "db.example", true)).toBe(MISMATCH),
  );
});

test("URIs and e-mail addresses are no server names", () => {
  expect(by({ uri: ["https://db.example/"], email: ["a@db.example"] }, "db.example")).toBe(MISMATCH);
});

test.each(["", "a..b", "a b", "[::1", "1.2.3.4.5", "a\0b"])("what is no host matches nothing: %j", (asked) => {
  expect(by({ dns: ["a..b", "a b"], cn: "" }, asked, true)).toBe("server_name_invalid");
});

describe("messages", () => {
  const message = (names: Names, asked: string) => checkServerName(peerWith(names), asked);
  test("name what the certificate is for, quoted", () => {
    expect(message({ dns: ['a"b.test', "b.test", "c.test", "d.test"] }, "Db.example")).toMatchObject({
      message: 'the certificate is for "a\\"b.test", "b.test", "c.test" and 1 more and not for "db.example"',
    });
    expect(message({ ip: [[192, 0, 2, 1]], dns: ["a.test"] }, "192.0.2.9")).toMatchObject({
      message: 'the certificate is for "192.0.2.1" and not for "192.0.2.9"',
    });
  });
  test("tell of a common name that does not count", () => {
    expect(message({ cn: "db.example" }, "db.example")).toMatchObject({
      message: 'the certificate has no alternative names for "db.example", and its common name does not count',
    });
    expect(message({ uri: ["x:y"], cn: "db.example" }, "db.example")).toMatchObject({
      message: 'the certificate has no name of the kind of "db.example"',
    });
  });
});
