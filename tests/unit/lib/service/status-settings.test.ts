/** The value of `--status` and its company. */
import { describe, expect, test } from "bun:test";
import { parseStatus } from "../../../../lib/service/status-settings.ts";

type Given = Parameters<typeof parseStatus>[0];

const parse = (status: string | undefined, shutdown = false, more: Partial<Given> = {}) =>
  parseStatus({
    status,
    "enable-shutdown": shutdown,
    "status-acl": undefined,
    "status-cacert": [],
    "status-name": [],
    ...more,
  });

test("without --status there is none", () => {
  expect(parse(undefined)).toBeUndefined();
});

describe("what is taken", () => {
  test.each([
    ["127.0.0.1:6060", { kind: "tcp", host: "127.0.0.1", port: 6060 }, undefined],
    [":6060", { kind: "tcp", host: "::", port: 6060 }, undefined],
    ["http://localhost:6060", { kind: "tcp", host: "localhost", port: 6060 }, "http"],
    ["https://[::1]:6060", { kind: "tcp", host: "::1", port: 6060 }, "https"],
    ["unix:/run/status", { kind: "unix", path: "/run/status" }, undefined],
    ["systemd:status", { kind: "systemd", name: "status" }, undefined],
  ] as const)("%s", (text, endpoint, scheme) => {
    const names = endpoint.kind === "tcp" ? [endpoint.host] : [];
    expect(parse(text)).toEqual({ endpoint, scheme, shutdown: false, clients: undefined, names });
    expect(parse(text, true)).toMatchObject({ shutdown: true });
  });
});

test("names are canonical, that of the address among them; an ACL goes with its authorities", () => {
  const names = ["Proxy.EXAMPLE", "bücher.example"];
  expect(parse("Here.example:1", false, { "status-name": names })).toMatchObject({
    names: ["here.example", "proxy.example", "xn--bcher-kva.example"],
  });
  const clients = { "status-acl": "a", "status-cacert": ["c", "d"] };
  expect(parse("127.0.0.1:1", false, clients)).toMatchObject({ clients: { acl: "a", cacert: ["c", "d"] } });
});

describe("what is refused: status 64", () => {
  test.each(["", "6060", "stdio", "fd:3", "http://unix:/run/status", "https://systemd:x", "ftp://h:1", "http://h:1/x"])(
    "%j",
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ exit: 64 }));
      expect(() => parse(text)).toThrow("--status");
    },
  );

  test.each<Partial<Given>>([{ "status-acl": "a" }, { "status-cacert": ["c"] }, { "status-name": ["n"] }])(
    "%j alone",
    (more) => {
      expect(() => parse(undefined, false, more)).toThrow(expect.objectContaining({ code: "usage.missing", exit: 64 }));
    },
  );

  test.each<[string, Partial<Given>, string]>([
    ["127.0.0.1:1", { "status-acl": "a" }, "usage.missing"],
    ["127.0.0.1:1", { "status-cacert": ["c"] }, "usage.missing"],
    ["http://127.0.0.1:1", { "status-acl": "a", "status-cacert": ["c"] }, "usage.conflict"],
    ["unix:/run/status", { "status-acl": "a", "status-cacert": ["c"] }, "usage.conflict"],
    ["127.0.0.1:1", { "status-name": ["a b"] }, "usage.value"],
    ["127.0.0.1:1", { "status-name": [""] }, "usage.value"],
  ])("%s with %j", (text, more, code) => {
    expect(() => parse(text, false, more)).toThrow(expect.objectContaining({ code, exit: 64 }));
  });

  test("--enable-shutdown alone: there is nowhere to ask", () => {
    expect(() => parse(undefined, true)).toThrow(expect.objectContaining({ code: "usage.missing", exit: 64 }));
  });
});
