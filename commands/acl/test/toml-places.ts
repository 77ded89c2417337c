/** Where in the text of a cases file its keys stand; the parser tells positions of syntax errors only. Not a parser. */
import type { Span } from "../../../lib/acl/diagnostic.ts";
import { type KeyPath, lineOf } from "../../../lib/command/toml-line.ts";

/** Tests, cases and rows are found by one look over the lines; other keys, of which only errors ask, by parsing again. */
export class TomlPlaces {
  readonly #text: string;
  readonly #lines: string[];
  readonly #starts: number[] = [];
  /** Lines, from 0, by a path's keys. */
  readonly #known = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
    this.#lines = text.split("\n");
    let start = 0;
    for (const line of this.#lines) {
      this.#starts.push(start);
      start += line.length + 1;
    }
    this.#scan();
  }

  /** The place of a key or an item, worked out when it is read. */
  of(path: KeyPath): TomlSpan {
    return new TomlSpan(() => this.#find(path));
  }

  /** Tables of one kind are counted as they are opened, and a row is a line inside `rows`. */
  #scan(): void {
    let test = -1;
    let cases = 0;
    let rows = -1;
    for (const [i, line] of this.#lines.entries()) {
      if (/^\s*\[\[\s*test\s*\]\]/.test(line)) {
        this.#known.set(`test,${++test}`, i);
        cases = 0;
        rows = -1;
      } else if (/^\s*\[\[\s*test\s*\.\s*case\s*\]\]/.test(line)) {
        this.#known.set(`test,${test},case,${cases++}`, i);
        rows = -1;
      } else if (/^\s*rows\s*=\s*\[\s*(?:#.*)?$/.test(line)) rows = 0;
      else if (rows >= 0 && /^\s*\[/.test(line)) this.#known.set(`test,${test},rows,${rows++}`, i);
      else if (rows >= 0 && /^\s*\]/.test(line)) rows = -1;
    }
  }

  #find(path: KeyPath): Span {
    const isRow = path[2] === "rows";
    const row = isRow ? this.#known.get(path.slice(0, 4).join()) : undefined;
    const line = this.#known.get(path.join()) ?? row ?? lineOf(this.#text, isRow ? path.slice(0, 3) : path) - 1;
    const text = this.#lines[line]!;
    const key = path.findLast((key) => typeof key === "string") ?? "";
    const at = text.indexOf(key);
    const indent = text.length - text.trimStart().length;
    const start = this.#starts[line]!;
    if (this.#known.has(path.join()) || at === -1)
      return { start: start + indent, end: start + Math.max(indent + 1, text.trimEnd().length) };
    return { start: start + at, end: start + at + key.length };
  }
}

/** A span that is looked for when somebody asks: of the keys of a good file, nobody does. */
class TomlSpan implements Span {
  readonly #find: () => Span;
  #found: Span | undefined;

  constructor(find: () => Span) {
    this.#find = find;
  }

  get start(): number {
    return this.#span.start;
  }

  get end(): number {
    return this.#span.end;
  }

  get #span(): Span {
    return (this.#found ??= this.#find());
  }
}
