/** What is committed under completions/ is what the definitions give, and nothing else is there. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { root } from "../../../cli/commands.ts";
import { generated } from "../../../cli/gen.ts";
import { run } from "../../../cli/run.ts";
import { fakeRuntime } from "./fake-runtime.ts";

const FOLDER = resolve(import.meta.dir, "../../../completions");
const SCRIPTS = ["bash/portail", "fish/portail.fish", "zsh/_portail"];

const texts = await generated(root);

test("there is a page for each command and each group", () => {
  for (const name of ["portail", "portail-acl", "portail-acl-test", "portail-socks", "portail-socks-ctl-list"])
    expect([...texts.keys()]).toContain(`man/man1/${name}.1`);
});

test("completions/ holds the scripts and what `npm run gen` writes", () => {
  const there = readdirSync(FOLDER, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = there.map(({ parentPath, name }) => join(parentPath, name).slice(FOLDER.length + 1));
  expect(paths.toSorted()).toEqual([...texts.keys(), ...SCRIPTS].toSorted());
});

test.each([...texts])("%s is as `npm run gen` writes it", (path, text) => {
  expect(readFileSync(join(FOLDER, path), "utf8")).toBe(text);
});

test.each(SCRIPTS)("`portail completion` prints %s", async (path) => {
  const runtime = fakeRuntime();
  expect(await run(root, ["completion", path.split("/")[0]!], runtime)).toBe(0);
  expect(runtime.stdout.text()).toBe(readFileSync(join(FOLDER, path), "utf8"));
});
