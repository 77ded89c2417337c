/** `portail acl fmt` on files and standard input: what is printed, what is written, and with which status. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Folder } from "../folder.ts";

const UGLY = "policy   a{when port==443 action   allow} # why\n";
const NEAT = "policy a {\n  when port == 443\n  action allow\n} # why\n";
const BROKEN = "policy a { when prot == action allow }\n";

let folder: Folder;
beforeEach(() => (folder = new Folder()));
afterEach(() => folder.remove());

describe("standard input", () => {
  test.each([[[]], [["-"]]])("is formatted to standard output with arguments %j", async (args) => {
    expect(await folder.acl(["fmt", ...args], { stdin: UGLY })).toEqual({ status: 0, stdout: NEAT, stderr: "" });
  });

  test("is checked under a name of its own", async () => {
    const { status, stdout } = await folder.acl(["fmt", "--check"], { stdin: UGLY });
    expect([status, stdout]).toEqual([1, "<standard input>\n"]);
    expect((await folder.acl(["fmt", "--check"], { stdin: NEAT })).status).toBe(0);
  });

  test("cannot be written", async () => {
    const { status, stderr } = await folder.acl(["fmt", "--write"], { stdin: UGLY });
    expect([status, stderr]).toEqual([64, expect.stringContaining("[usage.conflict]")]);
  });
});

describe("files", () => {
  test("are printed, and not changed, without a flag", async () => {
    const path = folder.write("a.acl", UGLY);
    expect(await folder.acl(["fmt", "a.acl"])).toEqual({ status: 0, stdout: NEAT, stderr: "" });
    expect(readFileSync(path, "utf8")).toBe(UGLY);
  });

  test("are changed in place by --write, which names those that were changed", async () => {
    const ugly = folder.write("a.acl", UGLY);
    folder.write("b.acl", NEAT);
    expect(await folder.acl(["fmt", "-w", "a.acl", "b.acl"])).toEqual({ status: 0, stdout: "a.acl\n", stderr: "" });
    expect(readFileSync(ugly, "utf8")).toBe(NEAT);
    expect(await folder.acl(["fmt", "--write", "a.acl"])).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("are named by --check, which changes nothing and exits with 1", async () => {
    const path = folder.write("a.acl", UGLY);
    folder.write("b.acl", NEAT);
    expect(await folder.acl(["fmt", "--check", "a.acl", "b.acl"])).toEqual({
      status: 1,
      stdout: "a.acl\n",
      stderr: "",
    });
    expect(readFileSync(path, "utf8")).toBe(UGLY);
    expect((await folder.acl(["fmt", "--check", "b.acl"])).status).toBe(0);
  });

  test("are compared by --diff, alone and with --check and --write", async () => {
    const path = folder.write("a.acl", UGLY);
    const diff = `--- a.acl.orig\n+++ a.acl\n@@ -1,1 +1,4 @@\n-${UGLY}${NEAT.replace(/^/gm, "+").slice(0, -1)}`;
    expect(await folder.acl(["fmt", "--diff", "a.acl"])).toEqual({ status: 0, stdout: diff, stderr: "" });
    expect(await folder.acl(["fmt", "--diff", "--check", "a.acl"])).toEqual({ status: 1, stdout: diff, stderr: "" });
    expect(readFileSync(path, "utf8")).toBe(UGLY);
    expect(await folder.acl(["fmt", "--diff", "--write", "a.acl"])).toEqual({ status: 0, stdout: diff, stderr: "" });
    expect(readFileSync(path, "utf8")).toBe(NEAT);
  });
});

describe("trouble", () => {
  test("a broken policy is shown with a caret, and nothing at all is written", async () => {
    const ugly = folder.write("a.acl", UGLY);
    folder.write("b.acl", BROKEN);
    const { status, stdout, stderr } = await folder.acl(["fmt", "--write", "a.acl", "b.acl"]);
    expect([status, stdout]).toEqual([65, ""]);
    expect(stderr).toMatch(/b\.acl:1:\d+: error: [^]*\^[^]*\[acl\.invalid\]/);
    expect(readFileSync(ugly, "utf8")).toBe(UGLY);
  });

  test("every broken policy is shown", async () => {
    folder.write("a.acl", BROKEN);
    folder.write("b.acl", new Uint8Array([0x70, 0xff]));
    const { status, stderr } = await folder.acl(["fmt", "a.acl", "b.acl"]);
    expect(status).toBe(65);
    expect(stderr).toContain("a.acl:1:");
    expect(stderr).toContain("b.acl:1:1: error: the file is not UTF-8 [acl.bad_encoding]");
    expect(stderr).toContain("2 policies are broken");
  });

  test("a file that is not there, and flags that exclude each other", async () => {
    expect(await folder.acl(["fmt", "none.acl"])).toMatchObject({ status: 66, stdout: "" });
    expect(await folder.acl(["fmt", "--write", "--check", "a.acl"])).toMatchObject({ status: 64, stdout: "" });
  });
});
