/** Records of CSV (RFC 4180), read from bytes one after the other: a million of them make no text that nobody asks for. */

const QUOTE = 0x22;
const CR = 0x0d;
const LF = 0x0a;

export class CsvError extends Error {
  /** Counted from 1. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/**
 * Fields of the record that `next` read. A field that begins with a quote ends with one, and two in it are one; elsewhere
 * a quote is a mistake. Lines end with CRLF or LF, the last one also with the file; empty lines are no records.
 */
export class CsvReader {
  /** Where the next record begins. */
  at: number;
  /** Where the record began that was read last. */
  start = 0;
  /** Fields of that record. */
  count = 0;
  readonly #bytes: Uint8Array;
  readonly #delimiter: number;
  #starts = new Uint32Array(16);
  #ends = new Uint32Array(16);
  /** 1 for a field in which two quotes stand for one. */
  #doubled = new Uint8Array(16);

  /** `delimiter` is an ASCII code; `from` is where a record begins. A byte order mark at the beginning is passed over. */
  constructor(bytes: Uint8Array, delimiter = 0x2c, from = 0) {
    this.#bytes = bytes;
    this.#delimiter = delimiter;
    const marked = from === 0 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
    this.at = marked ? 3 : from;
  }

  /** Reads a record; false behind the last one. Throws `CsvError`. */
  next(): boolean {
    const bytes = this.#bytes;
    let at = this.at;
    while (at < bytes.length && (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF))) at++;
    this.start = at;
    this.count = 0;
    if (at >= bytes.length) {
      this.at = at;
      return false;
    }
    for (;;) {
      at = bytes[at] === QUOTE ? this.#quoted(at) : this.#plain(at);
      if (bytes[at] !== this.#delimiter) break;
      at++;
    }
    this.at = bytes[at] === CR ? at + 2 : at + 1;
    return true;
  }

  /** The field's place in the bytes, and whether they are not its text as they stand. */
  bounds(field: number): { from: number; to: number; doubled: boolean } {
    return { from: this.#starts[field]!, to: this.#ends[field]!, doubled: this.#doubled[field] === 1 };
  }

  /** The field's text. What is not UTF-8 becomes replacement characters, which match nothing. */
  text(field: number): string {
    const { from, to, doubled } = this.bounds(field);
    const text = Buffer.prototype.toString.call(this.#bytes, "utf8", from, to);
    return doubled ? text.replaceAll('""', '"') : text;
  }

  /** A mistake in the record that was read last. */
  refuse(message: string, at = this.start): CsvError {
    let line = 1;
    for (let i = 0; i < at; i++) if (this.#bytes[i] === LF) line++;
    return new CsvError(line, message);
  }

  /** Both answer where the field ended: at a delimiter, a line's end or the end of all. */
  #plain(from: number): number {
    const bytes = this.#bytes;
    const delimiter = this.#delimiter;
    let at = from;
    for (; at < bytes.length; at++) {
      const code = bytes[at]!;
      if (code === delimiter || code === LF || (code === CR && bytes[at + 1] === LF)) break;
      if (code === QUOTE) throw this.refuse("a quote stands in a cell that does not begin with one", at);
    }
    this.#push(from, at, 0);
    return at;
  }

  #quoted(from: number): number {
    const bytes = this.#bytes;
    let doubled = 0;
    let at = from + 1;
    for (;;) {
      at = bytes.indexOf(QUOTE, at);
      if (at === -1) throw this.refuse("a quoted cell does not end", from);
      if (bytes[at + 1] !== QUOTE) break;
      doubled = 1;
      at += 2;
    }
    this.#push(from + 1, at, doubled);
    const code = bytes[++at];
    if (at < bytes.length && code !== this.#delimiter && code !== LF && !(code === CR && bytes[at + 1] === LF)) {
      throw this.refuse("there is more behind the closing quote of a cell", at);
    }
    return at;
  }

  #push(from: number, to: number, doubled: number): void {
    if (this.count === this.#starts.length) this.#grow();
    this.#starts[this.count] = from;
    this.#ends[this.count] = to;
    this.#doubled[this.count] = doubled;
    this.count++;
  }

  #grow(): void {
    const [starts, ends, doubled] = [this.#starts, this.#ends, this.#doubled];
    this.#starts = new Uint32Array(starts.length * 2);
    this.#ends = new Uint32Array(starts.length * 2);
    this.#doubled = new Uint8Array(starts.length * 2);
    this.#starts.set(starts);
    this.#ends.set(ends);
    this.#doubled.set(doubled);
  }
}
