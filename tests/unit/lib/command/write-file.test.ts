/** A file is made or replaced whole or not at all, with its mode, and nothing else is left in the folder. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PortailError } from "../../../../lib/command/errors.ts";
import { replaceFile, stageNewFile, stageReplacement } from "../../../../lib/command/write-file.ts";
import { Folder } from "../../commands/acl/folder.ts";

const folder = new Folder();
afterAll(() => folder.remove());

test("the new file has the mode of the old one, and is another file", () => {
  const path = folder.write("a.acl", "old");
  chmodSync(path, 0o640);
  const before = statSync(path);
  replaceFile(path, "new", "test.cannot_write");
  const after = statSync(path);
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(after.mode & 0o7777).toBe(0o640);
  // Written in place, a reader could see half of it.
  expect(after.ino).not.toBe(before.ino);
  expect(readdirSync(folder.path)).toEqual(["a.acl"]);
});

test("of a symbolic link the target is replaced", () => {
  const target = folder.write("target.acl", "old");
  const link = join(folder.path, "link.acl");
  symlinkSync(target, link);
  replaceFile(link, "new", "test.cannot_write");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("new");
});

test("what cannot be replaced stays, and no scratch file is left", () => {
  const path = join(folder.path, "sub");
  mkdirSync(path);
  const files = readdirSync(folder.path);
  expect(() => replaceFile(path, "new", "test.cannot_write")).toThrow(PortailError);
  expect(() => replaceFile(join(folder.path, "none.acl"), "new", "test.cannot_write")).toThrow("ENOENT");
  expect(readdirSync(folder.path)).toEqual(files);
});

test("what is staged is seen by nobody, and gone when it is discarded", () => {
  const path = folder.write("staged", "old");
  const files = readdirSync(folder.path);
  const staged = stageReplacement(path, "new", "test.cannot_write");
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(readdirSync(folder.path)).toHaveLength(files.length + 1);
  staged.discard();
  expect(readdirSync(folder.path)).toEqual(files);
  expect(() => staged.commit()).toThrow("ENOENT");
  expect(readFileSync(path, "utf8")).toBe("old");
});

describe("a new file", () => {
  const codes = { cannotWrite: "test.cannot_write", exists: "test.exists" };
  const make = (name: string, text = "new") => stageNewFile(join(folder.path, name), text, codes);

  test("is its owner's alone, and there when it is committed", () => {
    const staged = make("fresh");
    expect(readdirSync(folder.path)).not.toContain("fresh");
    staged.commit();
    staged.discard();
    expect(readFileSync(join(folder.path, "fresh"), "utf8")).toBe("new");
    expect(statSync(join(folder.path, "fresh")).mode & 0o7777).toBe(0o600);
    expect(readdirSync(folder.path).filter((name) => name.startsWith(".portail"))).toEqual([]);
  });

  test.each([
    ["a file", (path: string) => void folder.write(path, "old")],
    ["a folder", (path: string) => mkdirSync(join(folder.path, path))],
    ["a link that leads nowhere", (path: string) => symlinkSync("nowhere", join(folder.path, path))],
  ])("does not overwrite %s that came meanwhile", (what, come) => {
    const name = `race ${what}`;
    const staged = make(name);
    come(name);
    const before = lstatSync(join(folder.path, name)).ino;
    expect(() => staged.commit()).toThrow("exists already; nothing was written");
    staged.discard();
    expect(lstatSync(join(folder.path, name)).ino).toBe(before);
    expect(readdirSync(folder.path)).not.toContain("nowhere");
    expect(readdirSync(folder.path).filter((each) => each.startsWith(".portail"))).toEqual([]);
  });

  test("of two, the first is kept", () => {
    const [one, two] = [make("two", "one"), make("two", "two")];
    one.commit();
    expect(() => two.commit()).toThrow(expect.objectContaining({ code: "test.exists", exit: 73 }));
    two.discard();
    expect(readFileSync(join(folder.path, "two"), "utf8")).toBe("one");
  });

  test("needs its folder", () => {
    expect(() => make("none/at/all")).toThrow(expect.objectContaining({ code: "test.cannot_write", exit: 73 }));
  });
});
