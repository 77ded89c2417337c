/** Exit statuses, choice of rules, fixing files, and what is refused. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { RULES } from "../../../../../lib/acl/lint/engine/rules.ts";
import { Folder } from "../folder.ts";
import { POLICY } from "./policy.ts";

const folder = new Folder();
const lint = (...args: string[]) => folder.acl(["lint", ...args]);
afterAll(() => folder.remove());

const CLEAN = 'policy p { when host == "a.test" action allow }\n';
const NOTE = 'policy p { when host == "A.test" action allow }\n';
const WARNING = "policy p { when port == 1 and port == 1 action allow }\n";
const ERROR = 'policy p { when host == "a" and host == "b" action allow }\n';
folder.write("clean.acl", CLEAN);
folder.write("note.acl", NOTE);
folder.write("warning.acl", WARNING);
folder.write("error.acl", ERROR);

const rulesOf = (stdout: string): string[] => JSON.parse(stdout).findings.map(({ rule }: { rule: string }) => rule);

describe("the exit status", () => {
  test.each([
    ["clean.acl", [], 0],
    ["note.acl", [], 0],
    ["note.acl", ["--fail-on", "note"], 1],
    ["warning.acl", [], 1],
    ["warning.acl", ["--fail-on", "error"], 0],
    ["error.acl", ["--fail-on", "error"], 1],
    ["error.acl", ["--fail-on", "never"], 0],
  ])("%s %j is %d", async (file, args, status) => {
    expect((await lint(file, ...args)).status).toBe(status);
  });

  test("nothing is said of a clean policy", async () => {
    expect(await lint("clean.acl")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await lint("builtin:sample")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a suppressed finding does not count", async () => {
    folder.write("quiet.acl", `# lint-allow contradiction: an example\n${ERROR}`);
    expect(await lint("quiet.acl", "--fail-on", "note")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  test("a suppression without a reason is refused, and suppresses nothing", async () => {
    folder.write("mute.acl", `# lint-allow contradiction:\n${ERROR}`);
    const { status, stdout } = await lint("mute.acl", "--format", "json");
    expect(status).toBe(1);
    expect(rulesOf(stdout)).toEqual(["bad-suppression", "contradiction"]);
  });
});

describe("what is refused", () => {
  test("65: a broken policy, with its diagnostics, also among others", async () => {
    folder.write("broken.acl", "policy p { when hots == 1 action deny }");
    const { status, stdout, stderr } = await lint("error.acl", "broken.acl");
    expect(status).toBe(65);
    expect(stdout).toBe("");
    expect(stderr).toContain('broken.acl:1:17: error: unknown fact "hots" [acl.unknown_fact]');
    expect(stderr).toContain('the policy "broken.acl" is broken [acl.invalid]');
  });

  test("66: a file that is not there", async () => {
    const { status, stderr } = await lint("gone.acl");
    expect(status).toBe(66);
    expect(stderr).toContain('cannot read "gone.acl": ENOENT [acl.unreadable]');
  });

  test("65: an include that is not there", async () => {
    folder.write("lacking.acl", 'include "gone.acl"');
    expect((await lint("lacking.acl")).status).toBe(65);
  });

  test.each([
    [[], "POLICY is required"],
    [["clean.acl", "--rule", "unused-sets"], 'did you mean "unused-set"?'],
    [["clean.acl", "--disable", "zzzzzzzz"], "--rules lists them"],
    [["clean.acl", "--format", "xml"], "use one of text, json, sarif, github"],
    [["clean.acl", "--fail-on", "warnings"], "use one of note, warning, error, never"],
    [["clean.acl", "--command", "sock"], "use one of socks, tproxy, tunnel, mux, s3crypt"],
  ])("64: %j", async (args, message) => {
    const { status, stderr } = await lint(...args);
    expect(status).toBe(64);
    expect(stderr).toContain(message);
  });
});

describe("the rules", () => {
  test("--rule applies only these, --disable all but these", async () => {
    folder.write("p.acl", POLICY);
    const all = rulesOf((await lint("p.acl", "--format", "json")).stdout);
    expect(new Set(all)).toEqual(new Set(["contradiction", "redundant-condition", "host-spelling"]));
    const only = await lint("p.acl", "--format", "json", "--rule", "contradiction", "--rule", "host-spelling");
    expect(new Set(rulesOf(only.stdout))).toEqual(new Set(["contradiction", "host-spelling"]));
    const but = await lint("p.acl", "--format", "json", "--disable", "contradiction");
    expect(new Set(rulesOf(but.stdout))).toEqual(new Set(["redundant-condition", "host-spelling"]));
  });

  test("--rules lists them all, one a line", async () => {
    const { status, stdout } = await lint("--rules");
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines.map((line) => line.split(" ")[0]!)).toEqual(RULES.map(({ id }) => id));
    expect(lines).toContain("unused-set             warning  fix  No policy and no route uses the set");
  });

  test("--command and --backend say what the policy cannot", async () => {
    folder.write(
      "routes.acl",
      'route r { use ["a"] }\npolicy p { when port == 1 and route.local == false action allow }',
    );
    expect(rulesOf((await lint("routes.acl", "--format", "json")).stdout)).toEqual([]);
    const backends = await lint("routes.acl", "--format", "json", "--backend", "a", "--backend", "b");
    expect(rulesOf(backends.stdout)).toEqual(["unused-backend"]);
    const commands = await lint("routes.acl", "--format", "json", "--command", "s3crypt");
    expect(rulesOf(commands.stdout)).toEqual(["unavailable-fact"]);
    expect((await lint("routes.acl", "--backend", "b")).status).toBe(65);
  });
});

describe("--fix", () => {
  test("repairs the file in place, keeps its mode, and reports what is left", async () => {
    const path = folder.write("fix.acl", POLICY);
    chmodSync(path, 0o640);
    const { status, stdout, stderr } = await lint("--fix", "fix.acl", "--format", "json");
    expect(readFileSync(path, "utf8")).toBe(POLICY.replace(" and port == 443\n", "\n").replace("A.test", "a.test"));
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(rulesOf(stdout)).toEqual(["contradiction"]);
    expect(stderr).toBe('portail acl lint: 2 findings fixed in "fix.acl"\n');
    expect(status).toBe(1);
    expect((await lint("--fix", "fix.acl")).stderr).toBe("");
    expect(readdirSync(folder.path).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("follows a link and an include", async () => {
    const part = folder.write("part.acl", WARNING);
    folder.write("whole.acl", 'include "part.acl"\n');
    symlinkSync(join(folder.path, "whole.acl"), join(folder.path, "link.acl"));
    expect((await lint("--fix", "link.acl")).status).toBe(0);
    expect(readFileSync(part, "utf8")).toBe("policy p { when port == 1 action allow }\n");
  });

  test("changes nothing where one policy is broken, or nothing can be fixed", async () => {
    const path = folder.write("ok.acl", WARNING);
    expect((await lint("--fix", "ok.acl", "broken.acl")).status).toBe(65);
    expect(readFileSync(path, "utf8")).toBe(WARNING);
    const before = statSync(join(folder.path, "error.acl"));
    expect((await lint("--fix", "error.acl")).status).toBe(1);
    expect(statSync(join(folder.path, "error.acl")).ino).toBe(before.ino);
  });
});
