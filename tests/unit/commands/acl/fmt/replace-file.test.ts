/** A file is replaced whole or not at all, with its mode, and nothing else is left in the folder. */
import { afterAll, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "../../../../../commands/acl/fmt/replace-file.ts";
import { PortailError } from "../../../../../lib/command/errors.ts";
import { Folder } from "../folder.ts";

const folder = new Folder();
afterAll(() => folder.remove());

test("the new file has the mode of the old one, and is another file", () => {
  const path = folder.write("a.acl", "old");
  chmodSync(path, 0o640);
  const before = statSync(path);
  replaceFile(path, "new");
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
  replaceFile(link, "new");
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(target, "utf8")).toBe("new");
});

test("what cannot be replaced stays, and no scratch file is left", () => {
  const path = join(folder.path, "sub");
  mkdirSync(path);
  const files = readdirSync(folder.path);
  expect(() => replaceFile(path, "new")).toThrow(PortailError);
  expect(() => replaceFile(join(folder.path, "none.acl"), "new")).toThrow("ENOENT");
  expect(readdirSync(folder.path)).toEqual(files);
});
