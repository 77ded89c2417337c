/** Which names are ours: patterns of the operator against names as DNS has them. Looks nothing up. */
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import { compileDnsGlob } from "../../../lib/identity/name-glob.ts";
import { canonicalHost, isPlainName } from "../../../lib/wire/host.ts";

/**
 * Whether a name is ours: `here` it is, whatever others say of it; `if real`, its addresses are, where a resolver knows some.
 */
export type Lead = "here" | "if real" | undefined;

type Test = (name: string) => boolean;

/** Whether TLS, a policy and a record can name it: no escapes, no address, IDNA where it claims to be. */
export function isHostName(name: string): boolean {
  if (isPlainName(name)) return true;
  const found = canonicalHost(name);
  return found.host === name && found.ip === undefined;
}

/**
 * `*` is every name that is real, but those of this machine (`localhost`) and of addresses (`arpa`): what a client tries on its
 * way through a search list must not be answered. `**.example.com` is every name below that one; elsewhere `*` stands within a label. What is no host name is nobody's. Throws `PortailError` (64).
 */
export function compileNames(patterns: readonly string[], flag: string): (name: string) => Lead {
  const exact = new Set<string>();
  const tests: Test[] = [];
  let all = false;
  for (const pattern of patterns) {
    const text = pattern.toLowerCase();
    const below = text.startsWith("**.") ? text.slice(3) : undefined;
    if (text === "*") all = true;
    else if (below !== undefined && isHostName(below)) tests.push((name) => name !== below && isUnder(name, below));
    else if (text.includes("**") || !isHostName(text.replaceAll("*", "a"))) throw noPattern(pattern, flag);
    else if (text.includes("*")) tests.push(compileDnsGlob(text).matches);
    else exact.add(text);
  }
  return (name) => {
    if (exact.has(name)) return "here";
    if (tests.some((test) => test(name)) && isHostName(name)) return "here";
    return all && !isUnder(name, "localhost") && !isUnder(name, "arpa") && isHostName(name) ? "if real" : undefined;
  };
}

function isUnder(name: string, zone: string): boolean {
  return name.endsWith(zone) && (name.length === zone.length || name[name.length - zone.length - 1] === ".");
}

function noPattern(pattern: string, flag: string): PortailError {
  return new PortailError(`${flag}: ${JSON.stringify(pattern)} is no pattern of names`, {
    code: "tproxy.name_pattern",
    exit: EXIT.usage,
    hint: "write a name, *.example.com (one label), **.example.com (every name below it), or * for every name",
  });
}
