/** Holds the program to the rules of tests/architecture.ts, and shows each rule failing on a planted violation. */

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { checkArchitecture, RULE_NAMES } from "./architecture.ts";

const ROOT = resolve(import.meta.dir, "..");
const HEAD = "/** A file of this test. */\n";

describe("the program", () => {
  const { files, findings } = checkArchitecture(ROOT);

  test("was read", () => {
    expect(files.length).toBeGreaterThan(150);
    expect(files).toContain("cli/main.ts");
    expect(files).toContain("lib/command/errors.ts");
  });

  test("keeps the rules", () => {
    expect(findings).toEqual([]);
  });
});

describe("a planted violation is found", () => {
  const roots: string[] = [];
  afterAll(() => roots.forEach((root) => rmSync(root, { recursive: true })));

  /** Findings in a tree that has only the file `path`. */
  function plant(path: string, text: string): string[] {
    const root = mkdtempSync(join(tmpdir(), "portail-architecture-"));
    roots.push(root);
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
    const { files, findings } = checkArchitecture(root);
    expect(files).toEqual([path]);
    return findings.map((finding) => finding.slice(path.length + 2));
  }

  const [FIRST_LINE, NAMED_FILES, LENGTH, NAMES, DIRECTION, PURE_IMPORT, PURE_NAME, SOCKETS, FFI, REGEXP] =
    RULE_NAMES as [string, ...string[]];

  const VIOLATIONS: [path: string, body: string, rule: string | undefined, found: string][] = [
    ["lib/net/a.ts", 'import { run } from "../../cli/run.ts";', DIRECTION, "cli/run.ts"],
    [
      "lib/net/a.ts",
      'import type { Socks } from "../../commands/socks/index.ts";',
      DIRECTION,
      "commands/socks/index.ts",
    ],
    ["lib/net/a.ts", 'import "../../tests/support/fake.ts";', DIRECTION, "tests/support/fake.ts"],
    ["commands/socks/a.ts", 'const m = await import("../mux/route.ts");', DIRECTION, "commands/mux/route.ts"],
    ["commands/socks/a.ts", 'export { run } from "../../cli/run.ts";', DIRECTION, "cli/run.ts"],
    ["cli/a.ts", 'import { x } from "../scripts/test.ts";', DIRECTION, "scripts/test.ts"],
    ["lib/wire/a.ts", 'import { readFileSync } from "node:fs";', PURE_IMPORT, "node:fs"],
    ["lib/session/a.ts", 'import { $ } from "bun";', PURE_IMPORT, "bun"],
    ["lib/audit/event.ts", 'import { dial } from "../net/dial.ts";', PURE_IMPORT, "lib/net/dial.ts"],
    ["lib/acl/a.ts", "export const now = () => Date.now();", PURE_NAME, "Date.now"],
    ["lib/acl/a.ts", "export const at = new Date();", PURE_NAME, "new Date()"],
    ["lib/acl/a.ts", "export const n = Math.random();", PURE_NAME, "Math.random"],
    ["lib/wire/a.ts", "export const { hash } = Bun;", PURE_NAME, "Bun"],
    ["lib/wire/a.ts", "export const home = process.env;", PURE_NAME, "process."],
    ["lib/session/a.ts", "setTimeout(() => {}, 1);", PURE_NAME, "setTimeout("],
    ["commands/socks/a.ts", 'import { connect } from "node:net";', SOCKETS, "node:net"],
    ["lib/service/a.ts", 'import type { TLSSocket } from "node:tls";', SOCKETS, "node:tls"],
    ["lib/service/a.ts", "Bun.listen({});", SOCKETS, "Bun.listen"],
    ["lib/net/a.ts", 'import { ptr } from "bun:ffi";', FFI, "bun:ffi"],
    ["cli/a.ts", "dlopen();", FFI, "dlopen"],
    ["lib/net/a.ts", "export const r = (s: string) => new RegExp(s);", REGEXP, "RegExp("],
    ["lib/net/index.ts", "", NAMES, "index.ts"],
    ["commands/socks/stages/index.ts", "", NAMES, "index.ts"],
    ["lib/net/camelCase.ts", "", NAMES, "camelCase.ts"],
    ["lib/net/a.ts", "\n".repeat(350), LENGTH, "352 lines"],
  ];

  test.each(VIOLATIONS)("%s: %j", (path, body, rule, found) => {
    expect(plant(path, `${HEAD}${body}\n`)).toEqual([`${rule}: ${found}`]);
  });

  test.each(["export {};\n", "/** Two\n lines. */\n", "// A comment.\n", "/** */\n"])("first line: %j", (text) => {
    for (const path of ["lib/net/a.ts", "scripts/a.mjs", "tests/unit/a.test.ts"])
      expect(plant(path, text)).toEqual([`${FIRST_LINE}: ${text.split("\n")[0]}`]);
  });

  test.each(["gone.ts", "cli/gone.ts", "GONE.md"])("first line names %s", (name) => {
    expect(plant("lib/net/a.ts", `/** What is read by ${name}. */\n`)).toEqual([`${NAMED_FILES}: ${name}`]);
  });

  test.each(["a.ts", "net/a.ts", "lib/net/a.ts"])("but not where its first line names %s, which is there", (name) => {
    expect(plant("lib/net/a.ts", `/** What is read by ${name}. */\n`)).toEqual([]);
  });

  test("of every rule there is", () => {
    const violated = new Set([...VIOLATIONS.map(([, , rule]) => rule), FIRST_LINE, NAMED_FILES]);
    expect(RULE_NAMES.filter((rule) => !violated.has(rule))).toEqual([]);
  });

  test.each([
    ["lib/wire/a.ts", '// import "node:fs"; Date.now()\n/* from "bun:ffi" */\nexport const s = "process.env";'],
    ["lib/wire/a.ts", 'import { domainToASCII } from "node:url";\nimport { RE2JS } from "re2js";'],
    ["lib/net/a.ts", 'import { createServer } from "node:net";\nBun.connect();'],
    ["lib/ffi/a.ts", 'import { dlopen } from "bun:ffi";'],
    ["tests/support/a.ts", 'import { dlopen } from "bun:ffi";\nimport { run } from "../../cli/run.ts";'],
    ["commands/socks/index.ts", 'import { x } from "./stage.ts";\nimport { y } from "../../lib/net/dial.ts";'],
  ])("but not where it is allowed: %s", (path, body) => {
    expect(plant(path, `${HEAD}${body}\n`)).toEqual([]);
  });
});
