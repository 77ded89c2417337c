/** Every command of the real tree: loads, says what it is in one mould, and its examples and its line of the README are command lines that it takes. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { root } from "../../../cli/commands.ts";
import { locate } from "../../../cli/tree.ts";
import { completeArgs, vetArgv } from "../../../lib/command/argv.ts";
import type { Command, Group } from "../../../lib/command/define.ts";

async function leaves(
  { commands = {} }: Pick<Command, "commands"> | Group,
  path: string[],
): Promise<[path: string[], command: Command][]> {
  const found = Object.entries(commands).map(async ([name, load]): Promise<[string[], Command][]> => {
    const node = await load();
    expect(node.meta.name).toBe(name);
    const below = await leaves(node, [...path, name]);
    return node.kind === "group" ? below : [[[...path, name], node], ...below];
  });
  return (await Promise.all(found)).flat();
}

const commands = await leaves(root, ["portail"]);

test("there are commands", () => {
  expect(commands.map(([path]) => path.join(" "))).toContain("portail socks");
});

test.each(commands)("%j describes itself and its flags", (_, { meta, args }) => {
  for (const { description } of [meta, ...Object.values(args)]) {
    expect(description).toMatch(/^[A-Z].{3,}[^.]$/);
  }
  for (const name of Object.keys(args)) expect(name).toMatch(/^(?!no-)[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  expect(meta.exits.length).toBeGreaterThan(0);
  expect(new Set(meta.exits.map(({ status }) => status)).size).toBe(meta.exits.length);
});

test.each(commands)("%j has no flag under two definitions", (_, { args }) => {
  const names = Object.entries(args).flatMap(([name, arg]) =>
    "alias" in arg && arg.alias ? [name, arg.alias] : [name],
  );
  expect(new Set([...names, "help", "h"]).size).toBe(names.length + 2);
});

test.each(commands)("%j has examples that it takes", async (path, { meta }) => {
  expect(meta.examples.length).toBeGreaterThan(0);
  for (const { command } of meta.examples) {
    const line = command.split(" | ").find((part) => part.startsWith("portail "));
    const {
      path: found,
      node,
      rest,
    } = await locate(
      root,
      (line ?? "")
        .replace(/ > \S+$/, "")
        .split(/\s+/)
        .slice(1),
    );
    expect(found).toEqual(path);
    if (node.kind === "command") vetArgv(rest, node.args);
  }
});

describe("the README's table", () => {
  const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
  /** The command, what it is for, one line. */
  const rows = [...readme.matchAll(/^\| `(portail [^`]+)` +\| (.+?) +\| `(.+)` +\|$/gm)].map(
    ([, name, , line]) => [name!, line!.replaceAll("\\|", "|")] as const,
  );
  const names = new Set(rows.map(([name]) => name));

  test("has a row for every command: of its own, of its group, or of one that is the same under another name", () => {
    const shown = commands.filter(([path]) => names.has(path.join(" ")) || names.has(path.slice(0, -1).join(" ")));
    const known = new Set(shown.map(([, { meta }]) => meta.description));
    const hidden = commands.filter(([, { meta }]) => !known.has(meta.description));
    expect(hidden.map(([path]) => path.join(" "))).toEqual([]);
  });

  test.each(rows)("%s: %s", async (name, line) => {
    const words = [...invocation(line, name).matchAll(/'([^']*)'|([^\s']+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare!,
    );
    const { path, node, rest } = await locate(root, words.slice(1));
    expect(path.join(" ")).toStartWith(name);
    if (node.kind !== "command") throw new Error(`${path.join(" ")} is no command`);
    completeArgs(node.args, vetArgv(rest, node.args));
  });

  /** The part of a line that begins `command`: between pipes, or in the quotes of another program's option. */
  function invocation(line: string, command: string): string {
    const [, quoted = line] = /='([^']*)'/.exec(line) ?? [];
    return quoted.split(/ [|<>] /).find((part) => part.startsWith(command)) ?? "";
  }
});
