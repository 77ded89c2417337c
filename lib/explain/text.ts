/** An account as text for a terminal: the verdict, the facts, and a tree of conditions with marks. Not for programs. */
import type { Decision } from "../acl/decision.ts";
import type { ExplainedClauses, ExplainedCondition, ExplainedPolicy, State } from "../acl/explain.ts";
import type { Facts } from "../acl/facts.ts";
import type { EarlyDecision } from "../acl/policy.ts";
import { printable } from "../command/log.ts";
import { formatIp } from "../wire/ip.ts";
import { type Account, type ExplainedStep, factJson, knownFacts } from "./account.ts";

interface TextStyle {
  color: boolean;
  /** Every policy and every step, not only those that tell something. */
  all: boolean;
  /** Names of the policies to show in place of those. */
  only?: readonly string[];
}

const MARKS: Record<State, string> = {
  true: "✓",
  false: "✗",
  missing: "?",
  mistyped: "!",
  unknown: "~",
  unreached: "·",
};
const COLORS: Partial<Record<State, number>> = {
  true: 32,
  false: 31,
  missing: 33,
  mistyped: 33,
  unknown: 36,
  unreached: 90,
};

/** Ends with a line feed. */
export function accountText(account: Account, style: TextStyle): string {
  const { verdict, steps, backends, recorded, lacking } = account;
  const lines = [paint(style, 1, printable(verdictText(account)))];
  const advice = adviceFor(account);
  if (advice !== undefined) lines.push(`  ${advice}`);
  if (recorded !== undefined) {
    const by = recorded.policy === null ? "" : ` by ${recorded.policy}`;
    const why = recorded.why === undefined ? "" : ` (${recorded.why})`;
    lines.push(printable(`  recorded as ${recorded.decision}${by}${why}`).replaceAll("\n", "\\n"));
  }
  if (lacking !== undefined) lines.push(`  the audit line does not say whether there was a ${lacking}`);
  for (const step of steps) if (step.last || style.all) lines.push("", ...stepLines(account, step, style));
  const others = steps.filter(({ last }) => !last);
  if (others.length > 0 && !style.all) {
    lines.push("", "other steps (--all shows them):");
    for (const step of others) lines.push(printable(`  ${stepTitle(step)}: ${decisionText(step.decision)}`));
  }
  if (backends.length > 0 && verdict.decision.outcome === "allow")
    lines.push("", printable(`via ${backends.join(", ")}`));
  return `${lines.join("\n")}\n`;
}

function verdictText({ verdict: { decision, facts, unresolved } }: Account): string {
  if (unresolved) return `deny: ${facts.host} has no address`;
  return decisionText(decision);
}

function decisionText(decision: EarlyDecision): string {
  if (decision.outcome === "resolve") return "not decided: it hangs on the address";
  const by = decision.policy === undefined ? "" : ` by ${decision.policy}`;
  return `${decision.outcome}${by}${reasonText(decision)}`;
}

function reasonText({ outcome, reason, missing, guardClass, redirect, template, challenge }: Decision): string {
  switch (reason) {
    case "default":
      return ": no policy decides";
    case "missing_fact":
      return `: the fact ${missing} is missing`;
    case "type_mismatch":
      return `: the fact ${missing} is of another type than is asked for`;
    case "guard":
      if (guardClass === "unresolved") return ": the policy allows, but the name is not resolved";
      if (guardClass === "udp") return ": the policy allows, but does not name datagrams";
      return `: the policy allows, but the address guard refuses (${guardClass})`;
    case "depth":
      return ": too many redirects";
    case "backend":
      return ": the policy allows, but a backend takes no datagrams";
    default:
      if (outcome === "redirect")
        return ` to ${redirect!.host}${redirect!.port === undefined ? "" : ` port ${redirect!.port}`}`;
      if (outcome === "challenge") return `: ${JSON.stringify(challenge)}`;
      return template === undefined ? "" : `, explained by ${JSON.stringify(template)}`;
  }
}

function adviceFor({ verdict: { decision } }: Account): string | undefined {
  if (decision.outcome === "resolve") return "give --resolves IP,… or dest.ip=IP to go on";
  if (decision.reason !== "guard") return undefined;
  if (decision.guardClass === "udp") return 'to allow it, ask for proxy.cmd == "udp_associate" in the policy';
  const named = decision.guardClass === "private" ? ", or the host with host ==, in or under" : "";
  return `to allow it, name the address with dest.ip == or in${named}`;
}

function stepTitle({ facts, pending, hop }: ExplainedStep): string {
  const where = `${facts.host ?? ""}${facts.port === undefined ? "" : ` port ${facts.port}`}`;
  const address = facts["dest.ip"];
  const at = pending
    ? ", before it is resolved"
    : address === undefined || facts.host === undefined
      ? ""
      : ` at ${formatIp(address)}`;
  return `${hop === 0 ? "" : "redirected to "}${where}${at}`;
}

function stepLines({ policy }: Account, step: ExplainedStep, style: TextStyle): string[] {
  const { policies, routes } = step.explanation;
  const lines = style.all ? [printable(`${stepTitle(step)}: ${decisionText(step.decision)}`)] : [];
  const mentioned = new Set<string>(policy.mentions);
  const shown = knownFacts(step.facts).filter(([name]) => name !== "now" || mentioned.has(name));
  for (const [name, value] of shown) lines.push(printable(`  ${name} = ${JSON.stringify(factJson(name, value))}`));
  const { all, only = [] } = style;
  const chosen = policies.filter((one) => (only.length > 0 ? only.includes(one.name) : all || isTelling(one)));
  for (const one of chosen) {
    const end = one.decided ? `  <- ${step.decision.outcome === "resolve" ? "hangs on the address" : "decides"}` : "";
    lines.push("", `policy ${title(policy, one)}: ${one.action}${end}`, ...clauseLines(one, step.facts, style));
  }
  for (const one of routes.filter(({ state }) => style.all || state !== "false"))
    lines.push("", `route ${title(policy, one)}`, ...clauseLines(one, step.facts, style));
  const left = policies.filter((one) => !chosen.includes(one));
  const reached = left.filter((one) => one.reached).length;
  if (left.length > 0 && only.length === 0) {
    lines.push(
      "",
      `not shown: ${reached} policies that are false, ${left.length - reached} that are not reached (--all)`,
    );
  }
  return lines;
}

/** The one that decides, those that are not plainly false, and those of which a part was true. */
function isTelling({ decided, reached, state, when, require }: ExplainedPolicy): boolean {
  if (decided) return true;
  if (!reached) return false;
  return (
    state !== "false" || isPartlyTrue(when) || (require !== undefined && when === undefined && isPartlyTrue(require))
  );
}

const isPartlyTrue = (condition: ExplainedCondition | undefined): boolean =>
  condition !== undefined &&
  (condition.state === "true" || (condition.kind !== "not" && condition.items.some(isPartlyTrue)));

function title({ program }: Account["policy"], { name, place }: ExplainedClauses): string {
  const at = program.sources.get(place.file)?.position(place.start);
  return printable(`${name} (${place.file}${at === undefined ? "" : `:${at.line}:${at.column}`})`);
}

function clauseLines({ when, require }: ExplainedClauses, facts: Facts, style: TextStyle): string[] {
  const lines: string[] = [];
  if (when !== undefined) lines.push("  when", ...conditionLines(when, facts, style, 2));
  if (require !== undefined) lines.push("  require", ...conditionLines(require, facts, style, 2));
  return lines.length === 0 ? ["  always"] : lines;
}

const GROUPS: Partial<Record<ExplainedCondition["kind"], string>> = { and: "all of", or: "any of", not: "not" };

function conditionLines(condition: ExplainedCondition, facts: Facts, style: TextStyle, depth: number): string[] {
  const { kind, state, text, items } = condition;
  const mark = paint(style, COLORS[state], MARKS[state]);
  const values = state === "unreached" ? "" : valuesText(condition, facts);
  const line = `${"  ".repeat(depth)}${mark} ${printable(`${GROUPS[kind] ?? shorten(text)}${values}`)}`;
  return [line, ...items.flatMap((item) => conditionLines(item, facts, style, depth + 1))];
}

function valuesText({ facts: names, state }: ExplainedCondition, facts: Facts): string {
  const parts = names.map((name) => {
    const value = (facts as Readonly<Record<string, Parameters<typeof factJson>[1] | undefined>>)[name];
    if (value === undefined) return state === "unknown" ? `${name} is not known yet` : `${name} is missing`;
    return `${name} is ${shorten(JSON.stringify(factJson(name, value)))}`;
  });
  return parts.length === 0 ? "" : `  (${parts.join(", ")})`;
}

/** On one line, and not of any length: sets may hold a million names. */
function shorten(text: string): string {
  const line = text.slice(0, 400).replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 97)}...` : line;
}

const paint = ({ color }: TextStyle, code: number | undefined, text: string): string =>
  color && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text;
