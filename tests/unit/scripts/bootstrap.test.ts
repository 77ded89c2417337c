/** The bootstrap over a tree with a pretended Bun: when it installs, which binary it runs, and with what. Downloads nothing. */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const BOOTSTRAP = resolve(import.meta.dir, "../../../scripts/bootstrap.mjs");
const PINNED = `#!/bin/sh\n[ "$1" = --version ] && echo 9.9.9 && exit\necho "ran $*"\n`;
let root: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), 0o755);
}

const manifest = (path: string, version: string) =>
  write(`node_modules/${path}/package.json`, JSON.stringify({ version }));

/** A tree as after an installation: the pretended Bun, one dependency, and none of the optional ones. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "portail-bootstrap-"));
  mkdirSync(join(root, "scripts"));
  copyFileSync(BOOTSTRAP, join(root, "scripts/bootstrap.mjs"));
  write("package.json", JSON.stringify({ devDependencies: { bun: "9.9.9" } }));
  const packages = {
    "": { version: "0.1.0" },
    "node_modules/bun": { version: "9.9.9" },
    "node_modules/a": { version: "1.0.0" },
    "node_modules/b": { version: "1.0.0", optional: true },
  };
  write("package-lock.json", JSON.stringify({ packages }));
  manifest("bun", "9.9.9");
  manifest("a", "1.0.0");
  write("node_modules/bun/bin/bun", PINNED);
});

afterEach(() => rmSync(root, { recursive: true }));

function spawn(...args: string[]) {
  const command = [process.execPath, join(root, "scripts/bootstrap.mjs"), ...args];
  return Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
}

async function bootstrap(...args: string[]) {
  const child = spawn(...args);
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, status };
}

describe("a task runs under the pinned Bun, silently when nothing is to be installed", () => {
  test.each([
    [["test", "unit"], "ran scripts/test.ts unit\n"],
    [["test:long"], "ran scripts/test.ts --long\n"],
    [["build"], "ran scripts/build.ts\n"],
    [["bench", "socks"], "ran tests/bench/run.ts socks\n"],
    [["gen"], "ran cli/gen.ts\n"],
    [["package", "--out", "a"], "ran scripts/package.ts --out a\n"],
    [["peers"], "ran scripts/peers.ts\n"],
  ])("%j", async (args, out) => {
    expect(await bootstrap(...args)).toEqual({ out, err: "", status: 0 });
  });

  test("start says what to try; flags given replace its own", async () => {
    const { out, err } = await bootstrap("start", "--quiet");
    expect(out).toBe("ran cli/main.ts socks --listen 127.0.0.1:1080 --acl builtin:sample --quiet\n");
    expect(err).toContain("curl --proxy socks5h://127.0.0.1:1080 http://localhost:8000/\n");
    expect(await bootstrap("start", "--listen=a", "--acl", "b")).toEqual({
      out: "ran cli/main.ts socks --listen=a --acl b\n",
      err: "",
      status: 0,
    });
  });

  test("an unknown task is refused", async () => {
    const { out, err, status } = await bootstrap("tset");
    expect({ out, status }).toEqual({ out: "", status: 69 });
    expect(err).toContain('unknown task "tset"');
  });
});

test("npm's scripts are these tasks, and replace their shell so that signals arrive", async () => {
  const { scripts } = await Bun.file(resolve(import.meta.dir, "../../../package.json")).json();
  expect(Object.keys(scripts).toSorted()).toEqual([
    "bench",
    "build",
    "gen",
    "package",
    "peers",
    "start",
    "test",
    "test:long",
  ]);
  for (const [name, line] of Object.entries(scripts)) expect(line).toBe(`exec node scripts/bootstrap.mjs ${name}`);
});

describe("the binary", () => {
  test("comes from the platform's package when the bun package has a placeholder", async () => {
    write("node_modules/bun/bin/bun", "#!/bin/sh\necho no install script ran >&2\nexit 1\n");
    write("node_modules/@oven/bun-other-libc/bin/bun", "\u007fELF cannot run here");
    write("node_modules/@oven/bun-this-one/bin/bun", PINNED);
    expect(await bootstrap("build")).toEqual({ out: "ran scripts/build.ts\n", err: "", status: 0 });
  });

  test("its exit status is returned, and a signal as a shell would say it", async () => {
    write("node_modules/bun/bin/bun", PINNED + "exit 65\n");
    expect((await bootstrap("build")).status).toBe(65);
    write("node_modules/bun/bin/bun", PINNED + "kill -9 $$\n");
    expect((await bootstrap("build")).status).toBe(137);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("is sent %s", async (signal) => {
    const trap = `trap 'echo got; exit 7' ${signal.slice(3)}; echo ready; while :; do :; done\n`;
    write("node_modules/bun/bin/bun", PINNED + trap);
    const child = spawn("build");
    const reader = child.stdout.getReader();
    let seen = "";
    while (!seen.includes("ready")) seen += new TextDecoder().decode((await reader.read()).value);
    child.kill(signal);
    expect(await child.exited).toBe(7);
  });
});

describe("an installation is stale", () => {
  /** Through a link the bootstrap does not install, so that staleness shows without a download. */
  beforeEach(() => {
    renameSync(join(root, "node_modules"), join(root, "elsewhere"));
    symlinkSync("elsewhere", join(root, "node_modules"));
  });

  async function isStale(): Promise<boolean> {
    const { out, err, status } = await bootstrap("build");
    if (status === 0) return false;
    expect({ out, status }).toEqual({ out: "", status: 69 });
    expect(err).toBe("portail: node_modules is stale, and a symbolic link: install where it leads\n");
    return true;
  }

  test("not as set up here", async () => {
    expect(await isStale()).toBe(false);
  });

  test("when a locked package is missing, or has another version", async () => {
    manifest("a", "1.0.1");
    expect(await isStale()).toBe(true);
    rmSync(join(root, "node_modules/a"), { recursive: true });
    expect(await isStale()).toBe(true);
  });

  test("when an optional package has another version, not when it is missing", async () => {
    manifest("b", "1.0.0");
    expect(await isStale()).toBe(false);
    manifest("b", "0.9.0");
    expect(await isStale()).toBe(true);
  });

  test("when the last installation did not finish", async () => {
    write("install.log", "half");
    expect(await isStale()).toBe(true);
  });

  test("when Bun is not the pinned version", async () => {
    write("node_modules/bun/bin/bun", PINNED.replace("9.9.9", "9.9.8"));
    expect(await isStale()).toBe(true);
  });
});
