/** The formats of a report: text for people, JSON, GitHub annotations. SARIF is held to its schema in tests/conformance. */
import { afterAll, expect, test } from "bun:test";
import { Folder } from "../folder.ts";
import { POLICY } from "./policy.ts";

const folder = new Folder();
const lint = (...args: string[]) => folder.acl(["lint", ...args]);
afterAll(() => folder.remove());
folder.write("p.acl", POLICY);

test("text: place, severity, message, rule, caret, hint, page, and a sum", async () => {
  const { stdout } = await lint("p.acl", "--disable", "host-spelling");
  expect(stdout).toBe(`p.acl:2:45: warning: "port == 443" is said twice [redundant-condition]
   |
 2 |   when port == 443 and host == "A.test" and port == 443
   |                                             ^^^^^^^^^^^ said before
  hint: leave one of them out
  page: docs/acl/lint/redundant-condition.md (--fix repairs this)

p.acl:6:66: error: client.cn == "c" and client.cn == "d" are never true together here [contradiction]
   |
 6 |   when port == 443 and host == "a.test" and client.cn == "c" and client.cn == "d"
   |                                                                  ^^^^^^^^^^^^^^^^ never, with client.cn == "c"
  hint: join alternatives with "or", or use "in"
  page: docs/acl/lint/contradiction.md

1 error, 1 warning
`);
});

test("json: every field, suppressed findings with the reason", async () => {
  folder.write(
    "q.acl",
    `# lint-allow contradiction: an example\npolicy p { when host == "b" and host == "😀c" action allow }`,
  );
  const { stdout } = await lint("p.acl", "q.acl", "--format", "json");
  const { version, findings } = JSON.parse(stdout);
  expect(version).toBe(1);
  expect(findings).toHaveLength(5);
  expect(findings[1]).toEqual({
    rule: "redundant-condition",
    severity: "warning",
    message: '"port == 443" is said twice',
    hint: "leave one of them out",
    file: "p.acl",
    line: 2,
    column: 45,
    endLine: 2,
    endColumn: 56,
    start: 57,
    end: 68,
    page: "docs/acl/lint/redundant-condition.md",
    fix: { start: 52, end: 68, text: "" },
  });
  expect(POLICY.slice(57, 68)).toBe("port == 443");
  expect(findings[3]).toMatchObject({ rule: "contradiction", file: "q.acl", line: 2, suppressed: "an example" });
  expect(findings[4]).toMatchObject({ rule: "host-spelling", line: 2, column: 41, endColumn: 45 });
});

test("github: one command a line, with what would end it encoded", async () => {
  folder.write("a,b:c%.acl", 'policy p { when host == "50%\n" action allow }');
  const { stdout } = await lint("p.acl", "a,b:c%.acl", "--format", "github", "--disable", "host-spelling");
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toBe(
    '::warning file=p.acl,line=2,col=45,endLine=2,endColumn=55,title=redundant-condition::"port == 443" is said twice' +
      "%0Ahint: leave one of them out%0Apage: docs/acl/lint/redundant-condition.md",
  );
  expect(lines[2]).toStartWith("::error file=a%2Cb%3Ac%25.acl,line=1,col=25,");
  expect(lines[2]).toContain('::no host can be "50%25 "%0A');
});

test("of a clean policy only JSON and SARIF say something", async () => {
  const said = async (format: string) => (await lint("builtin:sample", "--format", format)).stdout;
  expect(await said("github")).toBe("");
  expect(JSON.parse(await said("json"))).toEqual({ version: 1, findings: [] });
  expect(JSON.parse(await said("sarif")).runs[0].results).toEqual([]);
});
