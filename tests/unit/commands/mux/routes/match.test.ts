/** The texts by which routes are chosen, right and wrong. */
import { describe, expect, test } from "bun:test";
import {
  formatProtocolId,
  formatServerName,
  parseBytesPattern,
  parseFirstBytes,
  parseNamePattern,
  parseProtocolId,
  parseServerName,
  PLAIN_NAMES,
} from "../../../../../commands/mux/routes/match.ts";
import { PortailError } from "../../../../../lib/command/errors.ts";

function refused(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    if (error instanceof PortailError) return error.message;
    throw error;
  }
  throw new Error("it is not refused");
}

describe("server names", () => {
  test.each([
    ["a.example", { kind: "exact", name: "a.example" }, "a.example"],
    ["A.Example.", { kind: "exact", name: "a.example" }, "a.example"],
    ["bücher.example", { kind: "exact", name: "xn--bcher-kva.example" }, "xn--bcher-kva.example"],
    ["*.a.example", { kind: "one", suffix: "a.example" }, "*.a.example"],
    ["**.A.example", { kind: "deep", suffix: "a.example" }, "**.a.example"],
    ["*.example", { kind: "one", suffix: "example" }, "*.example"],
  ] as const)("%s", (text, pattern, written) => {
    expect(parseServerName(text)).toEqual(pattern);
    expect(formatServerName(parseServerName(text))).toBe(written);
  });

  test.each([
    "",
    "*",
    "*.",
    "a.*",
    "*a.example",
    "***.a",
    "*.*.a",
    "127.0.0.1",
    "*.127.0.0.1",
    "[::1]",
    "a b",
    "a/b",
    "*.\n",
  ])("refused: %j", (text) => expect(refused(() => parseServerName(text))).toContain(JSON.stringify(text)));

  test("patterns", () => {
    expect(formatServerName(parseNamePattern("^a+$"))).toBe("~^a+$");
    expect(refused(() => parseNamePattern("("))).toContain("server-name-regex");
  });
});

describe("protocol ids", () => {
  test.each([
    ["h2", { kind: "exact", id: "h2" }],
    ["teleport-auth@*", { kind: "prefix", prefix: "teleport-auth@", captures: true }],
    ["teleport-mysql-**", { kind: "prefix", prefix: "teleport-mysql-", captures: false }],
  ] as const)("%s", (text, pattern) => {
    expect(parseProtocolId(text)).toEqual(pattern);
    expect(formatProtocolId(parseProtocolId(text))).toBe(text);
  });

  test("none at all", () => {
    expect(parseProtocolId("")).toEqual({ kind: "none" });
    expect(formatProtocolId({ kind: "none" })).toBe('""');
  });

  test.each(["*", "**", "*a", "a*b", "a*b*", "a***", "x".repeat(256)])("refused: %j", (text) => {
    expect(refused(() => parseProtocolId(text))).toContain("alpn");
  });
});

test("first bytes", () => {
  for (const name of PLAIN_NAMES) expect(parseFirstBytes(name)).toBe(name);
  expect(PLAIN_NAMES).toEqual(["ssh", "http", "h2", "socks5", "socks4", "postgres-cancel", "postgres-plain", "silent"]);
  for (const name of ["tls", "postgres-tls", "", "SSH"])
    expect(refused(() => parseFirstBytes(name))).toContain("first-bytes");
  expect(parseBytesPattern("^x").text).toBe("^x");
  expect(refused(() => parseBytesPattern("["))).toContain("first-bytes-regex");
});
