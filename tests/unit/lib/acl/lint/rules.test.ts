/** Every rule fires on its page's bad example, stays quiet on the good one, and has its file, its page and its test. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Glob } from "bun";
import { RULES } from "../../../../../lib/acl/lint/engine/rules.ts";
import { lint } from "../../../../../lib/acl/lint/engine/lint.ts";
import { loadPolicy } from "../../../../../lib/acl/load.ts";
import { BUILTIN_SAMPLE } from "../../../../../lib/acl/sample.ts";
import { fixed, lintText, readPage } from "./support.ts";

const ROOT = resolve(import.meta.dir, "../../../../..");
const OPTIONS = { backends: ["paris1", "paris2"] };
const IDS = RULES.map(({ id }) => id);

test("there is a file, a page and a test for every rule, and none besides", () => {
  const files = (folder: string, ending: string) =>
    readdirSync(resolve(ROOT, folder))
      .filter((name) => name.endsWith(ending))
      .map((name) => name.slice(0, -ending.length))
      .toSorted();
  const ids = IDS.toSorted();
  expect(ids.length).toBeGreaterThan(20);
  expect(new Set(ids).size).toBe(ids.length);
  expect(files("lib/acl/lint", ".ts")).toEqual(ids);
  expect(files("docs/acl/lint", ".md")).toEqual(ids);
  expect(files("tests/unit/lib/acl/lint", ".test.ts")).toEqual([...ids, "rules"].toSorted());
});

test("ids and severities are part of the interface", () => {
  expect(RULES.map(({ id, severity, fixable }) => `${severity} ${id}${fixable ? " +fix" : ""}`)).toMatchInlineSnapshot(`
    [
      "error deny-after-allow",
      "error contradiction",
      "error unavailable-fact",
      "error redirect-denied",
      "error guard-refuses",
      "error host-never-matches",
      "error bad-suppression",
      "warning unreachable-policy",
      "warning shadowed-policy",
      "warning duplicate-policy +fix",
      "warning constant-condition +fix",
      "warning redundant-condition +fix",
      "warning redundant-entry +fix",
      "warning unanchored-pattern",
      "warning unescaped-dot",
      "warning require-fall-through",
      "warning direct-exit",
      "warning protocol-fact",
      "warning negated-optional-fact",
      "warning unused-set +fix",
      "warning unused-route",
      "warning unused-suppression +fix",
      "note negated-address",
      "note host-spelling +fix",
      "note similar-name",
      "note similar-host",
      "note missing-space +fix",
      "note unused-backend",
    ]
  `);
});

describe.each(RULES.map((rule) => [rule.id, rule] as const))("%s", (id, rule) => {
  const page = readPage(id);

  test("its page is in the mould and says what the rule says", () => {
    expect(page.headings).toEqual([id, "Summary", "Severity", "Fixable", "Avoid", "Prefer", "Rationale"]);
    expect(page.section("Summary")).toBe(`${rule.summary}.`);
    expect(page.section("Severity")).toBe(rule.severity);
    expect(page.section("Fixable")).toStartWith(rule.fixable ? "Yes" : "No");
    expect(page.section("Rationale").length).toBeGreaterThan(80);
  });

  test("fires on what its page says to avoid", () => {
    const findings = lintText(page.avoid, OPTIONS).filter((one) => one.rule === id);
    expect(findings).not.toEqual([]);
    for (const { message, hint, severity } of findings) {
      expect(severity).toBe(rule.severity);
      expect(message).not.toMatch(/^[A-Z]|\.$/);
      expect(hint ?? "").not.toBe("");
    }
  });

  test("is quiet on what its page prefers, as is every other rule", () => {
    const loud = lintText(page.prefer, OPTIONS).filter(({ suppressed }) => suppressed === undefined);
    expect(loud.filter(({ rule }) => rule !== "unused-backend" || id === "unused-backend")).toEqual([]);
  });

  test("after --fix nothing that can be fixed is left", () => {
    const after = lintText(fixed(page.avoid, OPTIONS), OPTIONS);
    expect(after.filter(({ fix, suppressed }) => fix !== undefined && suppressed === undefined)).toEqual([]);
    const before = lintText(page.avoid, OPTIONS).filter((one) => one.rule === id && one.fix !== undefined);
    expect(before.length > 0).toBe(rule.fixable);
  });
});

describe("policies of the project are clean", () => {
  const examples = [...new Glob("examples/acl/*.acl").scanSync({ cwd: ROOT })].toSorted();
  const load = (path: string) => loadPolicy(path, (name) => readFileSync(resolve(ROOT, name)));
  // Parts of a policy that are made to be included may not load alone.
  const whole = [BUILTIN_SAMPLE, ...examples].flatMap((path) => {
    const loaded = load(path);
    return loaded.policy === undefined ? [] : [{ path, loaded }];
  });

  test("all of them are looked at", () => {
    const seen = new Set(whole.flatMap(({ loaded }) => loaded.files.map(({ source }) => source.name)));
    expect([BUILTIN_SAMPLE, ...examples].filter((path) => !seen.has(path))).toEqual([]);
    expect(examples).not.toEqual([]);
  });

  test.each(whole.map(({ path, loaded }) => [path, loaded] as const))("%s", (_, loaded) => {
    expect(lint(loaded).filter(({ suppressed }) => suppressed === undefined)).toEqual([]);
  });
});
