/** Lays out tokens in lines and puts comments back where they were. Knows no grammar. */
import type { Comment } from "../ast.ts";

/** What separates the next token from the last; the strongest request wins. */
const GAP = { none: 0, space: 1, line: 2, blank: 3 } as const;

export class Writer {
  readonly #text: string;
  readonly #comments: readonly Comment[];
  readonly #out: string[] = [];
  #nextComment = 0;
  #line = "";
  #gap: number = GAP.none;
  /** End in the source of what was written last, token or comment. */
  #sourceEnd = -1;
  #indent = 0;
  /** Nothing was written since a block, a list or the file was opened. */
  #opened = true;

  /** `text` is the source that the offsets belong to; empty for a tree that was never text. */
  constructor(text: string, comments: readonly Comment[]) {
    this.#text = text;
    this.#comments = comments;
  }

  /**
   * Writes a token that stood at `[start, end)` in the source, after the comments before it. Of keywords and
   * punctuation the tree has no places: they are looked for behind what was written last.
   */
  write(token: string, start = -1, end = start): void {
    if (token === ")") return this.#close();
    const from = start === -1 ? this.#locate(token) : start;
    this.comments(from);
    this.#applyGap();
    this.#line += token;
    this.#opened = token === "{" || token === "[";
    this.#sourceEnd = Math.max(this.#sourceEnd, start === -1 && from !== -1 ? from + token.length : end);
  }

  /** The tree cannot say before which of several closing parentheses a comment stood: it comes after all of them. */
  #close(): void {
    this.#applyGap();
    this.#line += ")";
    this.#opened = false;
    const comment = this.#comments[this.#nextComment]?.start ?? Infinity;
    for (let at = this.#locate(")"); at !== -1 && at < comment; at = this.#locate(")")) this.#sourceEnd = at + 1;
  }

  space(): void {
    this.#gap = Math.max(this.#gap, GAP.space);
  }

  newline(): void {
    this.#gap = Math.max(this.#gap, GAP.line);
  }

  /** One empty line before what comes. */
  blank(): void {
    this.#gap = Math.max(this.#gap, GAP.blank);
  }

  /** A new line, and an empty one if the source has one before `start`. */
  newlineAsBefore(start: number): void {
    this.newline();
    const next = this.#comments[this.#nextComment];
    const stop = next !== undefined && next.start < start ? next.start : start;
    if (!this.#opened && this.#hasBlank(this.#sourceEnd, stop)) this.blank();
  }

  indented(body: () => void): void {
    this.#indent++;
    body();
    this.#indent--;
  }

  /** Whether a comment of the source lies in `[start, end)`. */
  hasComment(start: number, end: number): boolean {
    let low = 0;
    let high = this.#comments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#comments[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low < this.#comments.length && this.#comments[low]!.start < end;
  }

  /** Columns left of `width` for a token written now. */
  room(width: number): number {
    return width - (this.#gap >= GAP.line ? this.#indent * 2 : this.#line.length + this.#gap);
  }

  /** Writes the comments that stood before `start`. */
  comments(start: number): void {
    for (; this.#nextComment < this.#comments.length; this.#nextComment++) {
      const comment = this.#comments[this.#nextComment]!;
      if (comment.start >= start) return;
      const between = this.#text.slice(Math.max(0, this.#sourceEnd), comment.start);
      if (this.#line !== "" && !between.includes("\n")) this.#line += ` ${comment.text}`;
      else {
        this.newlineAsBefore(comment.start);
        this.#applyGap();
        this.#line += comment.text;
      }
      this.#sourceEnd = comment.end;
      this.#opened = false;
      this.newline();
      const next = this.#comments[this.#nextComment + 1]?.start ?? Infinity;
      if (next >= start && start !== Infinity && this.#hasBlank(comment.end, start)) this.blank();
    }
  }

  /** Everything written, with the comments that are left. */
  finish(): string {
    this.comments(Infinity);
    if (this.#line !== "") this.#out.push(this.#line);
    return this.#out.length === 0 ? "" : `${this.#out.join("\n")}\n`;
  }

  /** The place of a token behind the last one, past blanks, comments and brackets that the tree dropped; or -1. */
  #locate(token: string): number {
    for (let at = Math.max(0, this.#sourceEnd); at < this.#text.length; at++) {
      if (this.#text.startsWith(token, at)) return at;
      if (this.#text[at] === "#" || this.#text.startsWith("//", at)) {
        const stop = this.#text.indexOf("\n", at);
        if (stop === -1) return -1;
        at = stop;
      } else if (!" \t\r\n(){},".includes(this.#text[at]!)) return -1;
    }
    return -1;
  }

  #applyGap(): void {
    if (this.#gap >= GAP.line && (this.#line !== "" || this.#out.length > 0)) {
      this.#out.push(this.#line);
      if (this.#gap === GAP.blank) this.#out.push("");
      this.#line = "  ".repeat(this.#indent);
    } else if (this.#gap === GAP.space && this.#line !== "") this.#line += " ";
    this.#gap = GAP.none;
  }

  #hasBlank(from: number, to: number): boolean {
    return from >= 0 && to > from && /\n[ \t\r]*\n/.test(this.#text.slice(from, Math.min(to, from + 10_000)));
  }
}
