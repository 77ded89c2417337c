/** A strict reader of DER (X.690 section 10): elements as views on the bytes, in order, each within its parent. Knows no structure of anything. */

/** What is wrong with the bytes. Codecs that read with `DerReader` catch it and return a value; it never leaves this folder. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** Tags of the universal class that certificates use; SEQUENCE and SET are constructed. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Tag of a context-specific element (`[n]`), primitive or constructed. */
export const contextTag = (number: number, constructed: boolean): number => (constructed ? 0xa0 : 0x80) | number;

/** One element: `from` is its first byte, `start` the first of its content, `end` the one behind it, all in `bytes`. */
export interface Element {
  readonly bytes: Uint8Array;
  readonly tag: number;
  readonly from: number;
  readonly start: number;
  readonly end: number;
}

/** Content without the header; a view. */
export const contentOf = ({ bytes, start, end }: Element): Uint8Array => bytes.subarray(start, end);

/** The element with its header; a view. */
export const wholeOf = ({ bytes, from, end }: Element): Uint8Array => bytes.subarray(from, end);

/** Reads elements one after the other between two positions. Every method throws `DerError` where the bytes are not that. */
export class DerReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The elements within one that was read. */
  static within(element: Element): DerReader {
    return new DerReader(element.bytes, element.start, element.end);
  }

  get done(): boolean {
    return this.#at === this.#end;
  }

  /** The next element, whatever it is. */
  next(): Element {
    const bytes = this.#bytes;
    const from = this.#at;
    if (this.#end - from < 2) throw new DerError("an element is missing or cut off");
    const tag = bytes[from]!;
    // Numbers above 30 take more bytes (X.690 section 8.1.2.4); nothing that is read here has one.
    if ((tag & 0x1f) === 0x1f) throw new DerError("a tag number is too large");
    let start = from + 2;
    let length = bytes[from + 1]!;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0) throw new DerError("a length is indefinite"); // X.690 section 10.1
      if (count > 4) throw new DerError("a length is too large");
      if (this.#end - start < count) throw new DerError("an element is cut off");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[start++]!;
      if (length < 0x80 || length < 2 ** (8 * (count - 1))) throw new DerError("a length is longer than it must be");
    }
    if (length > this.#end - start) throw new DerError("an element is longer than what holds it");
    this.#at = start + length;
    return { bytes, tag, from, start, end: start + length };
  }

  /** The next element, which must have that tag. */
  read(tag: number): Element {
    if (!this.#isNext(tag)) throw new DerError(this.done ? "an element is missing" : "an element has another type");
    return this.next();
  }

  /** The next element if it has that tag; otherwise nothing is read. */
  readIf(tag: number): Element | undefined {
    return this.#isNext(tag) ? this.next() : undefined;
  }

  /** A reader within the next element, which must have that tag. */
  enter(tag: number): DerReader {
    return DerReader.within(this.read(tag));
  }

  /** There must be nothing left. */
  finish(): void {
    if (!this.done) throw new DerError("there is more than there should be");
  }

  #isNext(tag: number): boolean {
    return this.#at < this.#end && this.#bytes[this.#at] === tag;
  }
}

/** BOOLEAN: 00 or FF (X.690 section 11.1). */
export function booleanOf(element: Element): boolean {
  const value = element.bytes[element.start];
  if (element.end - element.start !== 1 || (value !== 0 && value !== 0xff))
    throw new DerError("a boolean is malformed");
  return value === 0xff;
}

/** Content of an INTEGER, big-endian two's complement, checked to be minimal (X.690 section 8.3.2). */
export function integerBytes(element: Element): Uint8Array {
  const content = contentOf(element);
  const [first, second] = content;
  if (first === undefined) throw new DerError("an integer is empty");
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
    throw new DerError("an integer is longer than it must be");
  return content;
}

/** A non-negative INTEGER below 2^31. */
export function smallInteger(element: Element): number {
  const content = integerBytes(element);
  if (content.length > 4 || content[0]! >= 0x80) throw new DerError("an integer is out of range");
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

/** An object identifier as dotted decimals (X.690 section 8.19). Numbers above 2^53 are refused. */
export function oidText(element: Element): string {
  const { bytes, start, end } = element;
  if (start === end || bytes[end - 1]! >= 0x80) throw new DerError("an object identifier is cut off");
  let text = "";
  let value = 0;
  for (let at = start, first = true; at < end; at++) {
    const byte = bytes[at]!;
    if (value === 0 && byte === 0x80) throw new DerError("an object identifier is longer than it must be");
    value = value * 128 + (byte & 0x7f);
    if (value > Number.MAX_SAFE_INTEGER) throw new DerError("an object identifier is too large");
    if (byte >= 0x80) continue;
    if (first) {
      const root = Math.min(Math.floor(value / 40), 2);
      text = `${root}.${value - 40 * root}`;
    } else text += `.${value}`;
    first = false;
    value = 0;
  }
  return text;
}

/** A BIT STRING's bytes, most significant bit first; the unused bits at the end must be zero (X.690 section 11.2.1). */
export function bitStringBytes(element: Element): { bytes: Uint8Array; unused: number } {
  const content = contentOf(element);
  const unused = content[0];
  const last = content.at(-1)!;
  if (unused === undefined || unused > 7 || (unused > 0 && content.length === 1))
    throw new DerError("a bit string is malformed");
  if ((last & ((1 << unused) - 1)) !== 0 && content.length > 1) throw new DerError("a bit string has stray bits");
  return { bytes: content.subarray(1), unused };
}
