/** Policy text to tokens, one at a time and without a token array, so that a list of a million hosts stays cheap. Not syntax. */
import type { Comment } from "./ast.ts";
import type { Diagnostics, Span } from "./diagnostic.ts";
import type { Source } from "./source.ts";

type TokenKind = "word" | "string" | "punct" | "end";

/** The current token is in the fields; `advance` moves to the next one. */
export class Lexer {
  kind: TokenKind = "end";
  /** A word as written, a string's value, or the punctuation. */
  text = "";
  start = 0;
  end = 0;
  /** The string was written as `e"…"`. */
  escaped = false;
  /** The token is the first on its line. */
  firstOnLine = true;
  /** End of the token before. */
  previousEnd = 0;
  /** Work done so far, in characters and tokens: bounded by a small multiple of the text's length. */
  steps = 0;
  readonly comments: Comment[] = [];
  readonly #text: string;

  constructor(
    readonly source: Source,
    readonly diagnostics: Diagnostics,
  ) {
    this.#text = source.text;
    this.end = this.#text.charCodeAt(0) === 0xfeff ? 1 : 0;
    this.advance();
  }

  advance(): void {
    this.previousEnd = this.end;
    const lineBreak = this.#skipBlank();
    this.firstOnLine = lineBreak || this.previousEnd === 0;
    const start = (this.start = this.end);
    this.steps += 1 + start - this.previousEnd;
    this.escaped = false;
    if (start >= this.#text.length) {
      this.kind = "end";
      this.text = "";
      return;
    }
    const code = this.#text.charCodeAt(start);
    if (code === QUOTE) this.#string(start + 1);
    else if (code === 0x65 && this.#text.charCodeAt(start + 1) === QUOTE) this.#escapedString(start + 2);
    else if (isWordCode(this.#text, start) || code === COLON) this.#word();
    else this.#punctuation(code);
    this.steps += this.end - start;
  }

  /** Cuts the current word after `length` characters; the rest becomes the next token. */
  split(length: number): void {
    this.end = this.start + length;
    this.text = this.text.slice(0, length);
  }

  /** The first character after the current token, blanks skipped (comments are not). */
  peekCode(): number {
    let at = this.end;
    while (isBlank(this.#text.charCodeAt(at))) at++;
    this.steps += at - this.end;
    return this.#text.charCodeAt(at);
  }

  get span(): Span {
    return { start: this.start, end: Math.max(this.end, this.start) };
  }

  /** Skips blanks and comments; true if a line ended among them. */
  #skipBlank(): boolean {
    const text = this.#text;
    let at = this.end;
    let lineBreak = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === 0x0a) lineBreak = true;
      else if (code === HASH || (code === SLASH && text.charCodeAt(at + 1) === SLASH)) {
        const stop = text.indexOf("\n", at);
        const end = stop === -1 ? text.length : stop;
        this.comments.push({ start: at, end, text: text.slice(at, end).trimEnd() });
        at = end - 1;
      } else if (!isBlank(code)) break;
    }
    this.end = at;
    return lineBreak;
  }

  #string(from: number): void {
    const stop = this.#text.indexOf('"', from);
    this.kind = "string";
    this.end = stop === -1 ? this.#text.length : stop + 1;
    this.text = this.#text.slice(from, stop === -1 ? undefined : stop);
    if (stop === -1) this.#unterminated(from - 1);
  }

  #escapedString(from: number): void {
    let value = "";
    let at = from;
    const text = this.#text;
    for (; at < text.length && text.charCodeAt(at) !== QUOTE; at++) {
      if (text.charCodeAt(at) !== BACKSLASH) {
        value += text[at];
        continue;
      }
      const escape = text[++at] ?? "";
      const simple = ESCAPES[escape];
      const hex = escape === "u" ? /^\{([0-9a-fA-F]{1,6})\}/.exec(text.slice(at + 1, at + 9)) : null;
      const point = hex === null ? -1 : parseInt(hex[1]!, 16);
      if (simple !== undefined) value += simple;
      else if (hex !== null && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) {
        value += String.fromCodePoint(point);
        at += hex[0].length;
      } else {
        this.diagnostics.error(
          "acl.syntax",
          this.source,
          { start: at - 1, end: at + 1 },
          {
            message: `unknown escape ${JSON.stringify(`\\${escape}`)}`,
            hint: 'the escapes are \\" \\\\ \\n \\r \\t \\u{HEX}',
          },
        );
      }
    }
    this.kind = "string";
    this.escaped = true;
    this.end = Math.min(at + 1, text.length);
    this.text = value;
    if (at >= text.length) this.#unterminated(from - 2);
  }

  #unterminated(start: number): void {
    this.diagnostics.error(
      "acl.unterminated_string",
      this.source,
      { start, end: start + 1 },
      {
        message: "the string has no closing quote",
        label: "opened here",
      },
    );
  }

  /** A run of identifier characters, dots and colons; `/digits` belongs to it when the run looks like an address. */
  #word(): void {
    const text = this.#text;
    let at = this.start;
    let dotted = false;
    let colon = false;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === COLON) colon = true;
      else if (code === DOT) dotted = true;
      else if (!isWordCode(text, at)) break;
    }
    if (
      text.charCodeAt(at) === SLASH &&
      isDigit(text.charCodeAt(at + 1)) &&
      (colon || (dotted && isDigit(text.charCodeAt(this.start))))
    ) {
      do at++;
      while (isDigit(text.charCodeAt(at)));
    }
    this.kind = "word";
    this.end = at;
    this.text = text.slice(this.start, at);
  }

  #punctuation(code: number): void {
    const next = this.#text.charCodeAt(this.start + 1);
    const pair = next === EQUALS || next === TILDE ? this.#text.slice(this.start, this.start + 2) : "";
    this.kind = "punct";
    this.text = PAIRS.has(pair) ? pair : (SINGLES.get(code) ?? "");
    this.end = this.start + Math.max(1, this.text.length);
    if (this.text !== "") return;
    const point = this.#text.codePointAt(this.start)!;
    this.end = this.start + (point > 0xffff ? 2 : 1);
    this.text = String.fromCodePoint(point);
    if (this.diagnostics.list.at(-1)?.code === "acl.bad_character" && this.diagnostics.list.at(-1)!.end === this.start)
      return;
    this.diagnostics.error("acl.bad_character", this.source, this.span, {
      message: `the character ${JSON.stringify(this.text)} has no meaning here`,
    });
  }
}

const QUOTE = 0x22;
const HASH = 0x23;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;
const TILDE = 0x7e;
const BACKSLASH = 0x5c;
const PAIRS: ReadonlySet<string> = new Set(["==", "!=", "<=", ">=", "=~"]);
const SINGLES: ReadonlyMap<number, string> = new Map([..."{}[](),<>="].map((c) => [c.charCodeAt(0), c]));
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", n: "\n", r: "\r", t: "\t" };

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** Identifier characters: Unicode letters and digits, underscore, hyphen. */
function isWordCode(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) {
    return (
      (code >= 0x61 && code <= 0x7a) ||
      isDigit(code) ||
      code === 0x5f ||
      code === 0x2d ||
      (code >= 0x41 && code <= 0x5a)
    );
  }
  // A low surrogate belongs to the letter before it.
  if (code >= 0xdc00 && code <= 0xdfff) return at > 0 && isWordCode(text, at - 1) && text.charCodeAt(at - 1) >= 0xd800;
  return /^[\p{Alphabetic}\p{N}]/u.test(text.slice(at, at + 2));
}
