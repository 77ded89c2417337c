/** `guard-refuses`: an allow meant for addresses that the address guard keeps closed, since nothing in it names them as the guard asks. */
import { type Cidr, cidrContains, type Ip, ipClass, parseCidr, parseIp } from "../../wire/ip.ts";
import type { Comparison, Condition } from "../model.ts";
import type { Rule } from "./engine/finding.ts";
import { at, conjunctsOf, quoted } from "./engine/walk.ts";

export const rule: Rule = {
  id: "guard-refuses",
  severity: "error",
  summary: "An allow is about private or local addresses, but does not open them",
  fixable: false,
  *check(subject) {
    // Where a backend resolves a name, the guard does not see what it leads to.
    const direct = subject.routes.length === 0;
    for (const [i, policy] of subject.policies.entries()) {
      if (policy.action.kind !== "allow") continue;
      const proof = new Set([policy.when, policy.require].flatMap((one) => (one === undefined ? [] : proofsOf(one))));
      if (proof.has("address")) continue;
      for (const one of conjunctsOf(subject.clauses[i]!).flatMap(alternatives)) {
        const closed = one.kind === "comparison" && !one.negated ? closedBy(one, proof.has("name"), direct) : undefined;
        if (closed === undefined) continue;
        yield at(policy.place, one, {
          message: `${quoted(subject, policy.place, one)} names ${closed}, which the address guard refuses here`,
          hint: "name the address with dest.ip in or dest.ip ==, outside any not",
          label: "not let in",
        });
      }
    }
  },
};

const alternatives = (condition: Condition): readonly Condition[] =>
  condition.kind === "or" ? condition.items : [condition];

/** What the guard takes for a naming of the destination: comparisons outside any `not` (see guard.ts). */
function proofsOf(condition: Condition): ("name" | "address")[] {
  if (condition.kind === "and" || condition.kind === "or") return condition.items.flatMap(proofsOf);
  if (condition.kind !== "comparison" || condition.negated) return [];
  const { fact, question } = condition;
  if (fact === "dest.ip")
    return question.kind.endsWith("address") || question.kind === "in-addresses" ? ["address"] : [];
  if (fact !== "host") return [];
  if (question.kind === "under") return ["name"];
  if (question.kind === "equals") return isAddress(String(question.value)) ? ["name", "address"] : ["name"];
  if (question.kind !== "in-names") return [];
  const { names } = question.set;
  return names === undefined || names.some(isAddress) ? ["name", "address"] : ["name"];
}

const isAddress = (text: string): boolean => parseIp(text) !== undefined;

/** What of the comparison's values is closed; `named` opens private ranges, `direct` says that names are resolved here. */
function closedBy(comparison: Comparison, named: boolean, direct: boolean): string | undefined {
  const { fact, question } = comparison;
  if (fact === "dest.ip") {
    const networks = question.kind === "in-addresses" ? question.set.networks : undefined;
    const single = question.kind === "equals-address" ? [{ base: question.value, length: 128 }] : networks;
    return single?.length && single.every((one) => isClosed(one, named)) ? "addresses that are not public" : undefined;
  }
  if (fact !== "host") return undefined;
  if (question.kind === "equals" || question.kind === "in-names" || question.kind === "under") {
    if (!direct) return undefined;
    const names = question.kind === "equals" ? [String(question.value)] : (question.set.names ?? []);
    const local = names.find((name) => name === "localhost" || name.endsWith(".localhost"));
    return local === undefined ? undefined : `"${local}", which is loopback`;
  }
  return question.kind === "matches" ? closedByPattern(question.pattern, named, direct) : undefined;
}

function closedByPattern(
  { texts, beginning }: (Comparison["question"] & { kind: "matches" })["pattern"],
  named: boolean,
  direct: boolean,
): string | undefined {
  const whole = texts?.wholeNames ?? [];
  const address = whole.find((name) => {
    const ip = parseIp(name);
    return ip !== undefined && isClosed({ base: ip, length: 128 }, named);
  });
  if (address !== undefined) return address;
  if (direct && (whole.includes("localhost") || texts?.domainNames.includes("localhost")))
    return '"localhost", which is loopback';
  const prefixes = texts === undefined ? [beginning] : texts.beginnings;
  const found = prefixes.find((prefix) => !named && PREFIXES.some((one) => prefix.startsWith(one)));
  return found === undefined ? undefined : `addresses in ${found}…`;
}

/** How a private or local IPv4 address begins in text. */
const PREFIXES = ["10.", "127.", "192.168.", "169.254."];

function isClosed({ base, length }: Cidr, named: boolean): boolean {
  if (length === 128) return isClosedAddress(base, named);
  return (named ? HARD : [...HARD, ...PRIVATE]).some((one) => one.length <= length && cidrContains(one, base));
}

function isClosedAddress(ip: Ip, named: boolean): boolean {
  const kind = ipClass(ip);
  return kind !== "public" && !(named && kind === "private");
}

const networks = (texts: readonly string[]): Cidr[] => texts.map((text) => parseCidr(text)!);
const HARD = networks([
  "0.0.0.0/8",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "224.0.0.0/4",
  "240.0.0.0/4",
  "fe80::/10",
  "ff00::/8",
]);
const PRIVATE = networks([
  "10.0.0.0/8",
  "100.64.0.0/10",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "fc00::/7",
]);
