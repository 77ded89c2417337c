/** An inventory that changes while it is in use: looked at when somebody asks, kept when it is broken. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortailError } from "../../../../lib/command/errors.ts";
import type { Logger } from "../../../../lib/command/log.ts";
import { ProviderCounts, Report } from "../../../../lib/context/counts.ts";
import { InventoryFile, readInventoryFile, type InventoryPlan } from "../../../../lib/context/inventory-file.ts";
import { NOTHING, parseTarget, type Target } from "../../../../lib/context/targets.ts";
import { until } from "../../../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-inventory-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** A file by a clock that stands; it is replaced as a whole, as its writers should. */
function stage(text: string) {
  const path = join(folder, `inventory-${++files}.csv`);
  const put = (content: string) => {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };
  put(text);
  const plan: InventoryPlan = {
    format: "csv",
    column: "mail",
    keyType: "string",
    rows: [],
    delimiter: 0x2c,
    listSeparator: ";",
    targets: [parseTarget("user.groups = groups", false) as Target, parseTarget("risk.score = score", false) as Target],
    path,
    name: "people.csv",
  };
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const log: Logger = { debug() {}, info: note, warn: note, error: note, writes: () => true, configure() {} };
  const clock = { now: 0 };
  const counts = new ProviderCounts();
  const open = () =>
    new InventoryFile(plan, readInventoryFile(plan), new Report("people", counts, log), () => clock.now);
  return { path, put, plan, lines, clock, counts, open };
}

const key = (text: string) => ({ values: [text], text });

test("values are of the type of their facts, or missing with a word in the log, once", () => {
  const { open, lines, counts } = stage("mail,groups,score\nada,ops;dev,7\neve,x,much\n");
  const file = open();
  expect(file.lookup(key("ada"))).toEqual({ "user.groups": ["ops", "dev"], "risk.score": 7 });
  for (let i = 0; i < 3; i++) expect(file.lookup(key("eve"))).toEqual({ "user.groups": ["x"] });
  expect(file.lookup(key("nobody"))).toBe(NOTHING);
  expect(lines).toEqual([
    "provider people: what it says of risk.score is a string and not of the type number: the fact is missing",
  ]);
  expect(counts).toMatchObject({ hits: 4, misses: 1, refusedValues: 3, entries: 2 });
});

test("a change is seen at a look-up, not more often than every two seconds", async () => {
  const { open, put, clock, lines, counts } = stage("mail,groups,score\nada,ops,1\n");
  const file = open();
  put("mail,groups,score\nada,dev,1\ngrace,dev,1\n");
  clock.now = 1999;
  expect(file.lookup(key("ada"))).toMatchObject({ "user.groups": ["ops"] });
  clock.now = 2000;
  // This one begins the reading; until that is over the old rows answer.
  expect(file.lookup(key("ada"))).toMatchObject({ "user.groups": ["ops"] });
  await until("the reading", () => lines.length > 0);
  expect(file.lookup(key("ada"))).toMatchObject({ "user.groups": ["dev"] });
  expect(lines).toEqual(["provider people: the inventory was read anew"]);
  expect(counts.entries).toBe(2);
});

test("a broken or missing file leaves the old rows, says so once, and is read again when it is whole", async () => {
  const { open, put, path, clock, lines } = stage("mail,groups,score\nada,ops,1\n");
  const file = open();
  const look = () => {
    clock.now += 2000;
    return file.lookup(key("ada"));
  };
  put('mail,groups,score\nada,"dev,1\n');
  look();
  await until("the refusal", () => lines.length > 0);
  for (let i = 0; i < 3; i++) expect(look()).toMatchObject({ "user.groups": ["ops"] });
  rmSync(path);
  for (let i = 0; i < 3; i++) expect(look()).toMatchObject({ "user.groups": ["ops"] });
  put("mail,groups,score\nada,dev,1\n");
  look();
  await until("the reading", () => lines.at(-1)?.includes("read anew"));
  expect(look()).toMatchObject({ "user.groups": ["dev"] });
  expect(lines).toEqual([
    "provider people: the old inventory stays in force: people.csv:2: a quoted cell does not end",
    'provider people: the old inventory stays in force: cannot read the inventory "people.csv": no such file',
    "provider people: the inventory was read anew",
  ]);
});

test("a reload reads again only what has changed", () => {
  const { put, plan } = stage("mail,groups,score\nada,ops,1\n");
  const first = readInventoryFile(plan);
  expect(readInventoryFile(plan, first)).toBe(first);
  put("mail,groups,score\nada,dev,1\n");
  const second = readInventoryFile(plan, first);
  expect(second.inventory.find("ada")).toEqual([["dev"], 1]);
});

test("at a start a broken or missing file is the operator's mistake", () => {
  const { put, path, plan } = stage("mail,groups\n");
  const refusal = () => {
    try {
      readInventoryFile(plan);
    } catch (error) {
      if (error instanceof PortailError) return [error.code, error.exit, error.message];
      throw error;
    }
    return [];
  };
  expect(refusal()).toEqual(["provider.inventory", 65, 'people.csv: there is no column "score"']);
  put("mail,groups,score\na,b\n");
  expect(refusal()[2]).toBe("people.csv:2: the row has 2 cells where the first line has 3");
  rmSync(path);
  expect(refusal()).toEqual(["provider.unreadable", 66, 'cannot read the inventory "people.csv": no such file']);
  mkdirSync(path);
  expect(refusal()[2]).toBe('cannot read the inventory "people.csv": it is no regular file');
});
