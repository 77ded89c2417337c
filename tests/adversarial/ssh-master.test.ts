/** An ssh that lies, truncates, is slow, silent or dead: a value each time, in bounded time, and nothing is left. */
import { afterAll, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { openSshMaster, type SshFailure } from "../../lib/net/ssh.ts";
import { Scene } from "../support/scene.ts";
import { until } from "../support/until.ts";

const scene = new Scene();
afterAll(() => scene.close());
const fake = resolve(import.meta.dir, "fake-ssh.ts");
const bin = scene.mkdir("bin");
scene.write("bin/ssh", `#!/bin/sh\nexec '${process.execPath}' '${fake}' "$@"\n`, 0o755);
const runtime = scene.mkdir("run");
const TARGET = { host: "web.example", port: 80 };

function master(behaviour: string, timeout = 2000) {
  const env = { PATH: `${bin}:/usr/bin:/bin`, LANG: behaviour, XDG_RUNTIME_DIR: runtime };
  return openSshMaster({ kind: "ssh", destination: "bastion", port: undefined }, { env, timeout });
}

const gone = () => until("nothing left", () => readdirSync(runtime).length === 0);

test.each([
  ["is silent", "connect_timeout", /2000 ms/],
  ["leaves", "broken", /ssh ended/],
  ["leaves in the middle", "broken", /ssh ended/],
  ["speaks HTTP", "broken", /another protocol/],
  ["is of another version", "broken", /version 5/],
  ["announces a gigabyte", "broken", /too long/],
  ["has a reason longer than its packet", "broken", /longer than its packet/],
  ["answers something else", "broken", /packet of type/],
  ["does not permit", "broken", /not permitted/],
  ["gives no reason", "failed", /^SSH: ""$/],
  ["dies", "broken", /ssh (ended|does not answer)/],
] as const)("one that %s", async (behaviour, reason, message) => {
  const ssh = master(behaviour);
  const outcome = (await ssh.open(TARGET)) as SshFailure;
  expect(outcome.reason).toBe(reason);
  expect(outcome.message).toMatch(message);
  // What it says is quoted.
  expect(outcome.message).not.toContain("\u001b");
  ssh.close();
  await gone();
});

test("one that answers byte by byte", async () => {
  const ssh = master("byte by byte");
  const conn = await ssh.open(TARGET);
  expect(conn).not.toHaveProperty("reason");
  (conn as { destroy(): void }).destroy();
  ssh.close();
  await gone();
});

test("fifty tunnels that one dies under are all told so, and leave no descriptor", async () => {
  const before = readdirSync("/proc/self/fd").length;
  const ssh = master("dies");
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => ssh.open(TARGET)));
  expect(new Set(outcomes.map((outcome) => "reason" in outcome && outcome.reason))).toEqual(new Set(["broken"]));
  ssh.close();
  await gone();
  await until("no descriptor", () => readdirSync("/proc/self/fd").length <= before);
});

test("a check connects, finds what is there, and connects anew where that has died a moment ago", async () => {
  const ssh = master("byte by byte");
  expect(await ssh.check()).toBeUndefined();
  const first = readdirSync(runtime);
  expect(await ssh.check()).toBeUndefined();
  expect(readdirSync(runtime)).toEqual(first);
  const pid = fakeIn(first[0]!);
  process.kill(pid, "SIGKILL");
  // Without a turn of the event loop, in which its end would be noticed.
  while (isRunning(pid)) Bun.sleepSync(1);
  expect(await ssh.check()).toBeUndefined();
  await until("its folder is gone", () => !readdirSync(runtime).includes(first[0]!));
  expect(readdirSync(runtime).length).toBe(1);
  ssh.close();
  expect(await ssh.check()).toBe("it is closed");
  await gone();
});

function fakeIn(folder: string): number {
  const found = readdirSync("/proc").find((id) => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, "utf8");
      return line.startsWith(process.execPath) && line.includes(`${fake}\0`) && line.includes(folder);
    } catch {
      return false;
    }
  });
  return Number(found);
}

/** As long as it is neither gone nor waited for. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("where there is none", async () => {
  const ssh = openSshMaster(
    { kind: "ssh", destination: "bastion", port: undefined },
    { env: { PATH: runtime, XDG_RUNTIME_DIR: runtime }, timeout: 1000 },
  );
  expect(await ssh.open(TARGET)).toMatchObject({
    reason: "broken",
    message: expect.stringContaining("no program ssh"),
  });
  await gone();
});
