/** The file of names: what is in it after a restart, whoever ended how, and what is refused. */
import { afterAll, expect, test } from "bun:test";
import { appendFileSync, chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { parseRanges } from "../../../../../commands/tproxy/names/address-range.ts";
import { openNameRecords } from "../../../../../commands/tproxy/names/name-records.ts";
import type { Logger } from "../../../../../lib/command/log.ts";
import { Scene } from "../../../../support/scene.ts";

const scene = new Scene();
afterAll(() => scene.close());

const complaints: string[] = [];
const note = (message: string) => void complaints.push(message);
const log = { error: note, warn: note } as unknown as Logger;
const RANGES = parseRanges(["198.18.0.0/15", "fd00::/64"], "--range");
const HEAD = "portail-names 1 198.18.0.0/15 fd00::/64\n";
const open = (path: string, ranges = RANGES) => openNameRecords(path, ranges, log);
let count = 0;
const fresh = () => scene.path(`names-${count++}`);

test("a pair is in the file before `assign` returns, whatever becomes of the process", () => {
  const path = fresh();
  const records = open(path);
  expect([...records.read]).toEqual([]);
  expect(records.assign(1, "a.example", false)).toBe(true);
  expect(records.assign(2, "b.example", false)).toBe(true);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 a.example\n2 b.example\n`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a later line takes the place of earlier ones, for the number and for the name", () => {
  const path = fresh();
  writeFileSync(path, `${HEAD}1 a.example\n2 b.example\n3 c.example\n1 late.example\n5 b.example\n`);
  const records = open(path);
  expect([...records.read]).toEqual([
    [3, "c.example"],
    [1, "late.example"],
    [5, "b.example"],
  ]);
  // It is also written so.
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}3 c.example\n1 late.example\n5 b.example\n`);
  records.close(() => [[1, "late.example"]]);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 late.example\n`);
});

test("half a line at the end was told to nobody", () => {
  const path = fresh();
  writeFileSync(path, `${HEAD}1 a.example\n2 b.exam`);
  const records = open(path);
  expect([...records.read]).toEqual([[1, "a.example"]]);
  records.assign(2, "c.example", false);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 a.example\n2 c.example\n`);
  for (const part of ["", "portail-na"]) {
    const begun = fresh();
    writeFileSync(begun, part);
    expect([...open(begun).read]).toEqual([]);
  }
});

test.each([
  ["something else\n", "tproxy.state_broken"],
  ["something else", "tproxy.state_broken"],
  [`${HEAD}1 a.example\n\n2 b.example\n`, "tproxy.state_broken"],
  [`${HEAD}0 a.example\n`, "tproxy.state_broken"],
  [`${HEAD}1 A.example\n`, "tproxy.state_broken"],
  [`${HEAD}1  a.example\n`, "tproxy.state_broken"],
  ["portail-names 1 198.18.0.0/16\n1 a.example\n", "tproxy.state_ranges"],
])("refused, and left as it is: %j", (text, code) => {
  const path = fresh();
  writeFileSync(path, text);
  expect(() => open(path)).toThrow(expect.objectContaining({ code }));
  expect(readFileSync(path, "utf8")).toBe(text);
});

test("one at a time, also after the file was written anew", () => {
  const path = fresh();
  const records = open(path);
  const busy = expect.objectContaining({ code: "tproxy.state_busy", exit: 75 });
  expect(() => open(path)).toThrow(busy);
  for (let i = 0; i < 600; i++) records.assign(1, `n${i}.example`, i > 0);
  const inode = statSync(path).ino;
  records.tidy(() => [[1, "n599.example"]]);
  expect(statSync(path).ino).not.toBe(inode);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 n599.example\n`);
  expect(() => open(path)).toThrow(busy);
  records.tidy(() => []);
  expect(records.assign(2, "b.example", false)).toBe(true);
  records.close(() => [[2, "b.example"]]);
  expect([...open(path).read]).toEqual([[2, "b.example"]]);
});

test("mode and symbolic link are kept", () => {
  const [path, link] = [fresh(), fresh()];
  writeFileSync(path, HEAD);
  chmodSync(path, 0o640);
  symlinkSync(path, link);
  open(link).assign(1, "a.example", false);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 a.example\n`);
  expect(statSync(path).mode & 0o777).toBe(0o640);
});

test("a file that cannot be made is refused", () => {
  const codes = (path: string) => {
    try {
      open(path);
    } catch (error) {
      return (error as { code: string }).code;
    }
    return undefined;
  };
  expect(codes(scene.path("no/such/folder"))).toBe("tproxy.state_unwritable");
  expect(codes(scene.folder)).toBe("tproxy.state_unwritable");
  expect(codes("/dev/null")).toBe("tproxy.state_unwritable");
});

test("what cannot be written is not assigned, and leaves no half line", () => {
  const path = fresh();
  const records = open(path);
  records.close(() => [[1, "a.example"]]);
  complaints.length = 0;
  // Its descriptor is gone: every write fails.
  expect(records.assign(2, "b.example", false)).toBe(false);
  expect(records.assign(3, "c.example", false)).toBe(false);
  expect(complaints).toHaveLength(1);
  expect(readFileSync(path, "utf8")).toBe(`${HEAD}1 a.example\n`);
  appendFileSync(path, "4 d.example\n");
  expect([...open(path).read]).toEqual([
    [1, "a.example"],
    [4, "d.example"],
  ]);
});
