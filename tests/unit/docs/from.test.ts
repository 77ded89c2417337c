/** The pages for those who come from other programs: what they say portail has is in its definitions, and nothing of theirs is left out. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { parse } from "smol-toml";
import { parseReferenceConfig } from "../../../lib/command/reference-config.ts";
import { blocksOf, nameOf, rowsOf, spansOf, type Row } from "./page.ts";
import { REFERENCE_NAMES } from "./reference-names.ts";
import {
  everyFlag,
  readsVariable,
  REPOSITORY,
  takesFlag,
  takesKey,
  takesTable,
  vetLine,
  vetToml,
} from "./understood.ts";

const FOLDER = `${REPOSITORY}/docs/from`;
const PAGES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".md"))
  .map((name) => [name.slice(0, -3), readFileSync(`${FOLDER}/${name}`, "utf8")] as const);
const FLAGS = await everyFlag();
/** Where their column has lines of their configuration, which the whole program takes as they are. */
const REFERENCE_FILE = "/etc/portail.toml";

test("there is a page for each program, and the README names it", () => {
  expect(PAGES.map(([name]) => name).toSorted()).toEqual(Object.keys(REFERENCE_NAMES).toSorted());
  const readme = readFileSync(`${REPOSITORY}/README.md`, "utf8");
  for (const [name] of PAGES) expect(readme).toContain(`(docs/from/${name}.md)`);
});

describe.each(PAGES)("%s", (page, text) => {
  const rows = rowsOf(text);

  test("leaves nothing out of what the other program has", () => {
    const told = new Set(rows.flatMap(({ theirs }) => spansOf(theirs).map(nameOf)));
    const missing = REFERENCE_NAMES[page]!.trim()
      .split(/\s+/)
      .filter((name) => !told.has(name) && !told.has(nameOf(name)));
    expect(missing).toEqual([]);
  });

  test("each row says what becomes of it", () => {
    const vague = rows.filter(({ ours }) => !/^(same|no|ignored)\b/.test(ours) && spansOf(ours).length === 0);
    expect(vague.map(({ theirs }) => theirs)).toEqual([]);
    expect(rows.filter(({ commands }) => commands.length === 0).map(({ heading }) => heading)).toEqual([]);
  });

  test("what is the same is taken as it is written there", async () => {
    const wrong: string[] = [];
    for (const row of rows.filter(({ ours }) => /^(same|ignored)\b/.test(ours))) {
      for (const span of spansOf(row.theirs)) if (!(await isTaken(row, span))) wrong.push(`${row.heading}: ${span}`);
    }
    expect(wrong).toEqual([]);
  });

  test("what is not there is not taken", async () => {
    const wrong: string[] = [];
    for (const row of rows.filter(({ ours }) => ours.startsWith("no"))) {
      for (const span of spansOf(row.theirs)) {
        if (span.startsWith("-") && (await some(row.commands, (words) => takesFlag(words, span))))
          wrong.push(`${row.heading}: ${span}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("what stands in its place exists", async () => {
    const wrong: string[] = [];
    for (const row of rows) {
      for (const span of spansOf(row.ours)) if (!(await exists(row, span))) wrong.push(`${row.heading}: ${span}`);
    }
    expect(wrong).toEqual([]);
  });

  test("flags that it mentions are portail's or the other program's", () => {
    const theirs = new Set(rows.flatMap(({ theirs: cell }) => spansOf(cell).map(nameOf)));
    const unknown = spansOf(text)
      .filter((span) => /^--[a-z]/.test(span))
      .map(nameOf)
      .filter((name) => !isFlag(name.replaceAll("_", "-")) && !theirs.has(name));
    expect(unknown).toEqual([]);
  });

  test("command lines and files are understood", async () => {
    const blocks = blocksOf(text);
    const lines = blocks
      .filter(({ language }) => language === "")
      .flatMap(({ text: block }) => block.replaceAll("\\\n", " ").split("\n"))
      .filter((line) => line.startsWith("portail "));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) await vetLine(line);
    for (const { text: toml } of blocks.filter(({ language }) => language === "toml")) await vetToml(toml);
  });
});

test("the file of cloud-gouv/portail is read key by key, and what means nothing is told", () => {
  const rows = rowsOf(PAGES.find(([name]) => name === "cloud-gouv-portail")![1]).filter(({ heading }) =>
    heading.includes(REFERENCE_FILE),
  );
  const lines = (which: Row[]) =>
    which
      .flatMap(({ theirs }) => spansOf(theirs))
      .filter((span) => span.includes(" = "))
      .join("\n");
  const taken = lines(rows.filter(({ ours }) => !/^(no|ignored)\b/.test(ours)));
  const { warnings } = parseReferenceConfig(taken, "page");
  expect(warnings).toEqual(['page: "listener.tls-chain" does not keep clients from coming in the clear, as there']);
  expect(parseReferenceConfig("request-timeout = 7", "page").values.get("connect-timeout")).toBe("7s");
  for (const row of rows.filter(({ ours }) => /^(no|ignored)\b/.test(ours))) {
    const more = parseReferenceConfig(`${lines([row])}\n${taken}`, "page").warnings;
    expect(more.length).toBe(1 + spansOf(row.theirs).length);
  }
});

test("what is not there is seen", async () => {
  const server = ["tunnel", "server"];
  expect(await takesFlag(server, "--allow-cn=CN")).toBe(true);
  expect(await takesFlag(server, "--allow-no-one")).toBe(false);
  expect(await takesFlag(server, "--use-workload-api")).toBe(false);
  expect(await takesKey(["mux", "serve"], "first-bytes")).toBe(true);
  expect(await takesKey(["mux", "serve"], "last-bytes")).toBe(false);
  expect(await takesTable(server, "route")).toBe(false);
  expect(await readsVariable(server, "KEY_PATH")).toBe(true);
  expect(await readsVariable(server, "DS_KEYRING")).toBe(false);
  await expect(vetLine("portail tunnel server --allow-no-one")).rejects.toThrow("--allow-no-one");
  await expect(vetToml("# portail mux serve\nlast-bytes = 1\n")).rejects.toThrow("last-bytes");
  expect(rowsOf("# `portail a b`\n\n| x | portail |\n| - | - |\n| `c\\|d` | same |\n")).toEqual([
    { commands: [["a", "b"]], heading: "`portail a b`", theirs: "`c\\|d`", ours: "same" },
  ]);
});

/** `--allow-*` is what begins so. */
function isFlag(name: string): boolean {
  const [start, rest] = name.split("*");
  return rest === undefined ? FLAGS.has(name) : [...FLAGS].some((flag) => flag.startsWith(start!));
}

async function isTaken({ commands, heading }: Row, span: string): Promise<boolean> {
  if (heading.includes(REFERENCE_FILE)) return true;
  if (/^[A-Z][A-Z0-9_]+(=|$)/.test(span)) return some(commands, (words) => readsVariable(words, nameOf(span)));
  if (span.startsWith("-")) return every(commands, (words) => takesFlag(words, span));
  return vetLine(`portail ${span}`).then(
    () => true,
    () => false,
  );
}

/** A span of portail's column. */
async function exists({ commands }: Row, span: string): Promise<boolean> {
  if (span.startsWith("portail ")) {
    return vetLine(span).then(
      () => true,
      () => false,
    );
  }
  const [, table] = /^\[+([a-z]+)/.exec(span) ?? [];
  if (table !== undefined) return some(commands, (words) => takesTable(words, table));
  if (/^[A-Z][A-Z0-9_]+(=|$)/.test(span)) return some(commands, (words) => readsVariable(words, nameOf(span)));
  if (span.startsWith("-")) return some(commands, (words) => takesFlag(words, span));
  if (span.includes(" = ") && !isToml(span)) return false;
  return some(commands, (words) => takesKey(words, nameOf(span)));
}

function isToml(line: string): boolean {
  try {
    return parse(line) !== undefined;
  } catch {
    return false;
  }
}

async function every(commands: readonly string[][], holds: (words: string[]) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(commands.map(holds))).every(Boolean);
}

async function some(commands: readonly string[][], holds: (words: string[]) => Promise<boolean>): Promise<boolean> {
  return (await Promise.all(commands.map(holds))).some(Boolean);
}
