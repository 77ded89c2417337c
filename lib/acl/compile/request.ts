/** The facts of the request under decision, each read once into a numbered place, and its texts looked up once among those that policies name. It judges nothing. */
import { FALSE, factOf, PENDING, TRUE, Trouble } from "../evaluate.ts";
import type { FactName, Facts, FactValue } from "../facts.ts";
import { HashedText } from "../tables/hashed-text.ts";
import { NameTable } from "../tables/name-table.ts";

/** What sort of value a fact has, as a number: ABSENT is none, AWAITED one that will be known later. */
const ABSENT = 0;
export const AWAITED = 1;
export const TEXT = 2;
export const NUMBER = 3;
export const BOOLEAN = 4;
export const LIST = 5;
export const ADDRESS = 6;

/** What is asked of a fact, as bits: its value; its hash; its number or those of its items; those of the domains above it. */
export const VALUE = 0;
export const HASH = 1;
export const NAME = 2;
export const DOMAINS = 4;

/** One per policy set, reused. Nothing is allocated but for texts and lists longer than any before. */
export class Request {
  readonly values: (FactValue | undefined)[] = [];
  kinds = new Uint8Array(16);
  /** Where HASH was asked for: the text's hashes. */
  readonly texts: HashedText[] = [];
  /** The texts that policies compare with, of all facts. */
  readonly names = new NameTable();
  /** Where NAME was asked for: the text's number in `names`, or -1. */
  own = new Int32Array(16);
  /** Likewise the numbers of those of a list's items that have one; where DOMAINS was asked for, of the domains above the text. */
  readonly others: Int32Array[] = [];
  /** How many these are. */
  counts = new Int32Array(16);
  readonly trouble = new Trouble();
  facts: Facts = {};
  pending = false;
  readonly #facts: FactName[] = [];
  readonly #asked: number[] = [];

  /** The place of a fact, for compiling. What is new is filled for the request at hand too. */
  slot(fact: FactName, asked: number): number {
    let slot = this.#facts.indexOf(fact);
    if (slot === -1) {
      slot = this.#facts.push(fact) - 1;
      if (slot === this.kinds.length) this.#grow();
      this.values.push(undefined);
      this.texts.push(new HashedText());
      this.others.push(new Int32Array(16));
      this.#asked.push(VALUE);
      this.#fill(slot);
    }
    if ((this.#asked[slot]! | asked) !== this.#asked[slot]) {
      this.#asked[slot]! |= asked;
      this.#fill(slot);
    }
    return slot;
  }

  begin(facts: Facts, pending: boolean): void {
    this.facts = facts;
    this.pending = pending;
    this.refresh();
  }

  /** To be called when `names` has grown. */
  refresh(): void {
    for (let slot = 0; slot < this.#facts.length; slot++) this.#fill(slot);
  }

  /** How a comparison ends whose fact has no value of the right type. */
  exception(slot: number): number {
    const fact = this.#facts[slot]!;
    const kind = this.kinds[slot];
    if (kind === ABSENT) return this.trouble.missing(fact);
    return kind === AWAITED ? TRUE | FALSE : this.trouble.mistyped(fact);
  }

  #fill(slot: number): void {
    const fact = this.#facts[slot]!;
    const value = factOf(this.facts, fact);
    this.values[slot] = value;
    if (value === undefined) this.kinds[slot] = this.pending && fact === PENDING ? AWAITED : ABSENT;
    else if (typeof value === "string") {
      this.kinds[slot] = TEXT;
      if (this.#asked[slot]! !== VALUE) this.#readText(slot, value);
    } else if (typeof value === "number") this.kinds[slot] = NUMBER;
    else if (typeof value === "boolean") this.kinds[slot] = BOOLEAN;
    else if (Array.isArray(value)) {
      this.kinds[slot] = LIST;
      if (this.#asked[slot]! !== VALUE) this.#readList(slot, value);
    } else this.kinds[slot] = ADDRESS;
  }

  #readText(slot: number, value: string): void {
    const asked = this.#asked[slot]!;
    const text = this.texts[slot]!.read(value);
    if ((asked & DOMAINS) !== 0) {
      if (text.domains >= this.others[slot]!.length) this.others[slot] = new Int32Array(text.domains * 2);
      const others = this.others[slot]!;
      const count = this.names.suffixes(text, others);
      this.counts[slot] = count;
      this.own[slot] = others[count]!;
    } else {
      this.counts[slot] = 0;
      this.own[slot] = (asked & NAME) === 0 ? -1 : this.names.findText(text);
    }
  }

  #readList(slot: number, items: readonly string[]): void {
    if (items.length > this.others[slot]!.length) this.others[slot] = new Int32Array(items.length * 2);
    const others = this.others[slot]!;
    let count = 0;
    for (let i = 0; i < items.length; i++) {
      const number = this.names.find(items[i]!);
      if (number >= 0) others[count++] = number;
    }
    this.counts[slot] = count;
  }

  #grow(): void {
    const { kinds, own, counts } = this;
    this.kinds = new Uint8Array(kinds.length * 2);
    this.own = new Int32Array(own.length * 2);
    this.counts = new Int32Array(counts.length * 2);
    this.kinds.set(kinds);
    this.own.set(own);
    this.counts.set(counts);
  }
}
