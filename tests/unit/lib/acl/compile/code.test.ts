/** Compiled clauses end as the plain evaluation does, whichever were compiled and read before. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Code } from "../../../../../lib/acl/compile/code.ts";
import { compileClause } from "../../../../../lib/acl/compile/normalise.ts";
import { Request } from "../../../../../lib/acl/compile/request.ts";
import { evaluate, FALSE, TROUBLE, TRUE, Trouble } from "../../../../../lib/acl/evaluate.ts";
import type { Facts } from "../../../../../lib/acl/facts.ts";
import { Random } from "../../../../support/random.ts";
import { NAMES, randomFacts, randomPolicy } from "../random.ts";
import { policyOf } from "../support.ts";

const clausesOf = (text: string) =>
  policyOf(text, { "names.txt": NAMES }).program.policies.map(({ when, require }) => compileClause(when, require));

test("code and tree agree on random clauses, compiled as they are needed", () => {
  const trouble = new Trouble();
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed);
      const clauses = clausesOf(randomPolicy(random));
      const request = new Request();
      const code = new Code(request);
      const starts = clauses.map(() => 0);
      for (let i = 0; i < 20; i++) {
        const facts = randomFacts(random);
        const pending = random.chance(3);
        request.begin(facts, pending);
        const one = random.below(clauses.length);
        starts[one] ||= code.compile(clauses[one]!);
        const ways = code.run(starts[one]);
        expect(ways).toBe(evaluate(clauses[one]!, facts, pending, trouble));
        if (ways === TROUBLE) expect(request.trouble).toEqual(trouble);
      }
    }),
  );
});

/** The ways of each condition, all compiled before the request is read, and again after. */
function waysOf(conditions: readonly string[], facts: Facts): number[] {
  const clauses = clausesOf(conditions.map((one, i) => `policy p${i} { when ${one} action allow }`).join("\n"));
  return [true, false].flatMap((before) => {
    const request = new Request();
    const code = new Code(request);
    if (!before) request.begin(facts, false);
    const starts = clauses.map((clause) => code.compile(clause));
    if (before) request.begin(facts, false);
    return starts.map((start) => code.run(start));
  });
}

const many = (make: (i: number) => string) => `[${Array.from({ length: 40 }, (_, i) => make(i)).join(", ")}]`;

test("sets of any size, numbers of any size, and texts that are not ASCII", () => {
  const facts: Facts = {
    host: "x.h39.test",
    port: 39,
    "user.name": "\u00e9.\u0001",
    "client.serial": "h39.test",
    now: 1e15,
  };
  const yes = [
    `host under ${many((i) => `"h${i}.test"`)}`,
    'host under ["a.test", "h39.test"]',
    `client.serial in ${many((i) => `"h${i}.test"`)}`,
    'client.serial in ["a", "h39.test"]',
    `port in ${many(String)}`,
    "port in [1, 39]",
    "port in [30-40]",
    "port == 39",
    "port != 9223372036854775807",
    'user.name == "\u00e9.\u0001"',
    'user.name in ["\u00e9.\u0001", "e"]',
  ];
  expect(waysOf(yes, facts)).toEqual(Array(2 * yes.length).fill(TRUE));
  const no = yes.map((one) => `not (${one})`);
  expect(waysOf(no, facts)).toEqual(Array(2 * no.length).fill(FALSE));
});

test("a text below more known domains than any before is below each of them", () => {
  const host = `${"a.".repeat(100)}test`;
  const conditions = Array.from({ length: 100 }, (_, i) => `host under "${host.slice(2 * i + 2)}"`);
  expect(waysOf([...conditions, `host == "${host}"`], { host })).toEqual(Array(202).fill(TRUE));
});

test("a list longer than any before is read whole", () => {
  const ou = Array.from({ length: 100 }, (_, i) => `unit${i % 60}`);
  expect(waysOf(['"unit59" in client.ou', '"unit60" in client.ou'], { "client.ou": ou })).toEqual([
    TRUE,
    FALSE,
    TRUE,
    FALSE,
  ]);
});
