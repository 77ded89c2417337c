/** Help as text: usage, description, flags, examples, exit statuses, from the definitions. Writes nothing. */

import { display } from "../lib/command/argv.ts";
import type { ArgDefinition, ArgDefinitions, Command, Group } from "../lib/command/define.ts";
import { EXIT } from "../lib/command/errors.ts";

export interface HelpStyle {
  /** Cells per line; longer words are not broken. */
  width: number;
  color: boolean;
}

const INDENT = 2;
const WIDEST_LEFT = 30;

/** The help of a command; `path` is all its words, `portail` first, and `summaries` has its members, if any. */
export function commandHelp(
  path: readonly string[],
  command: Command,
  style: HelpStyle,
  summaries: readonly [string, string][] = [],
): string {
  const { meta, args } = command;
  return page([
    wrap(sentence(meta.description), style.width),
    section("Usage", [`${" ".repeat(INDENT)}${usageLine(path, args)}`], style),
    ...(meta.long
      ? [
          meta.long
            .split(/\n{2,}/)
            .map((text) => wrap(text, style.width))
            .join("\n\n"),
        ]
      : []),
    section("Commands", columns(summaries, style.width), style),
    ...flagSections(args, style),
    examples(meta.examples, style),
    section("Exit status", columns(exitRows(meta.exits), style.width), style),
  ]);
}

/** The help of a group: its members, of which `summaries` has name and description. */
export function groupHelp(
  path: readonly string[],
  group: Group,
  summaries: readonly [string, string][],
  style: HelpStyle,
): string {
  return page([
    wrap(sentence(group.meta.description), style.width),
    section("Usage", [`${" ".repeat(INDENT)}${path.join(" ")} COMMAND [ARGUMENT...]`], style),
    section("Commands", columns(summaries, style.width), style),
    wrap(`"${path.join(" ")} COMMAND --help" says more about a command.`, style.width),
  ]);
}

/** Where to look when a command line was wrong. */
export function helpHint(path: readonly string[]): string {
  return `see "${path.join(" ")} --help"`;
}

function usageLine(path: readonly string[], args: ArgDefinitions): string {
  const words = [...path];
  const entries = Object.entries(args);
  const required = entries.filter(([, d]) => d.type === "string" && d.required);
  words.push(...required.map(([name, d]) => flagLabel(name, d)));
  if (entries.some(([, d]) => d.type !== "positional" && !(d.type === "string" && d.required))) words.push("[FLAG...]");
  for (const [name, definition] of entries) {
    if (definition.type !== "positional") continue;
    const dashes = definition.behindDashes ? "-- " : "";
    const label = `${dashes}${display(name, definition)}${definition.multiple ? "..." : ""}`;
    words.push(definition.required ? label : `[${label}]`);
  }
  return words.join(" ");
}

function flagSections(args: ArgDefinitions, style: HelpStyle): string[] {
  const groups = new Map<string, [string, string][]>();
  for (const [name, definition] of Object.entries(args)) {
    if (definition.hidden) continue;
    const title = definition.group ?? (definition.type === "positional" ? "Arguments" : "Flags");
    groups.set(title, [...(groups.get(title) ?? []), [flagLabel(name, definition), flagText(definition)]]);
  }
  return [...groups].map(([title, rows]) => section(title, columns(rows, style.width), style));
}

function flagLabel(name: string, definition: ArgDefinition): string {
  const label = display(name, definition);
  if (definition.type === "positional") return label;
  const alias = definition.alias ? `${definition.alias.length === 1 ? "-" : "--"}${definition.alias}, ` : "";
  const value = definition.type === "string" ? ` ${definition.valueHint ?? "VALUE"}` : "";
  const negative = definition.type === "boolean" && definition.default ? "--[no-]" : "--";
  return definition.type === "boolean" ? `${alias}${negative}${name}` : `${alias}${label}${value}`;
}

/** Description and notes of an argument. */
export function flagText(definition: ArgDefinition): string {
  const notes: string[] = [];
  if (definition.type !== "boolean" && definition.multiple) notes.push("repeatable");
  if (definition.type !== "boolean" && definition.required) notes.push("required");
  if (definition.default !== undefined && definition.default !== false) notes.push(`default: ${definition.default}`);
  if (definition.type === "string" && definition.env !== undefined) notes.push(`environment: ${definition.env}`);
  if (definition.type === "boolean" && definition.default) notes.splice(0, notes.length, "on by default");
  return `${definition.description}${notes.length > 0 ? ` (${notes.join(", ")})` : ""}`;
}

/** Statuses and meanings, that of a wrong command line among them. */
export function exitRows(exits: Command["meta"]["exits"]): [string, string][] {
  const usual = exits.some(({ status }) => status === EXIT.usage)
    ? []
    : [{ status: EXIT.usage, meaning: "the command line is wrong" }];
  return [...exits, ...usual]
    .toSorted((a, b) => a.status - b.status)
    .map(({ status, meaning }) => [String(status), meaning]);
}

function examples(list: Command["meta"]["examples"], style: HelpStyle): string {
  const lines = list.flatMap(({ command, description }, index) => [
    ...(index > 0 ? [""] : []),
    ...wrap(sentence(description), style.width - INDENT)
      .split("\n")
      .map((line) => `  ${line}`),
    `    ${command}`,
  ]);
  return section("Examples", lines, style);
}

function section(title: string, lines: readonly string[], { color }: HelpStyle): string {
  if (lines.length === 0) return "";
  return [color ? `\u001b[1m${title}\u001b[22m` : title, ...lines].join("\n");
}

function page(sections: readonly string[]): string {
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

/** Two columns; a left cell that is too wide stands on a line of its own. */
function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.min(WIDEST_LEFT, Math.max(0, ...rows.map(([label]) => label.length)));
  const margin = " ".repeat(INDENT + left + 2);
  return rows.flatMap(([label, text]) => {
    const [first = "", ...more] = wrap(text, width - margin.length).split("\n");
    const head = " ".repeat(INDENT) + label;
    const rest = more.map((line) => margin + line);
    return label.length > left
      ? [head, margin + first, ...rest]
      : [(head.padEnd(margin.length) + first).trimEnd(), ...rest];
  });
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > Math.max(20, width)) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}

/** With a full stop. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
