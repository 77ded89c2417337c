/** A set of names packed into bytes, each with a number: a million hosts in about 40 MB, found whole or by suffix. Not for deletion. */

import { BASIS, type HashedText, MARK, PRIME } from "./hashed-text.ts";

/** Lookups cost one pass over the name, whatever the size; `suffixes` costs one probe per label more. */
export class NameTable {
  #bytes: Uint8Array<ArrayBuffer>;
  /** Where the bytes of a name start; the next name's start is its end. */
  #starts: Uint32Array<ArrayBuffer>;
  /** Open addressing in pairs: number of the name plus one (0 is empty), and its hash. At most three in four are taken. */
  #slots: Int32Array<ArrayBuffer>;
  #packed = 0;

  /** `expected` names need no growing. */
  constructor(expected = 4) {
    this.#bytes = new Uint8Array(expected * 24);
    this.#starts = new Uint32Array(expected + 2);
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(expected * 3 + 4)));
  }

  get size(): number {
    return this.#packed;
  }

  /** The number of the name, new or known. Numbers count from 0 in order of adding. */
  add(name: string): number {
    return this.addSlice(name, 0, name.length);
  }

  /** As `add` for `text[from, to)`. */
  addSlice(text: string, from: number, to: number): number {
    const end = this.#reserve(to - from);
    const bytes = this.#bytes;
    let hash = BASIS;
    for (let i = to - 1, at = end + to - from - 1; i >= from; i--, at--) {
      const code = text.charCodeAt(i);
      if (code > 0x7f || code === MARK) return this.#addPacked(packed(text.slice(from, to)));
      bytes[at] = code;
      hash = Math.imul(hash ^ code, PRIME);
    }
    const known = this.#probeBytes(end, to - from, hash);
    return known >= 0 ? known : this.#insert(end + to - from, hash, ~known);
  }

  /** Adds the ASCII name in `bytes[from, to)`, upper case folded. */
  addBytes(bytes: Uint8Array, from: number, to: number): number {
    const end = this.#reserve(to - from);
    let hash = BASIS;
    for (let i = to - 1, at = end + to - from - 1; i >= from; i--, at--) {
      const code = bytes[i]!;
      const lower = code >= 0x41 && code <= 0x5a ? code + 32 : code;
      this.#bytes[at] = lower;
      hash = Math.imul(hash ^ lower, PRIME);
    }
    const known = this.#probeBytes(end, to - from, hash);
    return known >= 0 ? known : this.#insert(end + to - from, hash, ~known);
  }

  /** The number of the name, or -1. */
  find(name: string): number {
    let hash = BASIS;
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i);
      if (code > 0x7f || code === MARK) return this.#findPacked(packed(name));
      hash = Math.imul(hash ^ code, PRIME);
    }
    return this.#probe(name, 0, hash);
  }

  has(name: string): boolean {
    return this.find(name) !== -1;
  }

  /** Whether the host or a domain above it is in the table. */
  hasDomainOf(host: string): boolean {
    return this.hasParentOf(host) || this.has(host);
  }

  /** Whether a domain above the host is in the table, the host itself left out. Of domains that are not ASCII none is found. */
  hasParentOf(host: string): boolean {
    let hash = BASIS;
    for (let i = host.length - 1; i >= 0; i--) {
      const code = host.charCodeAt(i);
      if (code > 0x7f || code === MARK) return false;
      if (code === DOT && this.#probe(host, i + 1, hash) >= 0) return true;
      hash = Math.imul(hash ^ code, PRIME);
    }
    return false;
  }

  /** As `has`, without another pass over the text. */
  hasText(text: HashedText): boolean {
    return this.findText(text) !== -1;
  }

  /** As `find`, without another pass over the text. */
  findText({ text, hash, plain }: HashedText): number {
    return plain ? this.#probe(text, 0, hash) : this.#findPacked(packed(text));
  }

  /** As `hasDomainOf`, without another pass over the text. */
  hasDomainOfText(host: HashedText): boolean {
    const { text, starts, hashes } = host;
    for (let i = 0; i < host.domains; i++) if (this.#probe(text, starts[i]!, hashes[i]!) >= 0) return true;
    return this.hasText(host);
  }

  /**
   * The numbers of the domains above the host that are in the table, shortest first, written to `out`, which needs a
   * place more than the host has domains. Returns how many; the host's own number or -1 stands behind them.
   */
  suffixes(host: HashedText, out: Int32Array): number {
    const { text, starts, hashes } = host;
    let count = 0;
    for (let i = 0; i < host.domains; i++) {
      const found = this.#probe(text, starts[i]!, hashes[i]!);
      if (found >= 0) out[count++] = found;
    }
    out[count] = this.findText(host);
    return count;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes.length + this.#starts.byteLength + this.#slots.byteLength;
  }

  /** Gives back what growing reserved and was not used. */
  trim(): void {
    this.#bytes = this.#bytes.slice(0, this.#starts[this.#packed]!);
    this.#starts = this.#starts.slice(0, this.#packed + 1);
  }

  #addPacked(name: string): number {
    const known = this.#findPacked(name);
    if (known >= 0) return known;
    const end = this.#reserve(name.length);
    for (let i = 0; i < name.length; i++) this.#bytes[end + i] = name.charCodeAt(i);
    const hash = hashOf(name);
    return this.#insert(end + name.length, hash, freeSlot(this.#slots, hash));
  }

  #findPacked(name: string): number {
    return this.#probe(name, 0, hashOf(name));
  }

  #probe(name: string, from: number, hash: number): number {
    const length = name.length - from;
    const slots = this.#slots;
    const bytes = this.#bytes;
    const mask = slots.length - 2;
    for (let slot = mix(hash) & mask; slots[slot] !== 0; slot = (slot + 2) & mask) {
      if (slots[slot + 1] !== hash) continue;
      const number = slots[slot]! - 1;
      const start = this.#starts[number]!;
      if (this.#starts[number + 1]! - start !== length) continue;
      let i = 0;
      while (i < length && bytes[start + i] === name.charCodeAt(from + i)) i++;
      if (i === length) return number;
    }
    return -1;
  }

  /** The number of the name in `bytes[from, from + length)`, or the complement of the slot where it belongs. */
  #probeBytes(from: number, length: number, hash: number): number {
    const slots = this.#slots;
    const bytes = this.#bytes;
    const mask = slots.length - 2;
    let slot = mix(hash) & mask;
    for (; slots[slot] !== 0; slot = (slot + 2) & mask) {
      if (slots[slot + 1] !== hash) continue;
      const number = slots[slot]! - 1;
      const start = this.#starts[number]!;
      if (this.#starts[number + 1]! - start !== length) continue;
      let i = 0;
      while (i < length && bytes[start + i] === bytes[from + i]) i++;
      if (i === length) return number;
    }
    return ~slot;
  }

  /** Makes room for one more name of `length` bytes, and returns where its bytes go. */
  #reserve(length: number): number {
    const end = this.#starts[this.#packed]!;
    if (end + length > this.#bytes.length)
      this.#bytes = grown(this.#bytes, Math.max(this.#bytes.length * 2, end + length));
    if (this.#packed + 2 > this.#starts.length) {
      const starts = new Uint32Array(this.#starts.length * 2);
      starts.set(this.#starts);
      this.#starts = starts;
    }
    return end;
  }

  #insert(end: number, hash: number, slot: number): number {
    const number = this.#packed++;
    this.#starts[number + 1] = end;
    this.#slots[slot] = number + 1;
    this.#slots[slot + 1] = hash;
    if (this.#packed * 8 > this.#slots.length * 3) this.#grow();
    return number;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    for (let old = 0; old < this.#slots.length; old += 2) {
      if (this.#slots[old] === 0) continue;
      const slot = freeSlot(slots, this.#slots[old + 1]!);
      slots[slot] = this.#slots[old]!;
      slots[slot + 1] = this.#slots[old + 1]!;
    }
    this.#slots = slots;
  }
}

function freeSlot(slots: Int32Array, hash: number): number {
  const mask = slots.length - 2;
  let slot = mix(hash) & mask;
  while (slots[slot] !== 0) slot = (slot + 2) & mask;
  return slot;
}

const DOT = 0x2e;

function hashOf(name: string): number {
  let hash = BASIS;
  for (let i = name.length - 1; i >= 0; i--) hash = Math.imul(hash ^ name.charCodeAt(i), PRIME);
  return hash;
}

/** Names that are not ASCII are rare and never hosts: they are kept as the hex of their UTF-16 units. */
function packed(name: string): string {
  let hex = String.fromCharCode(MARK);
  for (let i = 0; i < name.length; i++) hex += name.charCodeAt(i).toString(16).padStart(4, "0");
  return hex;
}

const mix = (hash: number): number => (hash ^ (hash >>> 15)) << 1;

function grown(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length);
  larger.set(bytes);
  return larger;
}
