/** Facts from the command line, `FACT=VALUE`, read by the types of lib/acl/facts.ts. Decides nothing. */
import { parseInstant } from "../acl/clock.ts";
import { FACTS, FAMILIES, type FactName, type Facts, type FactType, type FactValue, lookupFact } from "../acl/facts.ts";
import { usage } from "../command/argv.ts";
import { nearest } from "../command/nearest.ts";
import { canonicalHost } from "../wire/host.ts";
import { parseIp } from "../wire/ip.ts";

/** Hosts are made canonical as the daemons do. Lists may come as `a,b`, as JSON, or by naming the fact again. Throws `PortailError` (64). */
export function parseFacts(given: readonly string[]): Facts {
  const facts: Record<string, FactValue> = {};
  for (const text of given) {
    const equals = text.indexOf("=");
    if (equals < 1)
      throw usage("usage.value", `${JSON.stringify(text)} is not FACT=VALUE`, "write for example port=443");
    const name = factNamed(text.slice(0, equals));
    const value = readValue(name, text.slice(equals + 1));
    const known = facts[name];
    if (known === undefined) facts[name] = value;
    else if (Array.isArray(known) && Array.isArray(value)) facts[name] = [...known, ...value] as string[];
    else throw usage("usage.repeated", `the fact "${name}" is given twice`);
  }
  return facts as Facts;
}

function factNamed(text: string): FactName {
  const found = lookupFact(text);
  if (found !== undefined) return found.name;
  const guess = nearest(text, Object.keys(FACTS));
  const family = text.split(".")[0]!;
  const hint = Object.hasOwn(FAMILIES, family)
    ? `name the ${family} fact: ${family}.NAME`
    : "lib/acl/GRAMMAR.md lists the facts";
  throw usage(
    "acl.unknown_fact",
    `unknown fact ${JSON.stringify(text)}`,
    guess === undefined ? hint : `did you mean ${guess}?`,
  );
}

const FORMS: Record<FactType, string> = {
  string: "a text",
  host: "a host",
  number: "a number",
  boolean: "true or false",
  address: "an IP address",
  strings: "a list: a,b",
  instant: "a date with an offset: 2026-01-31T18:00Z",
  clock: "given by now: now=2026-01-31T18:00Z",
  any: "a text, a number, true, false or a list in JSON",
};

function readValue(name: FactName, text: string): FactValue {
  const type = lookupFact(name)!.spec.type;
  const canonical = type === "host" ? canonicalHost(text) : undefined;
  const value = canonical === undefined ? readPlain(type, text) : canonical.host;
  if (value !== undefined) return value;
  const why = canonical?.error === undefined ? `it is ${FORMS[type]}` : canonical.error;
  throw usage("usage.value", `the fact "${name}" cannot be ${JSON.stringify(text)}`, why);
}

function readPlain(type: FactType, text: string): FactValue | undefined {
  switch (type) {
    case "number":
      return /^-?[0-9]{1,15}(\.[0-9]{1,15})?$/.test(text) ? Number(text) : undefined;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : undefined;
    case "address":
      return parseIp(text);
    case "instant": {
      const at = parseInstant(text, undefined);
      return at === "zone" ? undefined : at;
    }
    case "strings":
      return text.startsWith("[") ? listOf(fromJson(text)) : text === "" ? [] : text.split(",");
    case "any": {
      const json = fromJson(text);
      const list = listOf(json);
      if (list !== undefined) return list;
      return typeof json === "number" || typeof json === "boolean" || typeof json === "string" ? json : text;
    }
    case "clock":
      return undefined;
    default:
      return text;
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const listOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
