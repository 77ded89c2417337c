/** The program as a process: streams, statuses, crashes before and after the start, readers that go away. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "../../..");
let copy: string;

/** A copy of the program whose only command, `portail x ARGUMENT`, does as its argument says. */
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "portail-main-"));
  for (const path of ["cli", "lib", "package.json", "tsconfig.json"])
    cpSync(join(ROOT, path), join(copy, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "commands"));
  writeFileSync(
    join(copy, "commands/x.ts"),
    `import { defineCommand } from "../lib/command/define.ts";
     export default defineCommand({
       meta: { name: "x", description: "Test", examples: [], exits: [] },
       args: { what: { type: "positional", required: true, description: "" } },
       async run({ args, data }) {
         if (args.what === "bulk") for (const n of [1, 5_000_000, 1]) data.stdout.write("x".repeat(n));
         if (args.what === "log") {
           for (let i = 0; i < 20; i++, await new Promise((resolve) => setTimeout(resolve, 1))) data.log.warn("line");
           data.stdout.write("data\\n");
         }
         if (args.what === "endless") for (;;) { data.stdout.write("x".repeat(100_000)); await data.stdout.flush(); }
         if (args.what === "later") setTimeout(() => { throw new Error("later"); }, 1);
         if (args.what === "rejected") void Promise.reject(new Error("rejected"));
         if (args.what === "later" || args.what === "rejected") await new Promise(() => setInterval(() => {}, 1000));
         if (args.what === "signal") {
           const raised = new Promise<void>((resolve) => data.onSignal("SIGTERM", resolve));
           data.stdout.write("ready");
           await raised;
           return 75;
         }
         if (args.what === "stdin") for await (const chunk of data.stdin.bytes()) data.stdout.write(chunk);
         data.log.info("done");
         return 1;
       },
     });`,
  );
  writeFileSync(
    join(copy, "cli/commands.ts"),
    `import { defineGroup } from "../lib/command/define.ts";
     export const root = defineGroup({
       meta: { name: "portail", description: "Test" },
       commands: { x: () => import("../commands/x.ts").then((m) => m.default), broken: () => import("../commands/none.ts" as string) },
     });`,
  );
});

afterAll(() => rmSync(copy, { recursive: true }));

function spawn(args: string[], stdin: string | null = null) {
  const input = stdin === null ? "ignore" : new TextEncoder().encode(stdin);
  return Bun.spawn([process.execPath, join(copy, "cli/main.ts"), ...args], {
    stdin: input,
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function portail(args: string[], stdin: string | null = null) {
  const child = spawn(args, stdin);
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, status };
}

/** Runs a line of shell in which `$PORTAIL` is the program; each test names the file descriptors that it breaks. */
async function shell(line: string) {
  const env = { PATH: process.env["PATH"], PORTAIL: `${process.execPath} ${join(copy, "cli/main.ts")}` };
  const child = Bun.spawn(["sh", "-c", line], { cwd: copy, env, stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { out, err };
}

test("help and version on stdout, nothing on stderr", async () => {
  expect(await portail(["x", "--help"])).toMatchObject({ status: 0, err: "", out: expect.stringContaining("Usage\n") });
  const { version } = await Bun.file(join(ROOT, "package.json")).json();
  expect(await portail(["--version"])).toEqual({ status: 0, err: "", out: `portail ${version}\n` });
});

test("data on stdout whole, the log on stderr, the verdict as the status", async () => {
  const { out, err, status } = await portail(["x", "bulk"]);
  expect({ length: out.length, status }).toEqual({ length: 5_000_002, status: 1 });
  expect(err).toMatch(/^\d{4}-\d\d-\d\dT\S+Z info done\n$/);
});

test("stdin arrives", async () => {
  expect((await portail(["x", "stdin"], "hello")).out).toBe("hello");
});

test("a signal reaches the listener instead of ending the process", async () => {
  const child = spawn(["x", "signal"]);
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("ready");
  child.kill("SIGTERM");
  expect(await child.exited).toBe(75);
});

describe("status 70 and a request to report for", () => {
  test.each([
    ["an exception in a timer", ["x", "later"], "Error: later"],
    ["an unhandled rejection", ["x", "rejected"], "Error: rejected"],
    ["a command that cannot be imported", ["broken"], "none.ts"],
  ])("%s", async (_, args, text) => {
    const { out, err, status } = await portail(args);
    expect({ out, status }).toEqual({ out: "", status: 70 });
    expect(err).toMatch(
      /^portail[^\n]*: internal error: [^\n]* \[bug\]\n  hint: this is a bug in portail, please report it[^\n]*\n$/,
    );
    expect(err).toContain(text);
  });
});

describe("standard output", () => {
  test("whose reader is gone ends the program quietly", async () => {
    // The reader closes its end, then opens the gate.
    const gated = (args: string) => {
      rmSync(join(copy, "gate"), { force: true });
      const writer = `while [ ! -e gate ]; do :; done; $PORTAIL ${args}; echo "status $?" >&2`;
      return shell(`{ ${writer}; } | { exec <&-; : > gate; }`);
    };
    expect(await gated("x --help")).toEqual({ out: "", err: "status 74\n" });
    expect(await gated("x endless")).toEqual({ out: "", err: "status 74\n" });
  });

  test("goes on when only standard error's reader is gone", async () => {
    rmSync(join(copy, "gate"), { force: true });
    const writer = `while [ ! -e gate ]; do :; done; $PORTAIL x log 2>&1 >&3; echo "status $?" >&3`;
    const { out } = await shell(`{ { ${writer}; } | { exec <&-; : > gate; }; } 3>&1`);
    expect(out).toBe("data\nstatus 1\n");
  });

  test("that cannot be written is said", async () => {
    const { err } = await shell(`$PORTAIL x bulk > /dev/full; echo "status $?" >&2`);
    expect(err).toContain("portail: cannot write standard output: ENOSPC [io.stdout]\n");
    expect(err).toEndWith("status 74\n");
  });
});
