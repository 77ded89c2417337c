/** An inventory of many rows (a million with PORTAIL_LONG=1): each is found, and reading them anew holds up nobody. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import type { Logger } from "../../lib/command/log.ts";
import { ProviderCounts, Report } from "../../lib/context/counts.ts";
import { InventoryFile, readInventoryFile, type InventoryPlan } from "../../lib/context/inventory-file.ts";
import { NOTHING, parseTarget, type Target } from "../../lib/context/targets.ts";
import { until } from "./harness.ts";

setDefaultTimeout(120_000);

const ROWS = process.env["PORTAIL_LONG"] === "1" ? 1_000_000 : 100_000;

const folder = mkdtempSync(join(tmpdir(), "portail-large-"));
afterAll(() => rmSync(folder, { recursive: true }));

const mail = (i: number) => `user${i}@corp.example`;
const groups = (i: number, turn: number) => ["staff", `team-${(i + turn) % 1000}`];

function write(format: "csv" | "json", turn: number): InventoryPlan {
  const rows = Array.from({ length: ROWS }, (_, i) =>
    format === "csv"
      ? `${mail(i)},${groups(i, turn).join(";")}`
      : JSON.stringify({ mail: mail(i), groups: groups(i, turn) }),
  );
  const path = join(folder, `people.${format}`);
  writeFileSync(`${path}.new`, format === "csv" ? `mail,groups\n${rows.join("\n")}\n` : `[${rows.join(",\n")}]`);
  renameSync(`${path}.new`, path);
  const targets = [parseTarget("user.groups = groups", false) as Target];
  const shape = { format, column: "mail", keyType: "string", rows: [], delimiter: 0x2c, listSeparator: ";" } as const;
  return { ...shape, targets, path, name: path };
}

const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, writes: () => true, configure() {} };
/** A file of its first turn, with the clock that it looks at. */
function openCsv() {
  const plan = write("csv", 0);
  const clock = { now: 0 };
  const report = new Report("p", new ProviderCounts(), log);
  return { clock, file: new InventoryFile(plan, readInventoryFile(plan), report, () => clock.now) };
}

const key = (text: string) => ({ values: [text], text });

test.each(["csv", "json"] as const)("%s: every row is found, and no other", (format) => {
  const { inventory } = readInventoryFile(write(format, 0));
  expect(inventory.size).toBe(ROWS);
  for (let i = 0; i < ROWS; i += 97) expect(inventory.find(mail(i))).toEqual([groups(i, 0)]);
  for (const other of [mail(ROWS), mail(-1), "user", ""]) expect(inventory.find(other)).toBeUndefined();
});

test("CSV is read anew in slices: the event loop turns, and the old rows answer meanwhile", async () => {
  const { file, clock } = openCsv();
  write("csv", 1);
  const last = key(mail(ROWS - 1));
  const old = { "user.groups": groups(ROWS - 1, 0) };
  clock.now = 2000;
  expect(file.lookup(last)).toEqual(old);
  let turns = 0;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
    const found = file.lookup(last);
    if (JSON.stringify(found) !== JSON.stringify(old)) {
      expect(found).toEqual({ "user.groups": groups(ROWS - 1, 1) });
      break;
    }
  }
  expect(turns).toBeGreaterThan(ROWS / 10_000 / 2);
  expect(file.lookup(key("nobody"))).toBe(NOTHING);
});

test("many changes in a row end with the last one", async () => {
  const { file, clock } = openCsv();
  for (let turn = 2; turn < 5; turn++) {
    write("csv", turn);
    clock.now += 2000;
    file.lookup(key(mail(0)));
  }
  await until(() => {
    clock.now += 2000;
    return JSON.stringify(file.lookup(key(mail(7)))) === JSON.stringify({ "user.groups": groups(7, 4) });
  }, "the last change");
});
