/** The threat model of SECURITY.md: every test, page, flag and command that it names exists, and no part of it goes without proof. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { spansOf } from "./page.ts";
import { commandOf, everyFlag, REPOSITORY } from "./understood.ts";

const TEXT = readFileSync(`${REPOSITORY}/SECURITY.md`, "utf8");
const TESTS = spansOf(TEXT).filter((span) => span.startsWith("tests/"));
const LINKS = Array.from(TEXT.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g), ([, path]) => path!);

test("each test and page that it names exists", () => {
  expect(TESTS.length).toBeGreaterThan(40);
  for (const path of TESTS) expect(path).toEndWith(".test.ts");
  expect([...TESTS, ...LINKS].filter((path) => !existsSync(`${REPOSITORY}/${path}`))).toEqual([]);
});

test("each boundary and each row of a command names one", () => {
  const model = TEXT.slice(TEXT.indexOf("## Threat model"));
  const boundaries = model.split(/^#### /m).slice(1);
  const names = (text: string) => /`tests\/|\]\(/.test(text);
  expect(boundaries.length).toBeGreaterThan(10);
  expect(boundaries.filter((text) => !names(text)).map((text) => text.split("\n")[0])).toEqual([]);
  const [, table = ""] = /^### By command\n([\s\S]*?)^### /m.exec(model) ?? [];
  const rows = table.split("\n").filter((line) => line.startsWith("|"));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.slice(2).filter((line) => !names(line))).toEqual([]);
});

test("each flag and command that it names exists", async () => {
  const flags = await everyFlag();
  const known = (flag: string) =>
    flag.endsWith("*") ? [...flags].some((each) => each.startsWith(flag.slice(0, -1))) : flags.has(flag);
  const named = spansOf(TEXT).flatMap((span) => span.match(/--[a-z][a-z0-9-]*\*?/g) ?? []);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((flag) => !known(flag))).toEqual([]);
  const commands = Array.from(TEXT.matchAll(/^\| +`([a-z0-9 ]+)`/gm), ([, words]) => words!.replace(/^portail /, ""));
  expect(commands.length).toBeGreaterThan(8);
  for (const words of commands.filter((each) => !GROUPS.includes(each))) await commandOf(words.split(" "));
});

/** Have commands below and run nothing themselves. */
const GROUPS = ["acl", "s3crypt keys"];
