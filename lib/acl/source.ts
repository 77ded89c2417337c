/** A policy file's text and where an offset stands in it. Not reading it. */

export interface Position {
  /** Both from 1; the column counts code points. */
  readonly line: number;
  readonly column: number;
}

export class Source {
  readonly name: string;
  readonly text: string;
  #starts: number[] | undefined;

  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
  }

  /** O(log lines) after the first call, which reads the text once. */
  position(offset: number): Position {
    const line = this.#lineAt(offset);
    const before = this.text.slice(this.#lineStarts()[line - 1]!, offset);
    return { line, column: [...before].length + 1 };
  }

  /** The text of a line (from 1) without its end. */
  line(number: number): string {
    const starts = this.#lineStarts();
    const text = this.text.slice(starts[number - 1] ?? this.text.length, starts[number] ?? this.text.length);
    return text.replace(/\r?\n$/, "");
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
