/** Mutated policies load or fail with diagnostics that have a place: no crash, and work linear in the text. */
import { expect, test } from "bun:test";
import { Diagnostics } from "../../lib/acl/diagnostic.ts";
import { formatPolicy } from "../../lib/acl/format.ts";
import { loadPolicy } from "../../lib/acl/load.ts";
import { parseSource } from "../../lib/acl/parser/parse.ts";
import { renderDiagnostics } from "../../lib/acl/render.ts";
import { SAMPLE_POLICY } from "../../lib/acl/sample.ts";
import { Source } from "../../lib/acl/source.ts";
import { Random } from "../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "../unit/lib/acl/random.ts";

const long = process.env["PORTAIL_LONG"] === "1";
const COUNT = long ? 1_000_000 : 50_000;
const SEED = 20_260_101;

const PIECES = [
  "policy",
  "route",
  "set",
  "test",
  "include",
  "when",
  "require",
  "action",
  "use",
  "allow",
  "deny",
  "redirect",
  "challenge",
  "log",
  "explain-template=",
  "given",
  "expect",
  "case",
  "by",
  "via",
  "missing",
  "{",
  "}",
  "[",
  "]",
  "(",
  ")",
  ",",
  "=",
  "==",
  "!=",
  "<=",
  "=~",
  "in",
  "not in",
  "not",
  "under",
  "and",
  "or",
  "defined",
  "zone",
  '"',
  'e"',
  "\\",
  '"a.test"',
  "host",
  "port",
  "dest.ip",
  "client.ou",
  "now",
  "time",
  "443",
  "-1",
  "9223372036854775808",
  "10.0.0.0/8",
  "::1",
  "1-2",
  "true",
  "false",
  "#",
  "//",
  "/",
  "\n",
  "\r\n",
  "\t",
  " ",
  "\0",
  "é",
  "😀",
  "\ud800",
  "\ufeff",
  ":",
  ".",
  "((((((((",
  "not not not ",
  '"(a|b)*$"',
  '"[[a"',
  "nothost",
  "policyx",
];

function mutate(text: string, random: Random): string {
  let mutated = text;
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(mutated.length + 1);
    const to = at + random.below(random.chance(4) ? 200 : 12);
    const piece = random.chance(3)
      ? mutated.slice(random.below(mutated.length + 1)).slice(0, random.below(60))
      : random.pick(PIECES);
    mutated = mutated.slice(0, at) + (random.chance(3) ? "" : piece) + mutated.slice(random.chance(2) ? at : to);
  }
  return mutated;
}

test(`${COUNT} mutated policies`, () => {
  const random = new Random(SEED);
  const read = (path: string) => (path.length > 20 ? SAMPLE_POLICY : NAMES);
  let loaded = 0;
  let failed = 0;
  let worst = 0;
  let corpus = SAMPLE_POLICY;
  for (let i = 0; i < COUNT; i++) {
    if (i % 20 === 0) corpus = random.chance(5) ? SAMPLE_POLICY : randomPolicy(random).slice(0, 1500);
    const text = mutate(corpus, random);
    const { steps } = parseSource(new Source("p", text), new Diagnostics());
    worst = Math.max(worst, steps / (text.length + 50));
    const { policy, diagnostics, sources } = loadPolicy("p.acl", (path) => (path === "p.acl" ? text : read(path)));
    const broken = diagnostics.some(({ severity }) => severity === "error");
    if (broken === (policy !== undefined)) throw new Error(`neither loaded nor refused:\n${text}`);
    for (const { file, start, end, line, column } of diagnostics) {
      const source = sources.get(file);
      if (source !== undefined && start <= end && end <= source.text.length && line >= 1 && column >= 1) continue;
      throw new Error(`a diagnostic without a place: ${JSON.stringify(diagnostics)}\n${text}`);
    }
    if (policy === undefined) failed++;
    else {
      loaded++;
      policy.decide(randomFacts(random));
      if (i % 10 === 0 && formatPolicy(text).text === undefined)
        throw new Error(`loads, but cannot be formatted:\n${text}`);
    }
    if (i % 50 === 0) renderDiagnostics(diagnostics, sources);
  }
  // Both kinds must come up, or the mutations are too mild or too wild.
  expect(loaded).toBeGreaterThan(COUNT / 50);
  expect(failed).toBeGreaterThan(COUNT / 50);
  expect(worst).toBeLessThan(8);
}, 3_600_000);

test("texts made to be slow are not", () => {
  const n = 20_000;
  const texts = [
    "(".repeat(n),
    "not ".repeat(n),
    "{".repeat(n),
    "}".repeat(n),
    "[".repeat(n),
    '"'.repeat(n),
    "policy ".repeat(n),
    "policy a {".repeat(n),
    "policy a { when ".repeat(n),
    "policy a { action ".repeat(n),
    "when ".repeat(n),
    `policy a { when ${"port == 1 and ".repeat(n)}`,
    `policy a { when ${"port == 1and ".repeat(n)}`,
    `policy a { when ${"nothost ".repeat(n)}`,
    "a.".repeat(n),
    ":".repeat(n),
    "1".repeat(n),
    "#\n".repeat(n),
    "//".repeat(n),
    "\u00e9".repeat(n),
    "\ud800".repeat(n),
    "%".repeat(n),
    'e"\\u{'.repeat(n),
    `test "t" { ${"case { ".repeat(n)}`,
    `test "t" { ${"given { a = 1 } ".repeat(n)}`,
    `set s = [${"1-".repeat(n)}`,
    `policy a { when host =~ "${"(".repeat(n)}" action deny }`,
    `policy a { when host =~ "${"(a|b)".repeat(n)}$" action deny }`,
    `policy a { when host =~ "${"(a?)".repeat(100)}$" action deny }`,
    "policy a { action deny }\n".repeat(n),
    `policy a { ${"when port == 1 ".repeat(n)} action deny }`,
  ];
  for (const text of texts) {
    const diagnostics = new Diagnostics();
    const { steps } = parseSource(new Source("p", text), diagnostics);
    expect([text.slice(0, 20), steps / text.length < 8]).toEqual([text.slice(0, 20), true]);
    const { diagnostics: list, sources } = loadPolicy("p.acl", () => text);
    expect(renderDiagnostics(list, sources).length).toBeLessThan(100_000);
  }
}, 120_000);
