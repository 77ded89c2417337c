/** Rights in an SQLite file, under a clock of the test: taken once, for their time, and by nobody where the file is of no use. */
import { afterAll, describe, expect, test } from "bun:test";
import { Database } from "bun:sqlite";
import {
  mkdtempSync,
  mkdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  readFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileRegistry } from "../../../../../commands/s3crypt/serve/file-registry.ts";
import { RegistryError } from "../../../../../commands/s3crypt/serve/write-once.ts";
import { PortailError } from "../../../../../lib/command/errors.ts";

const HOUR = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), "portail-once-"));
const opened: FileRegistry[] = [];
const clock = { now: 1_900_000_000_000 };
let files = 0;

afterAll(() => {
  for (const registry of opened) registry.close();
  rmSync(folder, { recursive: true });
});

const newPath = () => join(folder, `registry-${++files}.db`);

async function open(path = newPath()): Promise<FileRegistry> {
  const registry = await FileRegistry.open(path, () => clock.now);
  opened.push(registry);
  return registry;
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: unknown) =>
      error instanceof PortailError || error instanceof RegistryError ? error.constructor.name : error,
  );

test("a right is taken once, by whoever is first", async () => {
  const registry = await open();
  const takes = Array.from({ length: 100 }, () => registry.take("a", clock.now + 1000));
  expect((await Promise.all(takes)).filter(Boolean).length).toBe(1);
  expect(await registry.take("b", clock.now + 1000)).toBe(true);
});

test("it is held for its time, beyond an hour too, to the millisecond", async () => {
  const registry = await open();
  const until = clock.now + 30 * HOUR;
  expect(await registry.take("a", until)).toBe(true);
  clock.now = until - 1;
  expect(await registry.take("a", until + HOUR)).toBe(false);
  clock.now = until;
  expect(await registry.take("a", until + HOUR)).toBe(true);
});

test("one without an end is held for ever", async () => {
  const registry = await open();
  expect(await registry.take("a", Infinity)).toBe(true);
  clock.now += 100 * 365 * 24 * HOUR;
  expect(await registry.take("a", Infinity)).toBe(false);
  await registry.give("a", Infinity);
  expect(await registry.take("a", Infinity)).toBe(true);
});

test("it is given back, but not after another took what had run out", async () => {
  const registry = await open();
  const until = clock.now + 1000;
  await registry.take("a", until);
  await registry.give("a", until);
  expect(await registry.take("a", until)).toBe(true);
  clock.now = until;
  expect(await registry.take("a", until + 1000)).toBe(true);
  await registry.give("a", until);
  expect(await registry.take("a", until + 1000)).toBe(false);
});

test("rights that ran out are removed, a few with each that is taken", async () => {
  const registry = await open();
  for (let i = 0; i < 100; i++) await registry.take(`a${i}`, clock.now + 1000);
  expect(registry.size).toBe(100);
  clock.now += 1000;
  await registry.take("b", clock.now + 1000);
  expect(registry.size).toBe(85);
  for (let i = 0; i < 10; i++) await registry.take(`c${i}`, clock.now + 1000);
  expect(registry.size).toBe(11);
});

test("it outlives the program", async () => {
  const path = newPath();
  const registry = await FileRegistry.open(path, () => clock.now);
  await registry.take("a", clock.now + 1000);
  registry.close();
  expect(await (await open(path)).take("a", clock.now + 1000)).toBe(false);
});

test("only its owner may read it, whatever it was before", async () => {
  const path = join(folder, "state", "portail", "registry.db");
  const registry = await open(path);
  await registry.take("a", clock.now + 1000);
  expect(["", "-wal", "-shm"].map((more) => statSync(`${path}${more}`).mode & 0o777)).toEqual([0o600, 0o600, 0o600]);
  expect(statSync(join(folder, "state")).mode & 0o777).toBe(0o700);
  const wide = newPath();
  writeFileSync(wide, "", { mode: 0o644 });
  await open(wide);
  expect(statSync(wide).mode & 0o777).toBe(0o600);
});

describe("a file that another holds", () => {
  test("is waited for", async () => {
    const path = newPath();
    const registry = await open(path);
    const other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    const taken = registry.take("a", clock.now + 1000);
    await Bun.sleep(20);
    other.run("COMMIT");
    other.close();
    expect(await taken).toBe(true);
  });

  test("is not waited for without end, and takes the right from nobody", async () => {
    const path = newPath();
    const registry = await open(path);
    const other = new Database(path);
    other.run("BEGIN IMMEDIATE");
    const both = [registry.take("a", clock.now + 1000), registry.give("b", 0)];
    expect(await Promise.all(both.map(codeOf))).toEqual(["RegistryError", "RegistryError"]);
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
    other.run("ROLLBACK");
    other.close();
    expect(await registry.take("a", clock.now + 1000)).toBe(true);
  });
});

describe("where it cannot be opened, it is told", () => {
  test("a file that is no database", async () => {
    const path = newPath();
    writeFileSync(path, "not a database, for long enough to have a head ".repeat(100));
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
    expect(readFileSync(path, "utf8").startsWith("not a database")).toBe(true);
  });

  test("a database of another program, which stays as it was", async () => {
    const path = newPath();
    const other = new Database(path);
    other.run("CREATE TABLE theirs (a)");
    other.close();
    const before = readFileSync(path);
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("one that is cut off", async () => {
    const path = newPath();
    const registry = await FileRegistry.open(path, () => clock.now);
    for (let i = 0; i < 1000; i++) await registry.take(`a${i}`, clock.now + 1000);
    registry.close();
    truncateSync(path, 4096 * 5);
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
  });

  test("one whose pages are garbage", async () => {
    const path = newPath();
    const registry = await FileRegistry.open(path, () => clock.now);
    for (let i = 0; i < 1000; i++) await registry.take(`a${i}`, clock.now + 1000);
    registry.close();
    writeFileSync(path, readFileSync(path).fill(0xee, 4096));
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
  });

  test("a folder, a link, and a path below a file", async () => {
    const path = newPath();
    mkdirSync(path);
    expect(await codeOf(FileRegistry.open(path))).toBe("PortailError");
    const file = newPath();
    writeFileSync(file, "");
    expect(await codeOf(FileRegistry.open(join(file, "x")))).toBe("PortailError");
    const link = newPath();
    symlinkSync(file, link);
    expect(await codeOf(FileRegistry.open(link))).toBe("PortailError");
  });
});

test("a file that turns to garbage under it denies", async () => {
  const path = newPath();
  const registry = await open(path);
  for (let i = 0; i < 1000; i++) await registry.take(`a${i}`, clock.now + 1000);
  const other = new Database(path);
  other.run("PRAGMA wal_checkpoint(TRUNCATE)");
  other.close();
  writeFileSync(path, readFileSync(path).fill(0xee));
  expect(await codeOf(registry.take("b", clock.now + 1000))).toBe("RegistryError");
});

test("a closed one denies", async () => {
  const registry = await FileRegistry.open(newPath(), () => clock.now);
  registry.close();
  expect(await codeOf(registry.take("a", clock.now + 1000))).toBe("RegistryError");
});
