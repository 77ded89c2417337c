/** What listens for one program: what the program is told, and that all is taken away again, whatever happens. */
import { expect, test } from "bun:test";
import type { Signal } from "../../../../lib/command/runtime.ts";
import type { SocketAddress } from "../../../../lib/net/conn.ts";
import { ChildCommand } from "../../../../lib/service/child.ts";
import { runForProgram, type Listening } from "../../../../lib/service/for-program.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

const PLACES: SocketAddress[] = [{ path: "/run/s" }, { ip: "::1", port: 5432 }, { ip: "127.0.0.1", port: 1 }];

class Recorded implements Listening {
  readonly places = PLACES;
  readonly calls: string[] = [];
  readonly #opening: () => void;

  constructor(opening = () => {}) {
    this.#opening = opening;
  }
  async listen(): Promise<void> {
    this.calls.push("listen");
    await Promise.resolve();
    this.#opening();
  }
  async drain(): Promise<void> {
    this.calls.push("drain");
  }
  cut(): void {
    this.calls.push("cut");
  }
  async close(): Promise<void> {
    this.calls.push("close");
  }
}

const ALL = ["listen", "drain", "cut", "close"];
const exits = (...args: string[]) => new ChildCommand(["/bin/sh", "-c", ...args], [], "--env");

test("the program is told of the first place of each kind, and its status is passed on", async () => {
  const listening = new Recorded();
  const command = exits('test "$*" = "::1 5432 /run/s" && exit 9', "sh", "{host}", "{port}", "{socket}");
  expect(await runForProgram(() => command, listening, fakeRuntime())).toBe(9);
  expect(listening.calls).toEqual(ALL);
});

test.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
] as const)("%s before the program: it is not started", async (signal: Signal, status) => {
  const runtime = fakeRuntime();
  const listening = new Recorded(() => runtime.raise(signal));
  const command = () => expect.unreachable();
  expect(await runForProgram(command, listening, runtime)).toBe(status);
  expect(listening.calls).toEqual(ALL);
});

test("a place that cannot be opened, and a program that is not there", async () => {
  const closed = new Recorded(() => {
    throw new Error("in use");
  });
  expect(runForProgram(() => exits("exit 0"), closed, fakeRuntime())).rejects.toThrow("in use");
  const listening = new Recorded();
  const absent = new ChildCommand(["/nowhere/at/all"], [], "--env");
  await expect(runForProgram(() => absent, listening, fakeRuntime())).rejects.toMatchObject({
    code: "child.not_found",
  });
  expect([closed.calls, listening.calls]).toEqual([ALL, ALL]);
});
