/** `portail acl test` as a whole, in a process of its own making: statuses, filters, coverage, watching. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "../../../../../cli/run.ts";
import acl from "../../../../../commands/acl/index.ts";
import { defineGroup } from "../../../../../lib/command/define.ts";
import { fakeRuntime } from "../../../cli/fake-runtime.ts";

const folder = mkdtempSync(join(tmpdir(), "portail-acl-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const root = defineGroup({
  meta: { name: "portail", description: "x" },
  commands: { acl: () => Promise.resolve(acl) },
});

async function portail(...args: string[]) {
  const runtime = fakeRuntime();
  const status = await run(root, ["acl", "test", ...args], runtime);
  return { status, stdout: runtime.stdout.text(), stderr: runtime.stderr.text() };
}

const POLICY = `policy web { when port == 443 action allow }
policy no { when port == 25 action deny }
`;
const good = write("good.acl", `${POLICY}test "web" { given { command = "tunnel" port = 443 } expect allow by web }\n`);
const bad = write("bad.acl", `${POLICY}test "web" { given { command = "tunnel" port = 443 } expect deny by no }\n`);
const bare = write("bare.acl", POLICY);
const cases = write(
  "cases.toml",
  'given.command = "tunnel"\n[[test]]\nname = "mail"\ngiven.port = 25\nexpect = "deny"\nby = "no"\n',
);
const wrong = write("wrong.toml", '[[test]]\nname = "mail"\nexpcet = "deny"\n');

describe("the status says what came of it", () => {
  test.each<[args: string[], status: number, stdout: string, stderr: string]>([
    [[good], 0, "1 case, 1 passed\n", ""],
    [[good, cases], 0, "2 cases, 2 passed\n", ""],
    [[bad], 1, "1 case, 0 passed, 1 failed\n", ""],
    [[bad, cases, "--fail-fast"], 1, "stopped at the first failure, 1 did not run\n", ""],
    [[bad, cases, "--filter", "mail"], 0, "1 case, 1 passed\n", ""],
    [[bare, cases], 0, "1 case, 1 passed\n", ""],
    [["builtin:sample"], 0, "4 cases, 4 passed\n", ""],
    [
      [good, "--min-coverage", "100"],
      1,
      "1 case, 1 passed\n",
      "coverage 25.0 % (1 of 4) is less than --min-coverage 100",
    ],
    [[good, cases, "--min-coverage", "75"], 0, "2 cases, 2 passed\n", ""],
    [[good, cases, "--min-coverage", "76", "--coverage"], 1, "  no  when never false", "is less than"],
    [[bare], 65, "", "no case to test"],
    [[good, "--filter", "x"], 65, "", 'none of the 1 cases has "x" in its name [acl.no_cases]'],
    [[good, wrong], 65, "", 'did you mean "expect"?'],
    [[good, wrong], 65, "", "[acl.cases_invalid]"],
    [[cases], 65, "", "[acl.invalid]"],
    [[join(folder, "none.acl")], 66, "", "[acl.unreadable]"],
    [[good, join(folder, "none.toml")], 66, "", "ENOENT [acl.cases_unreadable]"],
    [[good, "--format", "xml"], 64, "", "use one of text, tap, junit, json, github"],
    [[good, "--min-coverage", "101"], 64, "", "--min-coverage"],
    [[], 64, "", "POLICY"],
  ])("%j", async (args, status, stdout, stderr) => {
    const outcome = await portail(...args);
    expect(`${outcome.status} ${outcome.stderr}`).toStartWith(`${status} `);
    expect(outcome.stderr).toContain(stderr);
    expect(outcome.stdout).toContain(stdout);
    if (stdout === "") expect(outcome.stdout).toBe("");
    if (stderr === "") expect(outcome.stderr).toBe("");
  });
});

test("routes may use any backend: a policy alone has none", async () => {
  const path = write(
    "route.acl",
    'route r { use ["hub"] } policy a { action allow } test "t" { given { host = "a.test" } expect allow via ["hub"] }',
  );
  expect(await portail(path)).toMatchObject({ status: 0 });
});

test.each([
  ["tap", /^TAP version 13\n1\.\.1\nok 1 - web\n$/],
  ["junit", /^<\?xml version="1\.0"/],
  ["json", /^\{\n {2}"policy"/],
  ["github", /^1 case, 1 passed\n$/],
])("--format %s", async (format, pattern) => {
  const { status, stdout } = await portail(good, "--format", format);
  expect(status).toBe(0);
  expect(stdout).toMatch(pattern);
});

test("warnings of the policy are for people, not for programs", async () => {
  const path = write(
    "warn.acl",
    'policy a { when host == "*.x" action deny } test "t" { given { host = "a" } expect deny }',
  );
  const { status, stdout, stderr } = await portail(path);
  expect([status, stdout]).toEqual([0, "1 case, 1 passed\n"]);
  expect(stderr).toContain("[acl.host_never_matches]");
});

describe("--watch", () => {
  /** Waits until `look` holds; the time only bounds a test that fails. */
  async function until(look: () => boolean): Promise<void> {
    for (let i = 0; !look(); i++) {
      if (i > 4000) throw new Error("waited in vain");
      await Bun.sleep(5);
    }
  }

  test("runs again when the policy, a set or the cases change, whatever an editor does; a signal ends it", async () => {
    const names = write("names.txt", "a.test\n");
    const policy = write(
      "watched.acl",
      'set names = lines "names.txt"\npolicy a { when host in names action allow }\n',
    );
    const toml = write(
      "watched.toml",
      '[[test]]\nname = "t"\ngiven = { command = "tunnel", host = "a.test" }\nexpect = "allow"\n',
    );
    const runtime = fakeRuntime();
    const count = (text: string) => runtime.stdout.text().split(text).length - 1;
    const watching = () => runtime.stderr.text().split("watching").length - 1;
    const ended = run(root, ["acl", "test", policy, toml, "--watch"], runtime);
    await until(() => watching() === 1);
    expect(count("1 case, 1 passed")).toBe(1);
    expect(runtime.stderr.text()).toContain("watching 3 files, ^C ends");
    writeFileSync(names, "b.test\n");
    await until(() => watching() === 2);
    expect(count("1 case, 0 passed, 1 failed")).toBe(1);
    renameSync(
      write("new.toml", '[[test]]\nname = "t"\ngiven = { command = "tunnel", host = "b.test" }\nexpect = "allow"\n'),
      toml,
    );
    await until(() => watching() === 3);
    expect(count("1 case, 1 passed")).toBe(2);
    writeFileSync(policy, "policy a {");
    await until(() => watching() === 4);
    expect(runtime.stderr.text()).toContain("[acl.invalid]");
    write("elsewhere.acl", "not ours");
    writeFileSync(policy, 'policy a { action allow } test "u" { given { command = "tunnel" } expect allow }');
    await until(() => watching() === 5);
    expect(count("2 cases, 2 passed")).toBe(1);
    runtime.raise("SIGINT");
    expect(await ended).toBe(0);
    expect(watching()).toBe(5);
  });

  test("ends with the status of the last run", async () => {
    const runtime = fakeRuntime();
    const ended = run(root, ["acl", "test", bad, "--watch"], runtime);
    await until(() => runtime.stderr.text().includes("watching 1 file, ^C ends"));
    runtime.raise("SIGTERM");
    expect(await ended).toBe(1);
  });

  test("a folder that is not there cannot be watched", async () => {
    const { status, stderr } = await portail(join(folder, "none", "x.acl"), "--watch");
    expect([status, stderr]).toEqual([66, expect.stringContaining("[acl.unwatchable]") as unknown as string]);
  });
});
