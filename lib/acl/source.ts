/** A policy file's text and where an offset stands in it. Not reading it. */

interface Position {
  /** Both from 1; the column counts code points. */
  readonly line: number;
  readonly column: number;
}

export class Source {
  readonly name: string;
  readonly text: string;
  #starts: number[] | undefined;
  #last = { at: 0, column: 1 };

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** O(log lines) after the first call, which reads the text once; columns are counted on from the last call's. */
  position(offset: number): Position {
    const line = this.#lineAt(offset);
    const start = this.#lineStarts()[line - 1]!;
    let { at, column } = this.#last;
    if (at < start || at > offset) [at, column] = [start, 1];
    for (; at < offset; at++) {
      const code = this.text.charCodeAt(at);
      if (code < 0xdc00 || code > 0xdfff) column++; // a low surrogate belongs to the point before it
    }
    this.#last = { at, column };
    return { line, column };
  }

  /** A piece of the line around an offset: at most `before` units in front of it and `after` behind. */
  excerpt(
    offset: number,
    before: number,
    after: number,
  ): { text: string; lead: number; cutBefore: boolean; cutAfter: boolean } {
    const line = this.#lineAt(offset);
    const start = this.#lineStarts()[line - 1]!;
    const next = this.#lineStarts()[line] ?? this.text.length + 1;
    const end = this.text.charCodeAt(next - 2) === 0x0d ? next - 2 : next - 1;
    const from = offset - start > before ? offset - before : start;
    const to = Math.max(offset, Math.min(end, offset + after));
    return { text: this.text.slice(from, to), lead: offset - from, cutBefore: from > start, cutAfter: to < end };
  }

  #lineAt(offset: number): number {
    const starts = this.#lineStarts();
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  }

  #lineStarts(): number[] {
    if (this.#starts !== undefined) return this.#starts;
    const starts = [0];
    for (let at = this.text.indexOf("\n"); at !== -1; at = this.text.indexOf("\n", at + 1)) starts.push(at + 1);
    return (this.#starts = starts);
  }
}

/** Every file of a loaded policy by its name. */
export type Sources = ReadonlyMap<string, Source>;
