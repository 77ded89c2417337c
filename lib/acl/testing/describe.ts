/** A case, and what came of it, in the words of the language. Not layout; texts of files may hold anything. */
import { formatIp, type Ip } from "../../wire/ip.ts";
import { type FactName, type Facts, type FactValue, lookupFact } from "../facts.ts";
import type { CheckedExpectation, CheckedTest } from "../model.ts";
import { type CaseResult, deciderOf, type Got, targetOf } from "./run-case.ts";
import { targetText } from "./trace.ts";

/** `fact = value` for each fact of the case, `resolves` last. */
export function givenTexts({ given, resolves }: CheckedTest): string[] {
  const facts = entriesOf(given).map(([name, value]) => `${name} = ${valueText(name, value)}`);
  return resolves === undefined ? facts : [...facts, `resolves = [${resolves.map(formatIp).join(", ")}]`];
}

/** As it is written after `expect`. */
export function expectationText({ outcome, by, to, via, explain, missing, logged }: CheckedExpectation): string {
  const target = to && targetText(to.host, to.port);
  return words(outcome, by, { to: target, via, explain, missing, logged });
}

/** What was decided instead, in the same words, with the parts that the expectation names, and the reason. */
export function gotText({ test: { expect }, got }: CaseResult): string {
  const { decision, redirect } = got;
  const shown = words(decision.outcome, deciderOf(decision), {
    to: redirect && (expect.to !== undefined || decision.outcome === "redirect") ? targetOf(redirect) : undefined,
    via: expect.via && got.via,
    explain: expect.explain === undefined ? undefined : got.explain,
    missing: decision.missing,
    logged: expect.logged && got.logged,
  });
  const reason = reasonText(got);
  return reason === undefined ? shown : `${shown} (${reason})`;
}

function reasonText({ decision, hop, unresolved }: Got): string | undefined {
  const { host, "dest.ip": address } = hop.evaluations.at(-1)?.facts ?? hop.facts;
  if (unresolved) return `the case gives ${host} no address: add "dest.ip" or "resolves"`;
  if (hop.routes?.missing !== undefined) return `the route ${hop.routes.route} asks for it`;
  if (decision.reason === "type_mismatch") return "it is of another type than is asked for";
  if (decision.reason === "depth") return "too many redirects";
  if (decision.reason === "backend") return "a backend takes no datagrams";
  if (decision.reason !== "guard") return undefined;
  if (decision.guardClass === "udp") return "it allows no datagrams: that needs a comparison of proxy.cmd";
  const what = address === undefined ? host : formatIp(address);
  return `the address guard refuses ${what}, which is ${decision.guardClass}`;
}

interface Words {
  to: string | undefined;
  via: readonly string[] | undefined;
  explain: string | undefined;
  missing: string | undefined;
  logged: readonly string[] | undefined;
}

function words(outcome: string, by: string | undefined, { to, via, explain, missing, logged }: Words): string {
  const parts = [outcome];
  if (by !== undefined) parts.push(`by ${by}`);
  if (to !== undefined) parts.push(`to ${JSON.stringify(to)}`);
  if (via !== undefined) parts.push(`via ${listText(via)}`);
  if (explain !== undefined) parts.push(`explain ${JSON.stringify(explain)}`);
  if (missing !== undefined) parts.push(`missing ${missing}`);
  if (logged !== undefined) parts.push(`logged [${logged.join(", ")}]`);
  return parts.join(" ");
}

/** The facts that are there, in the order given. */
function entriesOf(facts: Facts): [FactName, FactValue][] {
  return Object.entries(facts).filter((entry): entry is [FactName, FactValue] => entry[1] !== undefined);
}

function valueText(name: FactName, value: FactValue): string {
  const type = lookupFact(name)?.spec.type;
  if (type === "address") return formatIp(value as Ip);
  if (type === "instant") return JSON.stringify(new Date(value as number).toISOString().replace(".000Z", "Z"));
  return Array.isArray(value) ? listText(value as readonly string[]) : JSON.stringify(value);
}

const listText = (items: readonly string[]): string => `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
