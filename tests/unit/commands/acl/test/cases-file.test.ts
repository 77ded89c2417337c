/** Cases in TOML mean what test blocks mean, and every mistake has its line. */
import { describe, expect, test } from "bun:test";
import { parseCases } from "../../../../../commands/acl/test/cases-file.ts";
import type { CheckedTest } from "../../../../../lib/acl/model.ts";
import { renderDiagnostics } from "../../../../../lib/acl/render.ts";
import { policyOf } from "../../../lib/acl/support.ts";

const POLICIES = ["web", "no"];

/** The tests of a file that must be good, without their places. */
function cases(text: string) {
  const { tests, diagnostics } = parseCases(text, "c.toml", POLICIES);
  expect(diagnostics).toEqual([]);
  return tests.map(bare);
}

const bare = ({ name, given, resolves, expect }: CheckedTest) => ({ name, given, resolves, expect });

/** The tests of a policy's blocks. */
function blocks(text: string) {
  const policy = policyOf(`policy web { action allow } policy no { action deny }\n${text}`);
  return policy.program.tests.map(bare);
}

describe("the same as test blocks", () => {
  test("names, facts of every type, every part of an expectation", () => {
    const toml = `
[[test]]
name = "t"
given = { host = "A.test", port = 443, "client.ip" = "10.0.0.1", client.ou = ["a"], now = 2026-01-31T18:00:00+01:00 }
expect = "allow"
by = "web"
to = "b.test:1"
via = ["x"]
explain = "e"
missing = "method"
logged = ["no"]

[[test.case]]
given.device.managed = true
given.header."X-Y" = "z"
expect = "deny"

[[test.case]]
name = "named"
given.resolves = ["10.0.0.1", "::1"]
expect = "deny"
by = "default"
`;
    const acl = `test "t" {
  given { host = "A.test" port = 443 client.ip = 10.0.0.1 client.ou = ["a"] now = "2026-01-31T18:00+01:00" }
  expect allow by web to "b.test:1" via ["x"] explain "e" missing method logged [no]
  case { device.managed = true header.X-Y = "z" } expect deny
  case "named" { resolves = [10.0.0.1, ::1] } expect deny by default
}`;
    expect(cases(toml)).toEqual(blocks(acl));
    expect(cases(toml)).toHaveLength(3);
  });

  test("rows under columns", () => {
    const toml = `
[[test]]
name = "t"
given.command = "socks"
columns = ["name", "host", "dest.ip", "client.ou", "expect", "by", "logged"]
rows = [
  ["one", "a.test", "10.0.0.1", ["x"], "allow", "web", ["no"]], # a comment
  ["two", "b.test", "10.0.0.2", [], "deny", "default", []],
]`;
    const acl = `test "t" { given { command = "socks" }
  case "one" { host = "a.test" dest.ip = 10.0.0.1 client.ou = ["x"] } expect allow by web logged [no]
  case "two" { host = "b.test" dest.ip = 10.0.0.2 client.ou = [] } expect deny by default logged []
}`;
    expect(cases(toml)).toEqual(blocks(acl));
  });

  test("what is given in front of the tests holds for all, unless it is given again", () => {
    const toml = `
given = { command = "socks", port = 443, resolves = ["10.0.0.1"] }
[[test]]
name = "t"
given = { port = 80 }
expect = "deny"
[[test]]
name = "u"
given = { dest.ip = "10.0.0.2" }
expect = "deny"`;
    const acl = `test "t" { given { command = "socks" port = 80 resolves = [10.0.0.1] } expect deny }
test "u" { given { command = "socks" port = 443 dest.ip = 10.0.0.2 } expect deny }`;
    expect(cases(toml)).toEqual(blocks(acl));
  });

  test("numbers may have fractions, which the language cannot write", () => {
    expect(cases('[[test]]\nname = "t"\ngiven.risk.score = 12.5\nexpect = "deny"')[0]!.given).toEqual({
      "risk.score": 12.5,
    });
  });
});

test("every case has its line", () => {
  const text = `[[test]]
name = "t"
expect = "deny"
columns = ["port", "expect"]
rows = [
  [1, "deny"],
  # in between
  [2, "deny"],
]

[[test.case]]
expect = "deny"

  [[ test ]]
name = "u"
case = [{ expect = "deny" }]
`;
  const { source, tests } = parseCases(text, "c.toml", POLICIES);
  const lines = tests.map(({ name, place }) => [name, source.position(place.start).line]);
  expect(lines).toEqual([
    ["t", 1],
    ["t: 1", 11],
    ["t: 2", 6],
    ["t: 3", 8],
    ["u: 1", 16],
  ]);
});

const HEAD = '[[test]]\nname = "t"\n';

describe("what is refused, where, and with which advice", () => {
  test.each<[text: string, line: number, code: string, says: string]>([
    [`${HEAD}exepct = "deny"\nexpect = "deny"`, 3, "acl.syntax", 'did you mean "expect"?'],
    [`${HEAD}exepct = "deny"\nexpect = "deny"`, 3, "acl.syntax", 'unknown key "exepct"'],
    ['[[tset]]\nname = "t"', 1, "acl.syntax", 'did you mean "test"?'],
    ['title = "x"\n', 1, "acl.syntax", "known here are given, test"],
    [`${HEAD}[[test.case]]\nexpect = "deny"\ncolumns = []`, 5, "acl.syntax", 'unknown key "columns"'],
    ['[[test]]\nexpect = "deny"', 1, "acl.syntax", "has no name"],
    [`${HEAD}expect = "alow"`, 3, "acl.missing_expectation", 'did you mean "allow"?'],
    [`${HEAD}by = "web"`, 3, "acl.missing_expectation", '"expect" must be'],
    [HEAD, 1, "acl.missing_expectation", '"expect" must be'],
    [`${HEAD}expect = "deny"\n[[test.case]]\ngiven = {}`, 4, "acl.missing_expectation", '"expect" must be'],
    [`${HEAD}expect = "deny"\nby = "wbe"`, 4, "acl.unknown_policy", 'did you mean "web"?'],
    [`${HEAD}expect = "deny"\nby = 1`, 4, "acl.type_mismatch", '"by" must be a text'],
    [`${HEAD}expect = "deny"\nvia = "x"`, 4, "acl.type_mismatch", '"via" must be a list of texts'],
    [`${HEAD}expect = "deny"\nto = "/x"`, 4, "acl.bad_redirect", "names no host"],
    [`${HEAD}expect = "deny"\nmissing = "hots"`, 4, "acl.unknown_fact", 'did you mean "host"?'],
    [`${HEAD}expect = "deny"\n\ngiven = {\n  hots = "a"\n}`, 5, "acl.unknown_fact", 'did you mean "host"?'],
    [`${HEAD}expect = "deny"\n[test.given]\nport = 1\nhost = 7`, 6, "acl.type_mismatch", '"host" is a host name'],
    [`${HEAD}expect = "deny"\ngiven = 7`, 4, "acl.type_mismatch", "a table of facts"],
    [`${HEAD}expect = "deny"\ngiven.port = inf`, 4, "acl.type_mismatch", "a value that a fact can have"],
    [`${HEAD}expect = "deny"\ngiven.port = 9007199254740993`, 4, "acl.type_mismatch", '"port" is a number'],
    [`${HEAD}expect = "deny"\ngiven.now = 2026-01-01T10:00:00`, 4, "acl.type_mismatch", "with an offset"],
    [`${HEAD}expect = "deny"\ngiven.client.ou = [["a"]]`, 4, "acl.type_mismatch", "a list of texts"],
    [`${HEAD}expect = "deny"\ngiven = { resolves = ["x"] }`, 4, "acl.bad_address", "list of addresses"],
    [`${HEAD}expect = "deny"\ngiven = { resolves = [], dest.ip = "::1" }`, 4, "acl.duplicate_fact", "exclude"],
    [`${HEAD}rows = [["a"]]`, 3, "acl.syntax", '"columns" and "rows" go together'],
    [`${HEAD}columns = ["expect"]`, 3, "acl.syntax", '"columns" and "rows" go together'],
    [`${HEAD}columns = ["port", "port"]\nrows = [[1, 2]]`, 3, "acl.syntax", 'a second column "port"'],
    [`${HEAD}columns = ["expect"]\nrows = [\n  ["deny"],\n  ["deny", 1],\n]`, 6, "acl.syntax", "a list of 1 cells"],
    [
      `${HEAD}columns = ["expect", "by"]\nrows = [\n  ["deny", "web"],\n  ["deny", "wbe"],\n]`,
      6,
      "acl.unknown_policy",
      "web",
    ],
    [`${HEAD}columns = ["expect"]\nrows = [["deny"], ["dney"]]`, 4, "acl.missing_expectation", '"deny"'],
    ["test = 1", 1, "acl.type_mismatch", "write [[test]]"],
    [`${HEAD}expect = "deny`, 3, "acl.syntax", ""],
  ])("%j", (text, line, code, says) => {
    const { tests, diagnostics, source } = parseCases(text, "c.toml", POLICIES);
    expect(tests).toEqual([]);
    expect(diagnostics.map((one) => `${one.line} ${one.code}`)).toContain(`${line} ${code}`);
    expect(renderDiagnostics(diagnostics, new Map([["c.toml", source]]))).toContain(says);
  });

  test("with a caret under the key", () => {
    const { diagnostics, source } = parseCases(
      `${HEAD}expect = "deny"\ngiven = { port = 1, hots = "a" }`,
      "c.toml",
      POLICIES,
    );
    expect(renderDiagnostics(diagnostics, new Map([["c.toml", source]])))
      .toBe(`c.toml:4:21: error: unknown fact "hots" [acl.unknown_fact]
   |
 4 | given = { port = 1, hots = "a" }
   |                     ^^^^
  hint: did you mean "host"?`);
  });
});
