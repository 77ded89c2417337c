/** `test` blocks to typed cases: facts read by their types, names resolved. They are not run here. */
import { nearest } from "../../command/nearest.ts";
import { canonicalHost } from "../../wire/host.ts";
import { type Ip, parseIp } from "../../wire/ip.ts";
import type { Binding, Expectation, ListLiteral, Literal, Name, StringLiteral, TestBlock, TestCase } from "../ast.ts";
import { parseInstant } from "../clock.ts";
import { type Facts, type FactType, type FactValue, lookupFact } from "../facts.ts";
import type { CheckedExpectation, CheckedTest, RedirectTarget } from "../model.ts";
import { shorten } from "../parser/cursor.ts";
import { parseRedirect } from "../redirect.ts";
import { article } from "./operand.ts";
import type { Context } from "./context.ts";

/** One case for the block's own `expect` and one for each `case`, whose facts add to the block's and win over them. */
export function checkTest(block: TestBlock, policies: ReadonlySet<string>, context: Context): CheckedTest[] {
  const base = bindings(block.given, context);
  const one = (name: string, at: TestBlock | TestCase, own: Given, expect: Expectation): CheckedTest => ({
    name,
    place: context.place(at),
    ...merged(base, own),
    expect: checkExpectation(expect, policies, context),
  });
  const name = block.name.value;
  const cases = block.cases.map((row, i) =>
    one(`${name}: ${row.name?.value ?? i + 1}`, row, bindings(row.given, context), row.expect),
  );
  return block.expect === undefined
    ? cases
    : [one(name, block, { facts: {}, resolves: undefined }, block.expect), ...cases];
}

interface Given {
  readonly facts: Facts;
  readonly resolves: readonly Ip[] | undefined;
}

/** What is nearer wins; an address of one kind takes the place of the other kind too. */
function merged(base: Given, own: Given): { given: Facts; resolves: readonly Ip[] | undefined } {
  const { "dest.ip": known, ...facts } = base.facts;
  return {
    given: { ...(known !== undefined && own.resolves === undefined && { "dest.ip": known }), ...facts, ...own.facts },
    resolves: own.resolves ?? (own.facts["dest.ip"] === undefined ? base.resolves : undefined),
  };
}

function bindings(given: readonly Binding[], context: Context): Given {
  const facts: Record<string, FactValue> = {};
  let resolves: readonly Ip[] | undefined;
  for (const { name, value } of given) {
    if (name.text === "resolves") {
      if (resolves !== undefined) context.error("acl.duplicate_fact", name, { message: '"resolves" is given twice' });
      resolves = addresses(value, context);
      continue;
    }
    const fact = lookupFact(name.text) ?? context.fact(name.text, name);
    if (fact === undefined) continue;
    if (Object.hasOwn(facts, fact.name))
      context.error("acl.duplicate_fact", name, { message: `"${fact.name}" is given twice` });
    const read = readValue(fact.spec.type, value, context);
    if (read !== undefined) facts[fact.name] = read;
    else
      context.error("acl.type_mismatch", value, {
        message: `"${fact.name}" is ${article(fact.spec.type)}, and is given ${article(value.kind)}`,
        hint: HINTS[fact.spec.type],
      });
  }
  const address = given.find(({ name }) => name.text === "dest.ip");
  if (resolves !== undefined && address !== undefined)
    context.error("acl.duplicate_fact", address.name, {
      message: '"dest.ip" and "resolves" exclude each other',
      hint: 'give "dest.ip" for an address that is known, "resolves" for those of a name',
    });
  return { facts: facts as Facts, resolves };
}

const HINTS: Partial<Record<FactType, string>> = {
  clock: 'give "now", for instance now = "2026-01-31T18:00Z"',
  instant: 'write a date with an offset, for instance "2026-01-31T18:00Z"',
  strings: 'write ["a", "b"]',
  address: "write an address without quotes",
};

function readValue(type: FactType, value: Literal | ListLiteral, context: Context): FactValue | undefined {
  const text = value.kind === "string" ? value.value : value.kind === "address" ? value.text : undefined;
  if (type === "address") return text === undefined ? undefined : parseIp(text);
  if (type === "host") return text === undefined ? undefined : hostValue(text, value as StringLiteral, context);
  if (type === "instant") {
    const at = text === undefined ? undefined : parseInstant(text, undefined);
    return at === "zone" ? undefined : at;
  }
  if (value.kind === "list") {
    const items = value.items.map((item) => (item.kind === "string" ? item.value : undefined));
    return (type === "strings" || type === "any") && !items.includes(undefined) ? (items as string[]) : undefined;
  }
  if (value.kind === "address" || (value.kind === "number" && typeof value.value === "bigint")) return undefined;
  return value.kind === type || type === "any" ? (value.value as FactValue) : undefined;
}

function hostValue(text: string, at: StringLiteral, context: Context): string {
  const canonical = canonicalHost(text);
  if (canonical.error === undefined) return canonical.host;
  context.error("acl.type_mismatch", at, {
    message: `${JSON.stringify(shorten(text))} is no host: ${canonical.error}`,
  });
  return text;
}

function addresses(value: Literal | ListLiteral, context: Context): Ip[] {
  const items = value.kind === "list" ? value.items : [value];
  return items.flatMap((item) => {
    const ip = item.kind === "address" ? parseIp(item.text) : item.kind === "string" ? parseIp(item.value) : undefined;
    if (ip === undefined) context.error("acl.bad_address", item, { message: '"resolves" is a list of addresses' });
    return ip ?? [];
  });
}

function checkExpectation(expect: Expectation, policies: ReadonlySet<string>, context: Context): CheckedExpectation {
  const policy = (name: Name): string => {
    if (!policies.has(name.text) && name.text !== "default") {
      const guess = nearest(name.text, policies);
      const hint = guess === undefined ? undefined : `did you mean "${guess}"?`;
      context.error("acl.unknown_policy", name, { message: `unknown policy "${shorten(name.text)}"`, hint });
    }
    return name.text;
  };
  const missing =
    expect.missing && (lookupFact(expect.missing.text) ?? context.fact(expect.missing.text, expect.missing));
  return {
    outcome: expect.outcome,
    by: expect.by && policy(expect.by),
    to: expect.to && redirect(expect.to, context),
    via: expect.via?.map(({ value }) => value),
    explain: expect.explain?.value,
    missing: missing?.name,
    logged: expect.logged?.map(policy),
  };
}

function redirect(text: StringLiteral, context: Context): RedirectTarget | undefined {
  const { target, error } = parseRedirect(text.value);
  return (
    target ??
    context.error("acl.bad_redirect", text, {
      message: `no redirect can lead to ${JSON.stringify(shorten(text.value))}: ${error}`,
    })
  );
}
