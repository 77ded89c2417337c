/** Help texts, pinned: sections, columns, wrapping at the terminal's width. */

import { expect, test } from "bun:test";
import { commandHelp } from "../../../cli/help.ts";
import { run } from "../../../cli/run.ts";
import { fakeRuntime } from "./fake-runtime.ts";
import { fakeTree } from "./fake-tree.ts";

async function help(line: string, columns?: number): Promise<string> {
  const runtime = fakeRuntime({ env: { NO_COLOR: "1" }, ...(columns !== undefined && { columns }) });
  await run(fakeTree(), line.split(" "), runtime);
  return runtime.stdout.text();
}

test("a command's help has usage, description, grouped flags, examples and exit statuses", async () => {
  expect(await help("serve --help")).toMatchInlineSnapshot(`
    "Serve things to programs that ask for them over a network that nobody trusts.

    Usage
      portail serve --acl FILE [FLAG...]

    A first paragraph.

    A second one.

    Flags
      --listen ADDRESS  Where to listen (repeatable, environment: LISTEN)
      --acl FILE        Policy (required)
      --[no-]color      Use colour (on by default)

    Life
      -t, --drain-timeout VALUE  How long to wait (default: 30s)

    General
      --config FILE  Read flags and tables from a TOML file

    Examples
      Serve this machine.
        portail serve --listen 127.0.0.1:1

    Exit status
      0   drained
      1   drain cut short
      64  the command line is wrong
    "
  `);
});

test("a command's help names its arguments", async () => {
  expect(await help("policy check --help")).toMatchInlineSnapshot(`
    "Check a policy.

    Usage
      portail policy check POLICY [CASES...]

    Arguments
      POLICY  The policy (required)
      CASES   Its cases (repeatable)

    Exit status
      1   it is wrong
      64  the command line is wrong
    "
  `);
});

test("a group's help lists its members", async () => {
  expect(await help("--help")).toMatchInlineSnapshot(`
    "A tree for tests.

    Usage
      portail COMMAND [ARGUMENT...]

    Commands
      serve   Serve things to programs that ask for them over a network that nobody
              trusts
      policy  Work with policies

    "portail COMMAND --help" says more about a command.
    "
  `);
});

test("lines keep to the terminal's width, and to 100 on a wide one", async () => {
  const longest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));
  expect(longest(await help("serve --help", 60))).toBeLessThanOrEqual(60);
  const wide = longest(await help("serve --help", 200));
  expect(wide).toBeGreaterThan(60);
  expect(wide).toBeLessThanOrEqual(100);
});

test("a narrow terminal still gets every word", async () => {
  const words = (text: string) => text.split(/\s+/).filter(Boolean);
  const node = await fakeTree().commands["serve"]!();
  if (node.kind !== "command") throw new Error("not a command");
  const at = (width: number) => words(commandHelp(["portail", "serve"], node, { width, color: false }));
  expect(at(10)).toEqual(at(100));
});
