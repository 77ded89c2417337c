/** Every command of the real tree: loads, says what it is in one mould, and its examples are command lines that it takes. */

import { expect, test } from "bun:test";
import { root } from "../../../cli/commands.ts";
import { locate } from "../../../cli/tree.ts";
import { vetArgv } from "../../../lib/command/argv.ts";
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
