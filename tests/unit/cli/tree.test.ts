/** Flags in front of the command's last word, where a group lets them stand there. All else of the tree is told by run.test.ts. */
import { describe, expect, test } from "bun:test";
import { locate, summaries } from "../../../cli/tree.ts";
import { defineCommand, defineGroup } from "../../../lib/command/define.ts";

const args = {
  keystore: { type: "string", description: "" },
  quiet: { type: "boolean", alias: "q", description: "" },
} as const;
const server = defineCommand({
  meta: { name: "server", description: "", examples: [], exits: [] },
  args,
  run: () => 0,
});
const tunnel = (early: boolean) =>
  defineGroup({
    meta: { name: "tunnel", description: "" },
    commands: { server: async () => server },
    ...(early && { early: async () => args }),
  });
const root = (early: boolean) =>
  defineGroup({ meta: { name: "portail", description: "" }, commands: { tunnel: async () => tunnel(early) } });

async function placed(line: string, early = true) {
  const { path, rest } = await locate(root(early), line.split(" "));
  return [path.join(" "), rest.join(" ")];
}

describe("flags in front of a command", () => {
  test.each([
    ["tunnel --keystore server server --listen x", "--keystore server --listen x"],
    ["tunnel --keystore=a --quiet -q server x", "--keystore=a --quiet -q x"],
    ["tunnel --no-quiet server", "--no-quiet"],
    ["tunnel server --keystore a", "--keystore a"],
  ])("%s", async (line, rest) => expect(await placed(line)).toEqual(["portail tunnel server", rest]));

  test.each(["tunnel --other server", "tunnel --help server", "tunnel --quiet --other server"])(
    "%s stops at what is none of them",
    async (line) => expect(await placed(line)).toEqual(["portail tunnel", line.slice(line.search(/--(other|help)/))]),
  );

  test("without the command they lead nowhere", async () => {
    expect(await placed("tunnel --quiet")).toEqual(["portail tunnel", ""]);
    expect(await placed("tunnel --keystore server")).toEqual(["portail tunnel", ""]);
  });

  test("a group that does not let them stops at the first", async () => {
    expect(await placed("tunnel --quiet server", false)).toEqual(["portail tunnel", "--quiet server"]);
  });
});

describe("a command with members", () => {
  const list = defineCommand({ meta: { name: "list", description: "", examples: [], exits: [] }, args, run: () => 0 });
  const serve = defineCommand({
    meta: { name: "serve", description: "", examples: [], exits: [] },
    args,
    commands: { list: async () => list },
    run: () => 0,
  });
  const tree = defineGroup({ meta: { name: "portail", description: "" }, commands: { serve: async () => serve } });

  test.each([
    ["serve", "portail serve", ""],
    ["serve --quiet", "portail serve", "--quiet"],
    ["serve list --quiet", "portail serve list", "--quiet"],
    ["serve --quiet list", "portail serve", "--quiet list"],
    ["serve -- list", "portail serve", "-- list"],
    ["serve -q lits", "portail serve", "-q lits"],
  ])("%s", async (line, path, rest) => {
    const found = await locate(tree, line.split(" "));
    expect([found.path.join(" "), found.rest.join(" ")]).toEqual([path, rest]);
  });

  test.each([
    ["serve lits", 'did you mean "portail serve list"?'],
    ["serve other", 'see "portail serve --help"'],
    ["serve constructor", 'see "portail serve --help"'],
  ])("%s is refused", async (line, hint) => {
    const refused = { code: "usage.unknown_command", exit: 64, hint };
    expect(await locate(tree, line.split(" ")).catch((error: unknown) => error)).toMatchObject(refused);
  });

  test("leaves any other word to itself where it takes words", async () => {
    const word = { type: "positional", description: "" } as const;
    const [meta, commands] = [serve.meta, serve.commands!];
    const open = defineCommand({ meta, args: { ...args, word }, commands, run: () => 0 });
    const other = defineGroup({ meta: { name: "portail", description: "" }, commands: { serve: async () => open } });
    expect(await locate(other, ["serve", "lits"])).toMatchObject({ path: ["portail", "serve"], rest: ["lits"] });
  });

  test("shows them in its help", async () => {
    expect(await summaries(serve)).toEqual([["list", ""]]);
    expect(await summaries(list)).toEqual([]);
  });
});
