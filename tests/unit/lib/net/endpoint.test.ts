/** The forms of an endpoint, and what is none. */
import { describe, expect, test } from "bun:test";
import { PortailError } from "../../../../lib/command/errors.ts";
import {
  formatEndpoint,
  formatHostPort,
  isLoopback,
  parseEndpoint,
  type Endpoint,
} from "../../../../lib/net/endpoint.ts";

const FORMS: [text: string, endpoint: Endpoint, formatted?: string][] = [
  ["127.0.0.1:1080", { kind: "tcp", host: "127.0.0.1", port: 1080 }],
  ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
  ["[::1]:65535", { kind: "tcp", host: "::1", port: 65535 }],
  [":80", { kind: "tcp", host: "::", port: 80 }, "[::]:80"],
  ["unix:/run/portail.sock", { kind: "unix", path: "/run/portail.sock" }],
  ["unix:a:b", { kind: "unix", path: "a:b" }],
  ["systemd:socks", { kind: "systemd", name: "socks" }],
  ["fd:3", { kind: "fd", fd: 3 }],
  ["stdio", { kind: "stdio" }],
];

describe("the forms", () => {
  test.each(FORMS)("%s", (text, endpoint, formatted = text) => {
    expect(parseEndpoint(text, "--listen")).toEqual(endpoint);
    expect(formatEndpoint(endpoint)).toBe(formatted);
    expect(parseEndpoint(formatted, "--listen")).toEqual(endpoint);
  });
});

describe("what is none of them is refused, with the flag and the reason", () => {
  test.each([
    ["", "port is missing"],
    ["localhost", "port is missing"],
    ["localhost:", "not a number"],
    ["localhost:http", "not a number"],
    ["localhost:65536", "not a number"],
    ["localhost:-1", "not a number"],
    ["localhost:+1", "not a number"],
    ["localhost:0x50", "not a number"],
    ["localhost:00000080", "not a number"],
    ["::1:80", "brackets"],
    ["[::1:80", "bracket is missing"],
    ["local host:80", "character"],
    ["me@host:80", "character"],
    ["http://host:80", "brackets"],
    ["host/path:80", "character"],
    ["unix:", "path is empty"],
    [`unix:/${"a".repeat(107)}`, "107 bytes"],
    ["systemd:", "name is empty"],
    ["fd:", "not a number"],
    ["fd:x", "not a number"],
    ["fd:1048577", "not a number"],
  ])("%j", (text, why) => {
    const attempt = () => parseEndpoint(text, "--listen");
    expect(attempt).toThrow(PortailError);
    expect(attempt).toThrow(why);
    expect(attempt).toThrow("--listen");
    expect(attempt).toThrow(expect.objectContaining({ code: "endpoint.syntax", exit: 64 }));
  });
});

test("the longest path of a UNIX socket is counted in bytes", () => {
  expect(parseEndpoint(`unix:/${"a".repeat(106)}`, "--listen").kind).toBe("unix");
  expect(() => parseEndpoint(`unix:/${"é".repeat(54)}`, "--listen")).toThrow("107 bytes");
});

test("a host and a port as one text", () => {
  expect(formatHostPort("::1", 1)).toBe("[::1]:1");
  expect(formatHostPort("a.example", 1)).toBe("a.example:1");
});

test("launchd: is refused in its own words, whatever the flag", () => {
  const attempt = () => parseEndpoint("launchd:name", "--status");
  expect(attempt).toThrow(expect.objectContaining({ code: "endpoint.launchd", exit: 64 }));
  expect(attempt).toThrow("--status: launchd: exists on macOS only");
});

describe("what leads to this machine and nowhere else", () => {
  test.each(["localhost", "127.0.0.1", "127.255.255.254", "::1"])("%s does", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  test.each(["", "::", "0.0.0.0", "127.0.0.999", "127.1", "128.0.0.1", "localhost.example", "::ffff:192.0.2.1", "::2"])(
    "%p does not",
    (host) => expect(isLoopback(host)).toBe(false),
  );
  test("an IPv6 address that holds one of loopback is routed", () => {
    for (const host of ["2002:7f00:1::", "64:ff9b::7f00:1", "::7f00:1"]) expect(isLoopback(host)).toBe(false);
  });
});
