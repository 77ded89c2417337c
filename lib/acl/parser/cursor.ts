/** What all productions of the parser share: expecting tokens, splitting glued keywords, failing and recovering. Not the grammar. */
import type { Name, StringLiteral } from "../ast.ts";
import type { Code, Diagnostics, Span, Trouble } from "../diagnostic.ts";
import { lookupFact } from "../facts.ts";
import { Lexer } from "../lexer.ts";
import type { Source } from "../source.ts";

/** Thrown after a diagnostic was recorded, and caught where parsing can go on. */
class Abandon extends Error {}

export const BLOCK_KEYWORDS = ["policy", "route", "set", "include", "test"] as const;
const CLAUSE_KEYWORDS = ["when", "require", "action", "use"] as const;

export class Cursor {
  readonly lex: Lexer;

  constructor(
    readonly source: Source,
    readonly diagnostics: Diagnostics,
  ) {
    this.lex = new Lexer(source, diagnostics);
  }

  /** Records an error and gives up the production. */
  fail(code: Code, span: Span, trouble: Trouble): never {
    this.diagnostics.error(code, this.source, span, trouble);
    throw new Abandon();
  }

  expected(what: string, hint?: string): never {
    this.fail("acl.syntax", this.lex.span, {
      message: `expected ${what}, found ${this.found()}`,
      hint,
      label: `expected ${what}`,
    });
  }

  found(): string {
    if (this.lex.kind === "end") return "the end of the file";
    return this.lex.kind === "string" ? "a string" : `"${shorten(this.lex.text)}"`;
  }

  isPunct(text: string): boolean {
    return this.lex.kind === "punct" && this.lex.text === text;
  }

  isWord(text: string): boolean {
    return this.lex.kind === "word" && this.lex.text === text;
  }

  acceptPunct(text: string): boolean {
    if (!this.isPunct(text)) return false;
    this.lex.advance();
    return true;
  }

  expectPunct(text: string, where: string): void {
    if (!this.acceptPunct(text)) this.expected(`"${text}" ${where}`);
  }

  acceptWord(text: string): boolean {
    if (!this.isWord(text)) return false;
    this.lex.advance();
    return true;
  }

  /**
   * As `acceptWord`, but also at the front of a longer word: files written for a parser without word boundaries may
   * have `nothost == "a"`. Such a word is taken apart, with a warning, unless it is a fact's own name.
   */
  acceptGlued(keyword: string): boolean {
    const { lex } = this;
    if (lex.kind !== "word" || !lex.text.startsWith(keyword)) return false;
    if (lex.text.length > keyword.length) {
      if (lookupFact(lex.text) !== undefined || lex.text.includes(":")) return false;
      const rest = lex.text.slice(keyword.length);
      this.diagnostics.warning("acl.missing_space", this.source, lex.span, {
        message: `read "${shorten(lex.text)}" as "${keyword}" and "${shorten(rest)}"`,
        hint: `write "${keyword} ${shorten(rest)}"`,
      });
      lex.split(keyword.length);
    }
    lex.advance();
    return true;
  }

  /** A name of a policy, route, set: letters, digits, `_` and `-`. */
  name(what: string): Name {
    if (this.lex.kind !== "word") this.expected(what);
    const { text, start, end } = this.lex;
    if (/[.:/]/.test(text))
      this.fail("acl.syntax", this.lex.span, {
        message: `"${shorten(text)}" is no ${what}`,
        hint: "names are letters, digits, _ and -",
      });
    this.lex.advance();
    return { text, start, end };
  }

  /** A fact's name as written, perhaps dotted. */
  dottedName(what: string): Name {
    if (this.lex.kind !== "word") this.expected(what);
    const { text, start, end } = this.lex;
    if (!isDotted(text)) this.fail("acl.syntax", this.lex.span, { message: `"${shorten(text)}" is no ${what}` });
    this.lex.advance();
    return { text, start, end };
  }

  string(what: string): StringLiteral {
    if (this.lex.kind !== "string") this.expected(`${what} in double quotes`);
    const { text, start, end, escaped } = this.lex;
    this.lex.advance();
    // Not one object with a spread: a list has a million of these.
    return escaped ? { kind: "string", value: text, start, end, escaped } : { kind: "string", value: text, start, end };
  }

  /** Runs a production; if it gives up, skips to a clause, a closing brace or a block, and answers false. */
  recover(production: () => void): boolean {
    try {
      production();
      return true;
    } catch (error) {
      if (!(error instanceof Abandon)) throw error;
      this.#synchronise();
      return false;
    }
  }

  /** The current word opens a block, and stands where only a block would. */
  atBlock(): boolean {
    return (
      this.lex.kind === "word" && this.lex.firstOnLine && (BLOCK_KEYWORDS as readonly string[]).includes(this.lex.text)
    );
  }

  #synchronise(): void {
    let depth = 0;
    while (this.lex.kind !== "end" && !this.atBlock()) {
      if (depth === 0 && this.lex.kind === "word" && isClause(this.lex.text)) return;
      if (this.isPunct("{")) depth++;
      if (this.isPunct("}") && depth-- === 0) return;
      this.lex.advance();
    }
  }
}

const isClause = (text: string): boolean =>
  (CLAUSE_KEYWORDS as readonly string[]).includes(text) || text === "given" || text === "expect" || text === "case";

export const isDotted = (text: string): boolean => /^[^.:/]+(\.[^.:/]+)*$/.test(text);

/** A long or many-lined piece of the file, short enough for a message. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}
