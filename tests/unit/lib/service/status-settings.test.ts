/** The value of `--status` and its company. */
import { describe, expect, test } from "bun:test";
import { parseStatus } from "../../../../lib/service/status-settings.ts";

const parse = (status: string | undefined, shutdown = false) => parseStatus({ status, "enable-shutdown": shutdown });

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
    expect(parse(text)).toEqual({ endpoint, scheme, shutdown: false });
    expect(parse(text, true)).toMatchObject({ shutdown: true });
  });
});

describe("what is refused: status 64", () => {
  test.each(["", "6060", "stdio", "fd:3", "http://unix:/run/status", "https://systemd:x", "ftp://h:1", "http://h:1/x"])(
    "%j",
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ exit: 64 }));
      expect(() => parse(text)).toThrow("--status");
    },
  );

  test("--enable-shutdown alone: there is nowhere to ask", () => {
    expect(() => parse(undefined, true)).toThrow(expect.objectContaining({ code: "usage.missing", exit: 64 }));
  });
});
