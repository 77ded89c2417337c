/** Ending what was started: the whole tree, also when it does not want to, and nothing after the end. */
import { afterEach, expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processTree } from "../../../bench/support/proc.ts";
import { freePort } from "../../../support/free-port.ts";
import { canPin, pinned, startDaemon, stopAll, track } from "../../../bench/support/process.ts";

afterEach(stopAll);

test("a process is ended with its children, even if they ignore the polite signal", async () => {
  const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);";
  const script = `Bun.spawn([process.execPath, "-e", ${JSON.stringify(stubborn)}]); console.log("up"); ${stubborn}`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const running = track(child.pid);
  await child.stdout.getReader().read();
  const pids = processTree(child.pid).map(({ pid }) => pid);
  expect(pids).toHaveLength(2);
  await running.stop();
  expect(pids.flatMap((pid) => processTree(pid))).toEqual([]);
});

test("a daemon that does not start is an error with its last words", async () => {
  const argv = [process.execPath, "-e", "console.error('no such thing'); process.exit(3)"];
  const log = join(tmpdir(), `portail-bench-test-${process.pid}.log`);
  await expect(startDaemon({ argv, port: freePort(), log })).rejects.toThrow("no such thing");
  await Bun.file(log).delete();
});

test("pinning leaves the program and its arguments in place", () => {
  const argv = pinned(0, ["program", "-x"]);
  expect(argv.slice(-2)).toEqual(["program", "-x"]);
  expect(argv.length).toBe(canPin() ? 5 : 2);
});
