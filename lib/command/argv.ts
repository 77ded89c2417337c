/** argv against definitions, strictly: what is not declared, lacks its value or comes twice is refused. Merges, but reads no file. */

import { parseArgs } from "node:util";
import type { ArgDefinition, ArgDefinitions, PositionalArg } from "./define.ts";
import { EXIT, PortailError } from "./errors.ts";
import { nearest } from "./nearest.ts";

export type ArgValue = string | boolean | string[];

/** Values by definition name; only those that were given. */
export type ArgValues = ReadonlyMap<string, ArgValue>;

type Options = Record<string, { type: "string" | "boolean"; multiple: true; short?: string }>;

/**
 * Reads `argv` (without the command's own words). `--name value`, `--name=value`, `--no-name` for booleans, single-letter
 * aliases; `_` in a flag's name equals `-`; `--` ends the flags. Throws PortailError (64).
 */
export function vetArgv(argv: readonly string[], definitions: ArgDefinitions): ArgValues {
  const args = withDashes(argv, definitions);
  const options = optionsOf(definitions);
  let tokens;
  try {
    const config = { args, options, strict: true, tokens: true, allowPositionals: true, allowNegative: true } as const;
    tokens = parseArgs(config).tokens;
  } catch (error) {
    throw explain(args, options, definitions, error);
  }
  const values = new Map<string, ArgValue>();
  const words = { before: [] as string[], behind: [] as string[] };
  let place: keyof typeof words = "before";
  for (const token of tokens) {
    if (token.kind === "option-terminator") place = "behind";
    if (token.kind === "positional") words[place].push(token.value);
    if (token.kind === "option") keep(values, definitions, token);
  }
  keepPositionals(values, definitions, words);
  return values;
}

/**
 * Lays `layers` over each other, the first wins, then fills in defaults. A `multiple` without values is an empty list,
 * a boolean is false. Throws PortailError (64) when a required one is missing.
 */
export function completeArgs(
  definitions: ArgDefinitions,
  ...layers: ArgValues[]
): Record<string, ArgValue | undefined> {
  const entries = Object.entries(definitions).map(([name, definition]) => {
    const value = layers.find((layer) => layer.has(name))?.get(name) ?? fallback(definition);
    if (value === undefined && isRequired(definition)) {
      throw usage("usage.missing", `${display(name, definition)} is required`, definition.description);
    }
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

/** How an argument is called in messages: `--name`, or `NAME` for a positional. */
export function display(name: string, definition: ArgDefinition): string {
  return definition.type === "positional" ? (definition.valueHint ?? name.toUpperCase()) : `--${name}`;
}

function isRequired(definition: ArgDefinition): boolean {
  return definition.type !== "boolean" && definition.required === true;
}

function fallback(definition: ArgDefinition): ArgValue | undefined {
  if (definition.type === "boolean") return definition.default ?? false;
  if (definition.multiple && !definition.required) return definition.default === undefined ? [] : [definition.default];
  return definition.default;
}

/** How many words the flag at the head of `words` is, with its value; 0 for one that `definitions` do not have. */
export function flagWords([word = ""]: readonly string[], definitions: ArgDefinitions): number {
  const [typed] = withDashes([word], definitions)[0]!.split("=");
  const found = Object.entries(definitions).find(([name, definition]) => {
    if (definition.type === "positional") return false;
    const { alias = name, type } = definition;
    const names = [
      `--${name}`,
      alias.length === 1 ? `-${alias}` : `--${alias}`,
      ...(type === "boolean" ? [`--no-${name}`] : []),
    ];
    return names.includes(typed!);
  });
  if (found === undefined) return 0;
  return found[1].type === "boolean" || word.includes("=") ? 1 : 2;
}

/** Flags as `optionsOf` names them: dashes in the place of `_`, and two in front where one is enough. */
function withDashes(argv: readonly string[], definitions: ArgDefinitions): string[] {
  const oneDash = Object.entries(definitions).flatMap(([name, definition]) =>
    definition.type === "string" && definition.oneDash ? [`-${name}`, `-${definition.alias ?? name}`] : [],
  );
  const end = argv.indexOf("--");
  return argv.map((arg, index) => {
    if (!arg.startsWith("-") || (end !== -1 && index >= end)) return arg;
    const equals = arg.indexOf("=");
    const name = equals === -1 ? arg : arg.slice(0, equals);
    const value = arg.slice(name.length);
    if (oneDash.includes(name)) return `-${arg}`;
    return arg.startsWith("--") ? name.replaceAll("_", "-") + value : arg;
  });
}

/** All as `multiple`, so that a repetition is seen here instead of being resolved by the parser. */
function optionsOf(definitions: ArgDefinitions): Options {
  const options: Options = {};
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type === "positional") continue;
    const { type, alias } = definition;
    options[name] = { type, multiple: true, ...(alias?.length === 1 && { short: alias }) };
    if (alias && alias.length > 1) options[alias] = { type, multiple: true };
  }
  return options;
}

interface OptionToken {
  name: string;
  rawName: string;
  value?: string | undefined;
}

function keep(values: Map<string, ArgValue>, definitions: ArgDefinitions, token: OptionToken): void {
  const [name, definition] = definitionOf(definitions, token.name);
  if (definition.type === "string" && definition.multiple) {
    values.set(name, [...((values.get(name) as string[] | undefined) ?? []), token.value!]);
    return;
  }
  if (values.has(name)) throw usage("usage.repeated", `--${name} is given more than once`, "give it one value");
  values.set(name, definition.type === "boolean" ? token.rawName !== `--no-${token.name}` : token.value!);
}

/** Words `behind` the dashes are for a program where the command takes one, and like those `before` them where it does not. */
function keepPositionals(
  values: Map<string, ArgValue>,
  definitions: ArgDefinitions,
  { before, behind }: Record<"before" | "behind", string[]>,
): void {
  const positionals = Object.entries(definitions).filter(([, { type }]) => type === "positional") as [
    string,
    PositionalArg,
  ][];
  const program = positionals.find(([, { behindDashes }]) => behindDashes);
  const rest = program === undefined ? [...before, ...behind] : [...before];
  for (const [name, { multiple, behindDashes }] of positionals) {
    if (behindDashes || rest.length === 0) continue;
    values.set(name, multiple ? rest.splice(0) : rest.shift()!);
  }
  if (rest.length > 0) {
    const hint = program === undefined ? undefined : "a program stands behind --";
    throw usage("usage.extra_argument", `unexpected argument ${JSON.stringify(rest[0])}`, hint);
  }
  if (program !== undefined && behind.length > 0) values.set(program[0], behind);
}

function definitionOf(
  definitions: ArgDefinitions,
  name: string,
): [string, Exclude<ArgDefinition, { type: "positional" }>] {
  const found = Object.entries(definitions).find(([key, definition]) => {
    return definition.type !== "positional" && (key === name || definition.alias === name);
  });
  return found as [string, Exclude<ArgDefinition, { type: "positional" }>];
}

/** Says which argument the parser refused, in our words. */
function explain(args: string[], options: Options, definitions: ArgDefinitions, refusal: unknown): PortailError {
  const config = { args, options, strict: false, tokens: true, allowPositionals: true, allowNegative: true } as const;
  for (const token of parseArgs(config).tokens) {
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    const typed = token.rawName;
    if (!option) return unknownFlag(typed, definitions);
    if (option.type === "boolean" && token.value !== undefined) {
      return usage("usage.value", `${typed} takes no value`, `write ${typed} or --no-${token.name}`);
    }
    if (option.type === "boolean") continue;
    if (typed === `--no-${token.name}`) return unknownFlag(typed, definitions);
    const [, definition] = definitionOf(definitions, token.name);
    const form = `write ${typed} ${(definition.type === "string" ? definition.valueHint : undefined) ?? "VALUE"}`;
    if (token.value === undefined) return usage("usage.value", `${typed} needs a value`, form);
    if (!token.inlineValue && token.value.startsWith("-") && token.value !== "-") {
      const hint = `if ${token.value} is the value, write ${typed}=${token.value}`;
      return usage("usage.value", `${typed} needs a value`, typed.startsWith("--") ? hint : form);
    }
  }
  return usage("usage.invalid", refusal instanceof Error ? refusal.message : String(refusal));
}

/** The error for a flag that is not declared, with the nearest one that is. */
export function unknownFlag(typed: string, definitions: ArgDefinitions): PortailError {
  const names = Object.entries(definitions).flatMap(([name, definition]) => {
    if (definition.type === "positional" || definition.hidden) return [];
    const negative = definition.type === "boolean" ? [`--no-${name}`] : [];
    return [`--${name}`, ...negative];
  });
  const suggestion = typed.startsWith("--") ? nearest(typed, names) : undefined;
  const hint = suggestion && suggestion !== typed ? `did you mean ${suggestion}?` : undefined;
  return usage("usage.unknown_flag", `unknown flag ${typed}`, hint);
}

/** An operator's mistake on the command line (64). */
export function usage(code: string, message: string, hint?: string): PortailError {
  return new PortailError(message, { code, exit: EXIT.usage, ...(hint !== undefined && { hint }) });
}
