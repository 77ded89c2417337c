/** A pattern of `=~`: RE2 syntax in linear time, looked up instead where it is a text in disguise. Never the runtime's own RegExp. */
import { RE2JS } from "re2js";
import { NameTable } from "../tables/name-table.ts";
import { type Disguise, disguiseOf, hintsOf } from "./literals.ts";

/** Texts that decide a pattern alone. */
interface Texts {
  /** The subject is one of these. */
  readonly whole: NameTable;
  readonly wholeNames: readonly string[];
  /** The subject ends in a dot and one of these. */
  readonly domains: NameTable;
  readonly domainNames: readonly string[];
  readonly beginnings: readonly string[];
  readonly endings: readonly string[];
  readonly pieces: readonly string[];
  readonly oneLine: boolean;
}

/** More different texts than this in a list that is scanned, and the automaton is the better choice. */
const MAX_SCANNED = 8;

export class Pattern {
  readonly text: string;
  readonly texts: Texts | undefined;
  /** Every match ends the subject with this text; empty if nothing is sure. Likewise `beginning`, and `piece` within. */
  readonly ending: string;
  readonly beginning: string;
  readonly piece: string;
  #automaton: RE2JS | undefined;

  private constructor(text: string, texts: Texts | undefined, automaton: RE2JS | undefined) {
    this.text = text;
    this.texts = texts;
    this.#automaton = automaton;
    const hints = texts === undefined ? hintsOf(text) : undefined;
    this.ending = hints?.ending ?? "";
    this.beginning = hints?.beginning ?? "";
    this.piece = hints?.piece ?? "";
  }

  /** Parses the pattern; `error` is half a sentence. */
  static compile(
    text: string,
  ): { pattern: Pattern; error?: undefined } | { pattern?: undefined; error: string; hint?: string } {
    const disguise = disguiseOf(text);
    const texts = disguise && textsOf(disguise);
    if (texts !== undefined) return { pattern: new Pattern(text, texts, undefined) };
    const adapted = adapt(text);
    if ("error" in adapted) return adapted;
    try {
      return { pattern: new Pattern(text, undefined, RE2JS.compile(adapted.text)) };
    } catch (error) {
      return { error: message(error) };
    }
  }

  /** Whether some part of the subject matches (patterns are not anchored). */
  test(subject: string): boolean {
    const { texts } = this;
    if (texts !== undefined && !(texts.oneLine && subject.includes("\n"))) return testTexts(texts, subject);
    // One search settles nearly every miss, many times faster than the automaton.
    if (!subject.includes(this.piece)) return false;
    if (!subject.endsWith(this.ending) || !subject.startsWith(this.beginning)) return false;
    return this.testPlainly(subject);
  }

  /** As `test`, by the automaton alone. */
  testPlainly(subject: string): boolean {
    const adapted = this.#automaton === undefined ? adapt(this.text) : undefined;
    if (adapted !== undefined && "text" in adapted) this.#automaton = RE2JS.compile(adapted.text);
    return this.#automaton!.test(subject);
  }
}

function testTexts(texts: Texts, subject: string): boolean {
  if (texts.wholeNames.length > 0 && texts.whole.has(subject)) return true;
  if (texts.domainNames.length > 0 && texts.domains.hasParentOf(subject)) return true;
  for (const text of texts.endings) if (subject.endsWith(text)) return true;
  for (const text of texts.beginnings) if (subject.startsWith(text)) return true;
  for (const text of texts.pieces) if (subject.includes(text)) return true;
  return false;
}

function textsOf({ branches, oneLine }: Disguise): Texts | undefined {
  const wholeNames: string[] = [];
  const domainNames: string[] = [];
  const beginnings: string[] = [];
  const endings: string[] = [];
  const pieces: string[] = [];
  for (const { start, end, text } of branches) {
    if (start && end) wholeNames.push(text);
    else if (end && /^\.\p{ASCII}+$/u.test(text)) domainNames.push(text.slice(1));
    else (start ? beginnings : end ? endings : pieces).push(text);
  }
  if (Math.max(beginnings.length, endings.length, pieces.length) > MAX_SCANNED) return undefined;
  const table = (names: readonly string[]) => {
    const table = new NameTable(names.length);
    for (const name of names) table.add(name);
    return table;
  };
  return {
    whole: table(wholeNames),
    wholeNames,
    domains: table(domainNames),
    domainNames,
    beginnings,
    endings,
    pieces,
    oneLine,
  };
}

/**
 * From the dialect of the policies to RE2: a `u` flag says what is always so and is dropped; set operations and
 * nesting in brackets, which RE2 would read as plain characters, are refused, and so is the verbose flag.
 */
function adapt(pattern: string): { text: string } | { error: string; hint?: string } {
  let text = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    const next = pattern[i + 1];
    if (char === "\\") {
      text += char + (next ?? "");
      i++;
      continue;
    }
    if (inClass) {
      if (char === "[" && next !== ":")
        return { error: "a bracket inside brackets is ambiguous", hint: 'write "\\[" for the character' };
      if ((char === "&" || char === "~" || char === "-") && next === char)
        return { error: `the set operation "${char}${char}" is not supported` };
      if (char === "[") {
        const close = pattern.indexOf(":]", i + 2);
        if (close === -1) return { error: "a character class has no end" };
        text += pattern.slice(i, close + 2);
        i = close + 1;
        continue;
      }
      if (char === "]") inClass = false;
    } else if (char === "[") {
      inClass = true;
      const opening = /^\[\^?\]?/.exec(pattern.slice(i, i + 3))![0];
      text += opening;
      i += opening.length - 1;
      continue;
    } else if (char === "(" && next === "?") {
      const flags = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])/.exec(pattern.slice(i, i + 24));
      if (flags !== null) {
        if (/x/.test(flags[1]! + (flags[2] ?? ""))) return { error: "the verbose flag is not supported" };
        const on = flags[1]!.replaceAll("u", "");
        const off = (flags[2] ?? "").replaceAll("u", "");
        const kept = on + (off === "" ? "" : `-${off}`);
        text += kept === "" && flags[3] === ")" ? "" : `(?${kept}${flags[3]}`;
        i += flags[0].length - 1;
        continue;
      }
    }
    text += char;
  }
  return { text };
}

function message(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^error parsing regexp: /, "");
}
