/** The rules of the tree, checked on sources as text: who may import whom, what stays pure, where sockets and libraries live. Runs no code. */

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

/** Longest source file, in lines. */
const LONGEST = 350;
const SOURCES = new Glob("{cli,commands,examples,lib,scripts,tests}/**/*.{ts,mjs}");
/** Has a test for each file of the program, path for path. */
const UNIT = "tests/unit/";
/** The folders of the program. Examples, scripts and tests may do as they like behind their first line. */
const PROGRAM = /^(?:cli|commands|lib)\//;
/** Bytes in, values out: no socket, file, clock or randomness. */
const PURE = /^lib\/(?:(?:wire|session|acl|ciphers?)\/|audit\/event|command\/(?:errors|nearest)\.ts$)/;
/** IDNA is the only thing that pure code takes from the runtime. */
const PURE_MODULES = ["node:url"];
const IMPURE_NAMES = [
  /\bBun\b/,
  /\bprocess\b\s*[.[]/,
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bMath\.random\b/,
  /\bperformance\b\s*\./,
  /\bcrypto\.(?:getRandomValues|randomUUID)\b/,
  /\bset(?:Timeout|Interval|Immediate)\s*\(/,
];
const SOCKET_MODULES = ["node:net", "node:tls", "node:dgram", "net", "tls", "dgram"];
const SOCKET_NAMES = /\bBun\.(?:listen|connect|udpSocket)\b/;

interface Source {
  path: string;
  text: string;
  /** Without comments. */
  code: string;
  /** Without comments and string literals. */
  bare: string;
  imports: string[];
  /** Whether there is such a file, by its path from the top. */
  isThere(path: string): boolean;
}

type Rule = (source: Source) => Iterable<string>;

/** Of every file. */
const FIRST_LINE_RULES: Record<string, Rule> = {
  *"first line is one sentence in /** */"({ text }) {
    if (!/^\/\*\* \S.*\S \*\/\n/.test(text)) yield text.slice(0, text.indexOf("\n"));
  },
  *"first line names files that are there"({ path, text, isThere }) {
    const line = text.slice(0, text.indexOf("\n"));
    for (const [name] of line.matchAll(/[\w./-]+\.(?:ts|md)\b/g))
      if (!foldersOf(path).some((folder) => isThere(join(folder, name)))) yield name;
  },
};

const PROGRAM_RULES: Record<string, Rule> = {
  *"no file is too long"({ text }) {
    const lines = text.split("\n").length - 1;
    if (lines > LONGEST) yield `${lines} lines`;
  },
  *"names are kebab-case, and index.ts is a command's entry point"({ path }) {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*\.ts$/.test(name)) yield name;
    if (name === "index.ts" && !/^commands\/[^/]+\/index\.ts$/.test(path)) yield name;
  },
  *"imports go from cli to commands to lib"({ path, imports }) {
    for (const target of imports.filter(isFile)) if (!mayImport(path, target)) yield target;
  },
  *"pure code imports pure code"({ path, imports }) {
    if (!PURE.test(path)) return;
    for (const target of imports) {
      const allowed = isFile(target) ? PURE.test(target) : !isBuiltIn(target) || PURE_MODULES.includes(target);
      if (!allowed) yield target;
    }
  },
  *"pure code has no runtime, clock or randomness"({ path, bare }) {
    if (PURE.test(path)) yield* IMPURE_NAMES.flatMap((name) => bare.match(name)?.[0] ?? []);
  },
  *"sockets are lib/net's"({ path, imports, bare }) {
    if (/^lib\/(?:net|ffi)\//.test(path)) return;
    yield* imports.filter((name) => SOCKET_MODULES.includes(name));
    yield* bare.match(SOCKET_NAMES) ?? [];
  },
  *"foreign functions are lib/ffi's"({ path, imports, bare }) {
    if (path.startsWith("lib/ffi/")) return;
    yield* imports.filter((name) => name === "bun:ffi");
    yield* bare.match(/\bdlopen\b/) ?? [];
  },
  *"patterns from outside run on re2js: no RegExp is built from text"({ bare }) {
    yield* bare.match(/\bRegExp\s*\(/) ?? [];
  },
};

export interface Report {
  /** Paths of the files that were read. */
  files: string[];
  /** `path: rule: what was found`. */
  findings: string[];
}

/** Reads every source file under `root` and holds it against the rules for it. */
export function checkArchitecture(root: string): Report {
  const files = [...SOURCES.scanSync({ cwd: root })].toSorted();
  const findings = files.flatMap((path) => {
    const source = readSource(root, path);
    const rules = PROGRAM.test(path) ? { ...FIRST_LINE_RULES, ...PROGRAM_RULES } : FIRST_LINE_RULES;
    return Object.entries(rules).flatMap(([name, rule]) =>
      [...rule(source)].map((found) => `${path}: ${name}: ${found}`),
    );
  });
  return { files, findings };
}

/** Names of all rules, so that a test can ask for a violation of each. */
export const RULE_NAMES = Object.keys({ ...FIRST_LINE_RULES, ...PROGRAM_RULES });

function readSource(root: string, path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const code = text.replace(LITERAL_OR_COMMENT, (_, literal?: string) => literal ?? " ");
  const bare = code.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, '""');
  const specifiers = [...code.matchAll(IMPORT)].map((match) => match[1]!);
  const imports = specifiers.map((name) => (name.startsWith(".") ? join(dirname(path), name) : name));
  return { path, text, code, bare, imports, isThere: (name) => existsSync(join(root, name)) };
}

/** The folders that `path` is in, the nearest first, for a unit test those of what it tests as well: names are written from any of them. */
function foldersOf(path: string): string[] {
  const folder = dirname(path);
  if (path.startsWith(UNIT)) return [folder, ...foldersOf(path.slice(UNIT.length))];
  return folder === "." ? [folder] : [folder, ...foldersOf(folder)];
}

const LITERAL_OR_COMMENT = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
/** Static, type-only, side-effect and dynamic imports, re-exports, and require. */
const IMPORT = /\b(?:from|import|require)\s*\(?\s*["'`]([^"'`]+)["'`]/g;

function isFile(target: string): boolean {
  return target.startsWith(".") || /^(?:cli|commands|lib|tests|scripts)\//.test(target) || target === "package.json";
}

function isBuiltIn(target: string): boolean {
  return target === "bun" || /^(?:node|bun):/.test(target);
}

function mayImport(from: string, target: string): boolean {
  const [layer, command] = from.split("/");
  if (layer === "cli") return /^(?:cli|commands|lib)\//.test(target) || target === "package.json";
  if (layer === "commands") return target.startsWith("lib/") || target.startsWith(`commands/${command}/`);
  return target.startsWith("lib/");
}
