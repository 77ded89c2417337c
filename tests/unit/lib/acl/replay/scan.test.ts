/** The scanner reads what it reads as JSON.parse does, and leaves to it what is unusual. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { LineScanner } from "../../../../../lib/acl/replay/scan.ts";

const FIELDS = ["v", "target", "dropped"];
const FACTS = ["host", "client.ou"];

/** What is kept of a whole line. */
function kept(line: unknown): unknown {
  if (typeof line !== "object" || line === null || Array.isArray(line)) return undefined;
  const only = (object: object, names: readonly string[]) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
  const { facts } = line as { facts?: unknown };
  const isObject = typeof facts === "object" && facts !== null && !Array.isArray(facts);
  return only({ ...line, ...(isObject && { facts: only(facts, FACTS) }) }, [...FIELDS, "facts"]);
}

function parse(text: string): unknown {
  try {
    return kept(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const name = fc.constantFrom("v", "target", "dropped", "facts", "host", "client.ou", "x", "__proto__", "é", 'a"b');
const text = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("203.0.113.9", "x.test:443", "\\", "\u0000"));
const scalar = fc.oneof(text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const line = fc.dictionary(name, value, { maxKeys: 5, noNullPrototype: true });

test("what is read is what JSON.parse reads, whatever line came before", () => {
  const scanner = new LineScanner(FIELDS, FACTS);
  let read = 0;
  fc.assert(
    fc.property(line, (object) => {
      const whole = JSON.stringify(object);
      const scanned = scanner.scan(whole);
      if (scanned === undefined) return;
      read++;
      expect([whole, scanned]).toEqual([whole, parse(whole) as never]);
    }),
    { numRuns: 5000 },
  );
  expect(read).toBeGreaterThan(500);
});

test("a broken line is never taken for a whole one", () => {
  const scanner = new LineScanner(FIELDS, FACTS);
  const piece = fc.constantFrom(...'{}[]",:0-1e.tfn \\\ra', "true", "null", '""', '"v":1');
  fc.assert(
    fc.property(line, fc.nat(), fc.nat({ max: 2 }), piece, (object, place, cut, more) => {
      const whole = JSON.stringify(object);
      const at = place % (whole.length + 1);
      const mutated = whole.slice(0, at) + more + whole.slice(at + cut);
      const scanned = scanner.scan(mutated);
      if (scanned !== undefined) expect([mutated, scanned]).toEqual([mutated, parse(mutated) as never]);
    }),
    { numRuns: 10_000 },
  );
});

test("an audit line is read, and nothing of it that nobody asked for", () => {
  const scanner = new LineScanner(FIELDS, FACTS);
  const whole = JSON.stringify({
    v: 1,
    session: "s-1",
    target: "x.test:443",
    dropped: [{ ip: "10.0.0.1", reason: "guard", policy: null }],
    facts: { host: "x.test", port: 443, "client.ou": ["a", "b"] },
  });
  for (let turn = 0; turn < 2; turn++) {
    expect(scanner.scan(whole)).toEqual({
      v: 1,
      target: "x.test:443",
      dropped: [{ ip: "10.0.0.1", reason: "guard", policy: null }],
      facts: { host: "x.test", "client.ou": ["a", "b"] },
    });
  }
});

test.each([
  "",
  "null",
  "[]",
  '{"v":1',
  '{"v":1} ',
  '{"v":"a\\u0041"}',
  '{"v":01}',
  '{"v":1,}',
  `{"v":${"[".repeat(9)}${"]".repeat(9)}}`,
])("%j is left to JSON.parse", (whole) => {
  expect(new LineScanner(FIELDS, FACTS).scan(whole)).toBeUndefined();
});
