/** Sockets of the service manager, found by name. */
import { describe, expect, test } from "bun:test";
import { inheritedSocket } from "../../../../lib/net/inherited.ts";

const mine = { LISTEN_PID: String(process.pid) };
const named = (name: string) => ({ kind: "systemd", name }) as const;

describe("sd_listen_fds(3): the first descriptor is 3", () => {
  const env = { ...mine, LISTEN_FDS: "3", LISTEN_FDNAMES: "web:socks:other" };

  test("the one that bears the name", () => {
    expect(inheritedSocket(named("web"), env).fd).toBe(3);
    expect(inheritedSocket(named("socks"), env)).toEqual({ fd: 4, address: { path: "systemd:socks" } });
    expect(inheritedSocket(named("other"), env).fd).toBe(5);
  });

  test("without names, all are called unknown", () => {
    expect(inheritedSocket(named("unknown"), { ...mine, LISTEN_FDS: "1" }).fd).toBe(3);
  });

  test.each([
    ["another name", "sock", env, "it passed web, socks, other"],
    ["two of that name", "a", { ...mine, LISTEN_FDS: "2", LISTEN_FDNAMES: "a:a" }, "2 inherited sockets"],
    ["meant for another process", "web", { ...env, LISTEN_PID: "1" }, "passed no sockets"],
    ["none", "web", {}, "passed no sockets"],
    ["more names than sockets", "b", { ...mine, LISTEN_FDS: "1", LISTEN_FDNAMES: "a:b" }, "it passed a"],
    ["a number that is none", "a", { ...mine, LISTEN_FDS: "many", LISTEN_FDNAMES: "a" }, "passed no sockets"],
  ])("%s is refused", (_, name, environment, why) => {
    const attempt = () => inheritedSocket(named(name), environment);
    expect(attempt).toThrow(why);
    expect(attempt).toThrow(expect.objectContaining({ code: "systemd.no_socket", exit: 78 }));
  });
});

test("fd:N needs no name", () => {
  expect(inheritedSocket({ kind: "fd", fd: 987 }, {})).toEqual({ fd: 987, address: { path: "fd:987" } });
});
