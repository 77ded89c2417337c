/** Man pages: mdoc(7) text for each command and group, from the definitions that the help is printed from. Writes no file. */

import type { ArgDefinition, ArgDefinitions, Command, Group } from "../lib/command/define.ts";
import { exitRows, flagText, sentence } from "./help.ts";
import { EXIT } from "../lib/command/errors.ts";
import { GROUP_FLAGS } from "./tree.ts";
import { argument, fill, literal, tagged } from "./mdoc.ts";

/** Of the last change of the wording, so that pages are the same wherever they are made. */
const DATE = "November 26, 2026";
/** A synopsis with more flags than these does not name them. */
const MOST_IN_SYNOPSIS = 10;

/** What every command reads of the environment. */
const ENVIRONMENT: [name: string, text: string][] = [
  ["NO_COLOR", "Where it is set and not empty, nothing is coloured."],
  ["PORTAIL_DEBUG", "Where it is set and not empty, errors show where in the program they come from."],
];

/** What a status means where a command's own page says no more. */
const STATUSES: Record<keyof typeof EXIT, string> = {
  done: "Done, or the answer is yes.",
  no: "The answer is no, or open connections were cut at the end.",
  usage: "The command line is wrong.",
  badData: "A file that was read is broken.",
  noInput: "A file cannot be read.",
  unavailable: "A server, a program, a library or a token that is needed is not there.",
  bug: "A fault of portail itself.",
  os: "The system refused, for example since an address is in use.",
  cannotCreate: "A file cannot be made.",
  io: "Reading or writing broke off.",
  retry: "It did not work now, and may later.",
  noPrivilege: "This user may not do that.",
  config: "The settings contradict each other, or the configuration file is wrong.",
};

/** Pages by file name, `portail.1` first. */
export async function manPages(root: Group): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  await addPages(pages, [root.meta.name], root, []);
  return pages;
}

async function addPages(
  pages: Map<string, string>,
  path: readonly string[],
  node: Command | Group,
  others: readonly (readonly string[])[],
): Promise<void> {
  const members = await Promise.all(
    Object.entries(node.commands ?? {}).map(async ([name, load]) => [[...path, name], await load()] as const),
  );
  const below = members.map(([words]) => words);
  pages.set(
    `${path.join("-")}.1`,
    manPage(
      path,
      node,
      members.map(([words, member]) => [words, member]),
      [...others, ...below],
    ),
  );
  for (const [words, member] of members)
    await addPages(pages, words, member, [[...path], ...below.filter((each) => each !== words)]);
}

/** One page. `members` are the commands below, `others` what to see also. */
function manPage(
  path: readonly string[],
  node: Command | Group,
  members: readonly (readonly [path: readonly string[], node: Command | Group])[],
  others: readonly (readonly string[])[],
): string {
  const { description } = node.meta;
  const name = path.join("-");
  const args: ArgDefinitions = node.kind === "command" ? node.args : GROUP_FLAGS;
  return [
    `.Dd ${DATE}`,
    `.Dt ${name.toUpperCase()} 1`,
    ".Os",
    ".Sh NAME",
    `.Nm ${name}`,
    `.Nd ${argument(lowered(description))}`,
    ".Sh SYNOPSIS",
    `.Nm ${path[0]}`,
    ...(path.length > 1 ? [`.Cm ${path.slice(1).join(" ")}`] : []),
    ...(node.kind === "group" ? [".Ar COMMAND", ".Op Ar ARGUMENT ..."] : synopsis(args)),
    ".Sh DESCRIPTION",
    ...fill(sentence(description)),
    ...(node.kind === "command" ? paragraphs(node.meta.long) : groupText(path)),
    ...commandList(members),
    ...flagLists(args),
    ...(node.kind === "command" ? lastSections(node.meta, args) : groupSections(path, members)),
    ...seeAlso(others),
    "",
  ].join("\n");
}

function synopsis(args: ArgDefinitions): string[] {
  const shown = Object.entries(args).filter(([, definition]) => !definition.hidden);
  const flags = shown.filter(([, { type }]) => type !== "positional");
  const [required, optional] = [true, false].map((is) => flags.filter(([, d]) => isRequired(d) === is)) as [
    typeof flags,
    typeof flags,
  ];
  const many = optional.length > MOST_IN_SYNOPSIS;
  return [
    ...required.map(([name, definition]) => `.${flagMacros(name, definition)}`),
    ...(many ? [".Op Ar FLAG ..."] : optional.map(([name, definition]) => `.Op ${flagMacros(name, definition)}`)),
    ...shown.flatMap(([name, definition]) => {
      if (definition.type !== "positional") return [];
      const dashes = definition.behindDashes ? "Fl \\- " : "";
      const more = definition.multiple ? " ..." : "";
      const macros = `${dashes}Ar ${argument(definition.valueHint ?? name.toUpperCase())}${more}`;
      return [definition.required ? `.${macros}` : `.Op ${macros}`];
    }),
  ];
}

const isRequired = (definition: ArgDefinition): boolean => definition.type === "string" && definition.required === true;

function flagMacros(name: string, definition: ArgDefinition): string {
  if (definition.type === "boolean") return `Fl Fl ${literal(definition.default ? `no-${name}` : name)}`;
  return `Fl Fl ${literal(name)} Ar ${argument(definition.valueHint ?? "VALUE")}`;
}

function paragraphs(long = ""): string[] {
  return long
    .split(/\n{2,}/)
    .filter((text) => text !== "")
    .flatMap((text) => [".Pp", ...fill(text)]);
}

function groupText(path: readonly string[]): string[] {
  const program =
    path.length > 1
      ? []
      : [
          "Flags follow the command. A flag and its value are two words, or one with an equals sign: --listen ADDRESS and --listen=ADDRESS are the same. Words behind -- are no flags.",
        ];
  const more = "Each command has a page of its own, and prints the same with --help.";
  return [...program, more].flatMap((text) => [".Pp", ...fill(text)]);
}

function commandList(members: Parameters<typeof manPage>[2]): string[] {
  if (members.length === 0) return [];
  return [
    ".Ss Commands",
    ...tagged(members.map(([path, { meta }]) => [`Xr ${path.join("-")} 1`, sentence(meta.description)])),
  ];
}

function flagLists(args: ArgDefinitions): string[] {
  const groups = new Map<string, [string, string][]>();
  for (const [name, definition] of Object.entries(args)) {
    if (definition.hidden) continue;
    const title = definition.group ?? (definition.type === "positional" ? "Arguments" : "Flags");
    groups.set(title, [...(groups.get(title) ?? []), [flagItem(name, definition), sentence(flagText(definition))]]);
  }
  return [...groups].flatMap(([title, items]) => [`.Ss ${argument(title)}`, ...tagged(items)]);
}

function flagItem(name: string, definition: ArgDefinition): string {
  if (definition.type === "positional") return `Ar ${argument(definition.valueHint ?? name.toUpperCase())}`;
  const { alias } = definition;
  const short = alias === undefined ? "" : `${alias.length === 1 ? "Fl" : "Fl Fl"} ${literal(alias)} , `;
  if (definition.type === "string") return `${short}${flagMacros(name, definition)}`;
  const no = definition.default ? ` , Fl Fl ${literal(`no-${name}`)}` : "";
  return `${short}Fl Fl ${literal(name)}${no}`;
}

/** Statuses on the program's own page, and one example for each command below. */
function groupSections(path: readonly string[], members: Parameters<typeof manPage>[2]): string[] {
  const statuses = Object.entries(EXIT).map(([name, status]): [string, string] => [
    String(status),
    STATUSES[name as keyof typeof EXIT],
  ]);
  const examples = members.flatMap(([, node]) => (node.kind === "command" ? node.meta.examples.slice(0, 1) : []));
  return [
    ".Sh ENVIRONMENT",
    ...tagged(ENVIRONMENT.map(([name, text]) => [`Ev ${name}`, text])),
    ".Sh EXIT STATUS",
    ...(path.length === 1 ? tagged(statuses) : fill("Each command's page lists what its statuses mean.")),
    ...exampleSection(examples),
  ];
}

function lastSections(meta: Command["meta"], args: ArgDefinitions): string[] {
  const variables = Object.entries(args).flatMap(([name, definition]): [string, string][] => {
    if (definition.type !== "string" || definition.env === undefined || definition.hidden) return [];
    return [
      [definition.env, `The value of --${name}, where neither the command line nor a configuration file has one.`],
    ];
  });
  const environment = [...variables, ...ENVIRONMENT].map(([name, text]): [string, string] => [`Ev ${name}`, text]);
  const exits = exitRows(meta.exits).map(([status, meaning]): [string, string] => [status, sentence(capital(meaning))]);
  return [
    ".Sh ENVIRONMENT",
    ...tagged(environment),
    ".Sh EXIT STATUS",
    ...tagged(exits),
    ...exampleSection(meta.examples),
  ];
}

function exampleSection(examples: Command["meta"]["examples"]): string[] {
  const lines = examples.flatMap(({ command, description }, index) => [
    ...(index > 0 ? [".Pp"] : []),
    ...fill(sentence(description).replace(/\.$/, ":")),
    ".Bd -literal -offset indent",
    ...broken(command).map(literal),
    ".Ed",
  ]);
  return lines.length === 0 ? [] : [".Sh EXAMPLES", ...lines];
}

/** A command line in lines of a shell that are not too long for a page. */
function broken(command: string): string[] {
  const lines: string[] = [];
  for (const part of command.split(/ (?=--|\| )/)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < 66) lines[lines.length - 1] = `${last} ${part}`;
    else lines.push(`${last === undefined ? "" : "    "}${part}`);
  }
  return lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line));
}

function seeAlso(others: readonly (readonly string[])[]): string[] {
  const names = [...new Set(others.map((path) => path.join("-")))].toSorted();
  const refs = names.map((name, index) => `.Xr ${name} 1${index < names.length - 1 ? " ," : ""}`);
  return refs.length === 0 ? [] : [".Sh SEE ALSO", ...refs];
}

/** As a name section begins, but for words that are capitals themselves. */
const lowered = (text: string): string => (/^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
