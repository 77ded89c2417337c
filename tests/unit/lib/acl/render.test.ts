/** Diagnostics as text: only the lines that matter, carets under what is meant, nothing that drives a terminal. */
import { expect, test } from "bun:test";
import { renderDiagnostics } from "../../../../lib/acl/render.ts";
import { loadText } from "./support.ts";

const rendered = (text: string, width?: number) => {
  const { diagnostics, sources } = loadText(text);
  return renderDiagnostics(diagnostics, sources, width);
};

test("place, message, code, line, caret and hint", () => {
  expect(rendered('# one\npolicy git {\n\twhen hots == "git.corp.test"\n\taction allow\n}\n')).toBe(
    `p.acl:3:7: error: unknown fact "hots" [acl.unknown_fact]
   |
 3 | \twhen hots == "git.corp.test"
   | \t     ^^^^
  hint: did you mean "host"?`,
  );
});

test("a label stands beside the caret; paragraphs are apart", () => {
  const text = rendered("policy a { action deny }\npolicy a { action allow }\nroute r { }");
  expect(text).toContain("   |        ^ the first is at p.acl:1\n\np.acl:3:7: error:");
});

test("columns and carets count characters, not units", () => {
  expect(rendered('policy a { when host == "😀é" and hots == "" action deny }')).toContain(
    `p.acl:1:34: error: unknown fact "hots" [acl.unknown_fact]\n   |\n 1 | policy a { when host == "😀é" and hots == "" action deny }\n   | ${" ".repeat(33)}^^^^`,
  );
});

test("weakness 6.3.5: a long line is cut around the caret, and a million lines cost no more than one", () => {
  const hosts = Array.from({ length: 100_000 }, (_, i) => `"h${i}.test"`);
  const oneLine = rendered(
    `policy a { when host in [${hosts.join(", ")}] and hots == 1 and host in [${hosts.join(", ")}] action deny }`,
    80,
  );
  expect(oneLine.length).toBeLessThan(500);
  expect(oneLine).toMatch(/ 1 \| ….* and hots == 1 .*…\n {3}\| +\^\^\^\^\n/);
  const manyLines = rendered(`policy a { when host in [\n${hosts.join(",\n")}] and hots == 1 action deny }`);
  expect(manyLines.length).toBeLessThan(300);
  expect(manyLines).toContain('p.acl:100001:20: error: unknown fact "hots"');
});

test("control characters do not reach the terminal", () => {
  const text = rendered('policy a { when host == "\x1b[2J\u202e" and hots == 1 action deny }');
  expect(text).not.toMatch(/[\p{Cf}]/u);
  expect(text).not.toContain("\x1b");
  expect(text).toContain('"\ufffd[2J\ufffd"');
  expect(text).toContain("no host can be");
});

test("an empty file has no line to show", () => {
  const { diagnostics, sources } = loadText('include "x"');
  expect(renderDiagnostics(diagnostics, sources)).toContain('1 | include "x"');
  expect(
    renderDiagnostics(
      [
        {
          code: "acl.read_failed",
          severity: "error",
          message: "m",
          file: "gone",
          start: 0,
          end: 0,
          line: 1,
          column: 1,
        },
      ],
      new Map(),
    ),
  ).toBe("gone:1:1: error: m [acl.read_failed]");
});
