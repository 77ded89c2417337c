/** Each format says which cases failed, and no text of a file breaks out of its place. Third parties read them in tests/e2e. */
import { describe, expect, test } from "bun:test";
import { githubReport } from "../../../../../commands/acl/test/github.ts";
import { jsonReport } from "../../../../../commands/acl/test/json.ts";
import { junitReport } from "../../../../../commands/acl/test/junit.ts";
import { tapReport } from "../../../../../commands/acl/test/tap.ts";
import { textReport } from "../../../../../commands/acl/test/text.ts";
import { goodRun, oddRun } from "./support.ts";

describe("text", () => {
  const plain = (options = {}) => {
    const { run, sources } = oddRun(options);
    return textReport(run, { color: false, sources });
  };

  test("a failure has what was given, expected and got, why, and the lines", () => {
    const text = plain();
    expect(text).toContain("FAIL odd, 100%: <&> # skip ::two: other (p.acl:8)\n");
    expect(text).toContain(`  given     command = "tunnel", host = "b.test"
  expected  deny by b explain "c.html"
  got       deny by b explain "b.html"
  b decided (p.acl:2)
    true     host == "b.test"
`);
    expect(text).toContain(`  a did not hold (p.acl:1)
    true     host == "a.test"
    false    "x" in client.ou
`);
    expect(text).toEndWith("3 cases, 1 passed, 2 failed\n");
    expect(text).not.toContain(": good");
  });

  test("nothing in it commands a terminal, unless colour is wanted", () => {
    expect(plain()).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    expect(plain()).toContain("ring \\u0007 \\u001b[31m");
    const { run, sources } = oddRun();
    expect(textReport(run, { color: true, sources })).toContain("\u001b[31mFAIL\u001b[0m");
  });

  test("coverage names what was never seen", () => {
    expect(plain({ coverage: true })).toEndWith("\ncoverage 87.5 % (7 of 8)\n  c  when never true      p.acl:10\n");
  });

  test("one line where all is well", () => {
    const { run, sources } = goodRun();
    expect(textReport(run, { color: false, sources })).toBe("1 case, 1 passed\n");
    expect(plain({ failFast: true })).toEndWith(
      "1 case, 0 passed, 1 failed; stopped at the first failure, 2 did not run\n",
    );
  });
});

describe("tap", () => {
  test("a plan, a line for each case, no directive from a name", () => {
    const lines = tapReport(oddRun({ coverage: true }).run).split("\n");
    expect(lines.slice(0, 2)).toEqual(["TAP version 13", "1..3"]);
    const results = lines.filter((line) => /^(not )?ok/.test(line));
    expect(results).toEqual([
      "not ok 1 - odd, 100%: <&> \\# skip ::two: ring \\\\u0007 \\\\u001b[31m",
      "ok 2 - odd, 100%: <&> \\# skip ::two: good",
      "not ok 3 - odd, 100%: <&> \\# skip ::two: other",
    ]);
    expect(lines).toContain('  got: "deny by b explain \\"b.html\\""');
    expect(lines.filter((line) => line === "  ---")).toHaveLength(2);
    expect(lines.filter((line) => line === "  ...")).toHaveLength(2);
    expect(lines.some((line) => line.startsWith("# coverage "))).toBe(true);
  });
});

describe("junit", () => {
  test("suites and counts; markup and control characters are text", () => {
    const xml = junitReport(oddRun({ coverage: true }).run);
    expect(xml).toContain('<testsuites name="portail acl test" tests="3" failures="2" errors="0">');
    expect(xml).toContain('<testsuite name="p.acl" tests="3" failures="2" errors="0" skipped="0">');
    expect(xml).toContain('<testcase name="odd, 100%: &lt;&amp;&gt; # skip&#10;::two: good" classname="p.acl"/>');
    expect(xml).toContain('<failure type="explain" message="expected deny by b explain &quot;c.html&quot;, got');
    expect(xml).toContain("ring \ufffd \ufffd[31m");
    expect(xml).not.toMatch(/[\u0000-\u0008\u000b-\u001f]/);
    expect(xml).toContain('<property name="coverage" value=');
  });
});

describe("github", () => {
  test("an annotation at the line of each failure, in one line each", () => {
    const { run, sources } = oddRun({ coverage: true });
    const lines = githubReport(run, sources).trimEnd().split("\n");
    const errors = lines.filter((line) => line.startsWith("::error "));
    expect(errors).toHaveLength(2);
    expect(errors[1]).toStartWith(
      "::error file=p.acl,line=8,title=odd%2C 100%25%3A <&> # skip%0A%3A%3Atwo%3A other::expected deny by b",
    );
    expect(errors[1]).toContain("%0Agot deny by b");
    expect(
      lines.filter((line) =>
        line.startsWith("::notice file=p.acl,line=10,title=not covered::policy c: when never true"),
      ),
    ).toHaveLength(1);
    expect(lines.at(-1)).toMatch(/^3 cases, 1 passed, 2 failed; coverage /);
  });
});

describe("json", () => {
  test("all of it, under names that do not change", () => {
    const { run, sources } = oddRun({ coverage: true });
    const document = JSON.parse(jsonReport(run, sources));
    expect(Object.keys(document)).toEqual(["policy", "policies", "passed", "failed", "notRun", "cases", "coverage"]);
    expect(document.cases[1]).toEqual({
      name: "odd, 100%: <&> # skip\n::two: good",
      file: "p.acl",
      line: 7,
      status: "passed",
    });
    expect(Object.keys(document.cases[2]).join(" ")).toBe("name file line status parts given expected got why");
    expect(document.cases[2]).toMatchObject({
      status: "failed",
      parts: ["explain"],
      got: 'deny by b explain "b.html"',
    });
    expect(document.coverage).toMatchObject({ covered: 7, total: 8, percent: 87.5 });
    expect(document.coverage.blocks[1]).toEqual({
      kind: "policy",
      name: "b",
      reached: true,
      covered: 2,
      total: 2,
      file: "p.acl",
      line: 2,
      clauses: [{ kind: "when", file: "p.acl", line: 2, sawTrue: true, sawFalse: true }],
    });
  });
});
