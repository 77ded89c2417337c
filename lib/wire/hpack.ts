/** Header compression of HTTP/2 (RFC 7541): decodes field blocks strictly; encodes without a dynamic table and without Huffman. */
import { decodeHuffman } from "./hpack-huffman.ts";
import { STATIC_TABLE, type HeaderField } from "./hpack-static.ts";

export type { HeaderField } from "./hpack-static.ts";

/** Bytes that an entry of the dynamic table, or of a header list, counts beyond its text (section 4.1; RFC 9113 section 6.5.2). */
const OVERHEAD = 32;
/** SETTINGS_HEADER_TABLE_SIZE, which we leave as it is. */
const TABLE_SIZE = 4096;
/** A number that long is an attack: a table has 4096 bytes, a block little more. */
const MOST_NUMBER = 2 ** 24;

/** A block that does not follow the format: nothing on the connection can be understood any more. */
export class HpackError extends Error {}

interface DecodedFields {
  fields: HeaderField[];
  /** The list is larger than was asked for; `fields` is what came before. The table is as it should be all the same. */
  tooLarge: boolean;
}

/** One direction of one connection: blocks must be given whole, and in their order. */
export class HpackDecoder {
  /** The newest entry is the last. */
  #entries: HeaderField[] = [];
  #size = 0;
  #mostSize = TABLE_SIZE;
  #bytes!: Uint8Array;
  #at = 0;

  /** `most` bounds the size of the list, counted as in RFC 9113 section 6.5.2. Throws `HpackError`. */
  decode(block: Uint8Array, most: number): DecodedFields {
    this.#bytes = block;
    this.#at = 0;
    const fields: HeaderField[] = [];
    let size = 0;
    let mayResize = true;
    while (this.#at < block.length) {
      const first = block[this.#at]!;
      if ((first & 0xe0) === 0x20) {
        if (!mayResize) throw new HpackError("a change of the table's size within a block");
        this.#resize(this.#number(5));
        continue;
      }
      mayResize = false;
      const field = this.#field(first);
      size += field[0].length + field[1].length + OVERHEAD;
      if (size <= most) fields.push(field);
    }
    return { fields, tooLarge: size > most };
  }

  #field(first: number): HeaderField {
    if (first >= 0x80) return this.#entry(this.#number(7));
    const indexing = first >= 0x40;
    const index = this.#number(indexing ? 6 : 4);
    const name = index === 0 ? this.#string() : this.#entry(index)[0];
    const field: HeaderField = [name, this.#string()];
    if (indexing) this.#add(field);
    return field;
  }

  #entry(index: number): HeaderField {
    const entry =
      index <= STATIC_TABLE.length
        ? STATIC_TABLE[index - 1]
        : this.#entries[this.#entries.length - (index - STATIC_TABLE.length)];
    if (entry === undefined) throw new HpackError(`no entry has the index ${index}`);
    return entry;
  }

  #add(field: HeaderField): void {
    const size = field[0].length + field[1].length + OVERHEAD;
    this.#evict(this.#mostSize - size);
    // One that is larger than the table leaves it empty (section 4.4).
    if (size > this.#mostSize) return;
    this.#entries.push(field);
    this.#size += size;
  }

  #resize(size: number): void {
    if (size > TABLE_SIZE) throw new HpackError("a table larger than was allowed");
    this.#mostSize = size;
    this.#evict(size);
  }

  /** Until no more than `most` bytes are left, the oldest first. */
  #evict(most: number): void {
    let gone = 0;
    while (this.#size > most && gone < this.#entries.length) {
      const [name, value] = this.#entries[gone++]!;
      this.#size -= name.length + value.length + OVERHEAD;
    }
    if (gone > 0) this.#entries.splice(0, gone);
  }

  /** Section 5.1. */
  #number(bits: number): number {
    const mask = 2 ** bits - 1;
    let value = this.#byte() & mask;
    if (value < mask) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (value > MOST_NUMBER || factor > MOST_NUMBER) throw new HpackError("a number that is too large");
      if (byte < 0x80) return value;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new HpackError("the block ends within a field");
    return byte;
  }

  #string(): string {
    const coded = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#number(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#bytes.length) throw new HpackError("the block ends within a string");
    this.#at = to;
    if (!coded) return Buffer.prototype.latin1Slice.call(this.#bytes, from, to);
    const text = decodeHuffman(this.#bytes, from, to);
    if (text === undefined) throw new HpackError("a string that is not Huffman code");
    return text;
  }
}

/** Where a name is first in the static table, and where name and value are. */
const BY_NAME = new Map<string, number>();
const BY_FIELD = new Map<string, number>();
STATIC_TABLE.forEach(([name, value], at) => {
  if (!BY_NAME.has(name)) BY_NAME.set(name, at + 1);
  BY_FIELD.set(`${name}\0${value}`, at + 1);
});

/** A block that puts nothing into the peer's table. Names are lower case; a character is a byte. */
export function encodeFields(fields: readonly HeaderField[]): Uint8Array {
  const parts = fields.map(([name, value]) => {
    const whole = BY_FIELD.get(`${name}\0${value}`);
    if (whole !== undefined) return encodeNumber(whole, 7, 0x80);
    const known = BY_NAME.get(name);
    const head = known === undefined ? [Uint8Array.of(0), encodeString(name)] : [encodeNumber(known, 4, 0)];
    return Buffer.concat([...head, encodeString(value)]);
  });
  return Buffer.concat(parts);
}

function encodeString(text: string): Uint8Array {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([encodeNumber(bytes.length, 7, 0), bytes]);
}

function encodeNumber(value: number, bits: number, pattern: number): Uint8Array {
  const mask = 2 ** bits - 1;
  if (value < mask) return Uint8Array.of(pattern | value);
  const bytes = [pattern | mask];
  let rest = value - mask;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}
