/** Command definitions: the types that `run` sees, and that citty runs the leaf. Types are checked by the type checker. */

import { expect, test } from "bun:test";
import { runCommand } from "citty";
import { emptyTables } from "../../../../lib/command/config-tables.ts";
import { defineCommand, defineGroup, type ParsedArgs } from "../../../../lib/command/define.ts";
import { fakeRuntime } from "../../cli/fake-runtime.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const ARGS = {
  listen: { type: "string", multiple: true, description: "" },
  acl: { type: "string", description: "" },
  timeout: { type: "string", default: "1s", description: "" },
  target: { type: "string", required: true, description: "" },
  quiet: { type: "boolean", description: "" },
  policy: { type: "positional", required: true, description: "" },
  cases: { type: "positional", multiple: true, description: "" },
} as const;

interface Expected {
  readonly listen: string[];
  readonly acl: string | undefined;
  readonly timeout: string;
  readonly target: string;
  readonly quiet: boolean;
  readonly policy: string;
  readonly cases: string[];
}

test("arguments are typed one by one, without an index signature", () => {
  const exact: Equal<ParsedArgs<typeof ARGS>, { [K in keyof Expected]: Expected[K] }> = true;
  const unknownName: "lisen" extends keyof ParsedArgs<typeof ARGS> ? true : false = false;
  expect([exact, unknownName]).toEqual([true, false]);
});

test("citty runs the command with its invocation and hands back the exit status", async () => {
  const seen: unknown[] = [];
  const command = defineCommand({
    meta: { name: "x", description: "", examples: [], exits: [] },
    args: { listen: { type: "string", multiple: true, description: "" } },
    run({ args, data, config }) {
      seen.push(args.listen, data.version, config.tables.backend.size);
      return 75;
    },
  });
  const data = { args: { listen: ["a", "b"] }, data: fakeRuntime(), config: { tables: emptyTables() } };
  expect(await runCommand(command.citty, { rawArgs: [], data })).toEqual({ result: 75 });
  expect(seen).toEqual([["a", "b"], "1.2.3", 0]);
});

test("a group imports nothing by itself", () => {
  let loaded = 0;
  const load = () => {
    loaded++;
    return Promise.reject(new Error("imported"));
  };
  expect(defineGroup({ meta: { name: "g", description: "" }, commands: { x: load } }).kind).toBe("group");
  expect(loaded).toBe(0);
});
