/** Formatting: what goes in comes out, once and for all, with its comments. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Expr, File, Item, ListLiteral, Operand, Operator, StringLiteral } from "../../../../lib/acl/ast.ts";
import { Diagnostics } from "../../../../lib/acl/diagnostic.ts";
import { formatPolicy, printFile } from "../../../../lib/acl/format.ts";
import { parseSource } from "../../../../lib/acl/parser/parse.ts";
import { SAMPLE_POLICY } from "../../../../lib/acl/sample.ts";
import { Source } from "../../../../lib/acl/source.ts";
import { Random } from "../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "./random.ts";
import { policyOf } from "./support.ts";

const nowhere = { start: -1, end: -1 };
const word = fc
  .stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,8}$/)
  .filter((text) => !/^(true|false|not|defined|and|or|in|under|zone|when|require|action|use|e)/.test(text));
const name = fc.oneof(word, fc.constantFrom("policy", "2fa", "é", "-x")).map((text) => ({ text, ...nowhere }));
const dotted = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join("."));
/** Any text in an ordinary string; patterns cannot hold a quote. */
const string: fc.Arbitrary<StringLiteral> = fc
  .oneof(fc.string({ maxLength: 10 }), fc.constantFrom('"', "\\", "a\nb", 'x\\"', "\x1b", "é😀", "x".repeat(90)))
  .map((value) => ({ kind: "string", value, ...nowhere }));
const raw: fc.Arbitrary<StringLiteral> = fc
  .string({ maxLength: 10 })
  .map((value) => ({ kind: "string", value: value.replaceAll('"', "'"), ...nowhere }));
const number = fc
  .oneof(fc.integer(), fc.constant(2n ** 60n + 1n))
  .map((value) => ({ kind: "number" as const, value, ...nowhere }));
const address = fc
  .constantFrom("10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::/0")
  .map((text) => ({ kind: "address" as const, text, ...nowhere }));
const range = fc
  .constantFrom([1, 2], [0, 65535])
  .map(([low, high]) => ({ kind: "range" as const, low: low!, high: high!, ...nowhere }));
const list: fc.Arbitrary<ListLiteral> = fc
  .array(fc.oneof(string, number, address, range), { maxLength: 20 })
  .map((items) => ({ kind: "list", items, ...nowhere }));
const operand: fc.Arbitrary<Operand> = fc.oneof(
  string,
  number,
  address,
  fc.boolean().map((value) => ({ kind: "boolean" as const, value, ...nowhere })),
  dotted.map((text) => ({ kind: "reference" as const, name: text, ...nowhere })),
);
const zone = fc.option(string, { nil: undefined });
const operator = fc.constantFrom<Operator>("==", "!=", "<", "<=", ">", ">=", "in", "not in", "under", "not under");
const comparison: fc.Arbitrary<Expr> = fc.oneof(
  fc.tuple(operand, operator, fc.oneof(operand, list), zone).map(([left, op, right, z]) => ({
    kind: "comparison" as const,
    left,
    operator: op,
    right,
    ...(z && { zone: z }),
    ...nowhere,
  })),
  fc
    .tuple(operand, raw)
    .map(([left, right]) => ({ kind: "comparison" as const, left, operator: "=~" as const, right, ...nowhere })),
);
const { expr } = fc.letrec<{ expr: Expr }>((tie) => ({
  expr: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    comparison,
    dotted.map((text) => ({ kind: "defined" as const, fact: { text, ...nowhere }, ...nowhere })),
    tie("expr").map((item) => ({ kind: "not" as const, item, ...nowhere, whole: nowhere })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), fc.array(tie("expr"), { minLength: 2, maxLength: 5 }))
      .map(([kind, items]) => ({ kind, items, ...nowhere, whole: nowhere })),
  ),
}));
const action = fc.oneof(
  fc.constantFrom("allow" as const, "log" as const).map((kind) => ({ kind, ...nowhere })),
  fc
    .option(string, { nil: undefined })
    .map((template) => ({ kind: "deny" as const, ...(template && { template }), ...nowhere })),
  string.map((target) => ({ kind: "redirect" as const, target, ...nowhere })),
  string.map((message) => ({ kind: "challenge" as const, message, ...nowhere })),
);
const condition = fc
  .tuple(fc.constantFrom("when" as const, "require" as const), expr)
  .map(([kind, one]) => ({ kind, condition: one, ...nowhere }));
const strings = fc.array(string, { maxLength: 4 });
const binding = fc
  .tuple(dotted, fc.oneof(string, number, address, list))
  .map(([text, value]) => ({ name: { text, ...nowhere }, value, ...nowhere }));
const expectation = fc
  .record(
    {
      outcome: fc.constantFrom("allow" as const, "deny" as const, "redirect" as const, "challenge" as const),
      by: name,
      to: string,
      via: strings,
      explain: string,
      missing: name,
      logged: fc.array(name, { maxLength: 3 }),
    },
    { requiredKeys: ["outcome"] },
  )
  .map((one) => ({ ...one, ...nowhere }));
const row = fc
  .record(
    { name: string, given: fc.array(binding, { maxLength: 4 }), expect: expectation },
    { requiredKeys: ["given", "expect"] },
  )
  .map((one) => ({ ...one, ...nowhere }));
const item: fc.Arbitrary<Item> = fc.oneof(
  fc
    .tuple(
      name,
      fc.array(
        fc.oneof(
          condition,
          action.map((one) => ({ kind: "action" as const, action: one, ...nowhere })),
        ),
        { maxLength: 4 },
      ),
    )
    .map(([one, clauses]) => ({ kind: "policy" as const, name: one, clauses, ...nowhere })),
  fc
    .tuple(
      name,
      fc.array(
        fc.oneof(
          condition.map((one) => ({ ...one, kind: "when" as const })),
          strings.map((backends) => ({ kind: "use" as const, backends, ...nowhere })),
        ),
        { maxLength: 3 },
      ),
    )
    .map(([one, clauses]) => ({ kind: "route" as const, name: one, clauses, ...nowhere })),
  fc
    .tuple(
      name,
      fc.oneof(
        list,
        fc.tuple(fc.constantFrom("lines" as const, "hosts" as const), string).map(([kind, path]) => ({ kind, path })),
      ),
    )
    .map(([one, value]) => ({ kind: "set" as const, name: one, value, ...nowhere })),
  string.map((path) => ({ kind: "include" as const, path, ...nowhere })),
  fc
    .record(
      {
        name: string,
        given: fc.array(binding, { maxLength: 6 }),
        expect: expectation,
        cases: fc.array(row, { maxLength: 3 }),
      },
      { requiredKeys: ["name", "given", "cases"] },
    )
    .filter((one) => one.expect !== undefined || one.cases.length > 0)
    .map((one) => ({ kind: "test" as const, ...one, ...nowhere })),
);

/** The tree without its places. */
function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, one]) => !["start", "end", "whole", "escaped"].includes(key) && one !== undefined,
  );
  return Object.fromEntries(entries.map(([key, one]) => [key, bare(one)]));
}

function parse(text: string): File {
  const diagnostics = new Diagnostics();
  const { file } = parseSource(new Source("p", text), diagnostics);
  if (diagnostics.failed) throw new Error(`${JSON.stringify(diagnostics.list)}\n${text}`);
  return file;
}

test("parsing what was printed gives the tree that was printed", () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 4 }), (items) => {
      const text = printFile({ items, comments: [] });
      expect(bare(parse(text).items)).toEqual(bare(items));
      expect(formatPolicy(text).text).toBe(text);
    }),
    { numRuns: 1500 },
  );
}, 60_000);

/** Puts comments, blanks and line breaks between the tokens of a policy. */
function strew(source: string, random: Random): { text: string; comments: string[] } {
  const tokens = source.match(/e?"[^"]*"|[^\s"{}[\](),]+|[{}[\](),]|\n/g)!;
  const comments: string[] = [];
  let text = "";
  for (const token of tokens) {
    if (random.chance(6)) {
      comments.push(`${random.pick(["#", "//"])} c${comments.length}`);
      text += `${random.pick([" ", "\n", "\n\n  "])}${comments.at(-1)}${random.pick(["\n", "\n\n", "  \r\n"])}`;
    }
    text += `${token}${random.pick([" ", " ", "\n", "\t\n\n\n"])}`;
  }
  return { text, comments };
}

const BLOCK = `test "t" { given { host = "a.test" client.ou = ["x", "y"] dest.ip = 10.0.0.1 } expect deny by p0 explain "t"
case "x" { port = 2 } expect allow by p0 via ["b", "c"] logged [p0] case { port = 3, method = "x" } expect redirect to "a.test" missing method }
policy last { action { deny explain-template="x" } require { port == 1 } }`;

test("formatting is idempotent, keeps every comment in order and changes no decision", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const source = `${randomPolicy(random)}\n${BLOCK}`;
      const { text, comments } = strew(source, random);
      const once = formatPolicy(text).text!;
      expect(parse(once).comments.map((comment) => comment.text)).toEqual(comments);
      expect(bare(parse(once).items)).toEqual(bare(parse(text).items));
      expect(formatPolicy(once).text).toBe(once);
      const [before, after] = [policyOf(source, { "names.txt": NAMES }), policyOf(once, { "names.txt": NAMES })];
      for (let i = 0; i < 5; i++) {
        const facts = randomFacts(random);
        expect(after.decide(facts)).toEqual(before.decide(facts));
      }
    }),
    { numRuns: 400 },
  );
}, 60_000);

describe("layout", () => {
  test("the sample policy is formatted", () => expect(formatPolicy(SAMPLE_POLICY).text).toBe(SAMPLE_POLICY));

  test("blocks, clauses, parentheses, comments", () => {
    const text = `policy a{when{host=="a" or port==443 and not client.auth=="tls"}#trailing
# own

# after a blank line
require host in["a","b"#x
,]action{deny explain-template="x"}
# last
}
#b's
policy b{action allow}
include"x"
set s=["a"]

set t=lines "x"`;
    expect(formatPolicy(text).text).toBe(`policy a {
  when host == "a" or (port == 443 and not (client.auth == "tls")) #trailing
  # own

  # after a blank line
  require host in [
    "a",
    "b", #x
  ]
  action deny explain-template="x"
  # last
}

#b's
policy b {
  action allow
}

include "x"
set s = ["a"]

set t = lines "x"
`);
  });

  test("long conditions and lists are broken at their operators and entries", () => {
    const hosts = Array.from({ length: 9 }, (_, i) => `"host-${i}.example"`).join(", ");
    const text = `policy a { when host in [${hosts}] or port == 443 and (${'host == "a-rather-long-name.example" or '.repeat(3)}port == 1) action allow }`;
    expect(formatPolicy(text).text).toBe(`policy a {
  when host in [
    "host-0.example",
    "host-1.example",
    "host-2.example",
    "host-3.example",
    "host-4.example",
    "host-5.example",
    "host-6.example",
    "host-7.example",
    "host-8.example",
  ]
    or (
      port == 443
        and (
          host == "a-rather-long-name.example"
            or host == "a-rather-long-name.example"
            or host == "a-rather-long-name.example"
            or port == 1
        )
    )
  action allow
}
`);
  });

  test("glued words come apart", () => {
    expect(formatPolicy('policyx{action allowwhen nothost=="a"and port==443or true==true}').text).toBe(
      'policy x {\n  action allow\n  when (not (host == "a") and port == 443) or true == true\n}\n',
    );
  });

  test("what does not parse is not formatted", () => {
    expect(formatPolicy("policy {").diagnostics).toMatchObject([{ code: "acl.syntax", file: "policy" }]);
  });

  test("nothing is nothing, and a comment alone stays", () => {
    expect(formatPolicy("").text).toBe("");
    expect(formatPolicy("\n\n# x  \n\n\n# y").text).toBe("# x\n\n# y\n");
  });
});
