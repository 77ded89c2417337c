/** Finds clauses by the value of one fact: which keys its value has in the table of all facts. It evaluates nothing. */
import type { Ip } from "../../wire/ip.ts";
import { type FactName, lookupFact } from "../facts.ts";
import type { AddressSet, NameSet } from "../sets.ts";
import type { PostingTable } from "../tables/posting-table.ts";
import { PrefixTable } from "../tables/prefix-table.ts";
import type { Key } from "./key.ts";
import type { Lanes } from "./lanes.ts";
import { ADDRESS, AWAITED, BOOLEAN, DOMAINS, HASH, LIST, NAME, NUMBER, type Request, TEXT, VALUE } from "./request.ts";

export class FactIndex {
  readonly #fact: FactName;
  readonly #slot: number;
  readonly #kind: number;
  readonly #request: Request;
  readonly #postings: PostingTable;
  readonly #networks = new PrefixTable();
  readonly #nameSets: { readonly set: NameSet; readonly under: boolean; readonly clause: Int32Array }[] = [];
  readonly #addressSets: { readonly set: AddressSet; readonly clause: Int32Array }[] = [];
  /** What tells the keys of this fact from those of others, and the domains that a text is below from texts themselves. */
  readonly #salt: number;
  readonly #saltBelow: number;
  readonly #every: number[] = [];
  #everyClause = new Int32Array();

  constructor(fact: FactName, request: Request, postings: PostingTable) {
    this.#fact = fact;
    this.#slot = request.slot(fact, VALUE);
    this.#kind = kindOf(fact);
    this.#request = request;
    this.#postings = postings;
    this.#salt = Math.imul(2 * this.#slot + 1, SALT);
    this.#saltBelow = Math.imul(2 * this.#slot + 2, SALT);
  }

  /** Clauses come in ascending order. */
  add(key: Key, clause: number): void {
    if (this.#every.at(-1) !== clause) this.#every.push(clause);
    switch (key.kind) {
      case "names":
        for (const name of key.whole) this.#addName(name, this.#salt, NAME, clause);
        for (const name of key.below) this.#addName(name, this.#saltBelow, NAME | DOMAINS, clause);
        break;
      case "holds":
        this.#addName(key.value, this.#salt, NAME, clause);
        break;
      case "values":
        for (const value of key.values) this.#postings.add(Number(value) ^ this.#salt, clause);
        break;
      case "networks":
        for (const one of key.networks) this.#postings.add(this.#networks.add(one) ^ this.#salt, clause);
        break;
      case "set":
        this.#request.slot(this.#fact, HASH);
        this.#nameSets.push({ set: key.set, under: key.under, clause: Int32Array.of(clause) });
        break;
      case "address-set":
        this.#addressSets.push({ set: key.set, clause: Int32Array.of(clause) });
    }
  }

  finish(): void {
    this.#everyClause = Int32Array.from(this.#every);
  }

  /** Every clause for which one of its keys fits the fact's value, and perhaps more; all of them for a value to come. */
  collect(lanes: Lanes): void {
    const kind = this.#request.kinds[this.#slot]!;
    if (kind === AWAITED) lanes.add(this.#everyClause, 0, this.#everyClause.length);
    else if (kind !== this.#kind) return;
    else if (kind === TEXT) this.#collectText(lanes);
    else if (kind === ADDRESS) this.#collectAddress(lanes);
    else if (kind === LIST) this.#collectOthers(this.#salt, lanes);
    else this.#collectKey(Number(this.#request.values[this.#slot]) ^ this.#salt, lanes);
  }

  #collectText(lanes: Lanes): void {
    const own = this.#request.own[this.#slot]!;
    if (own >= 0) this.#collectKey(own ^ this.#salt, lanes);
    this.#collectOthers(this.#saltBelow, lanes);
    for (let i = 0; i < this.#nameSets.length; i++) {
      const text = this.#request.texts[this.#slot]!;
      const { set, under, clause } = this.#nameSets[i]!;
      if (under ? set.table.hasDomainOfText(text) : set.table.hasText(text)) lanes.add(clause, 0, 1);
    }
  }

  #collectOthers(salt: number, lanes: Lanes): void {
    const others = this.#request.others[this.#slot]!;
    for (let i = this.#request.counts[this.#slot]! - 1; i >= 0; i--) this.#collectKey(others[i]! ^ salt, lanes);
  }

  #collectAddress(lanes: Lanes): void {
    const ip = this.#request.values[this.#slot] as Ip;
    const count = this.#networks.holders(ip, found);
    for (let i = 0; i < count; i++) this.#collectKey(found[i]! ^ this.#salt, lanes);
    for (let i = 0; i < this.#addressSets.length; i++) {
      const { set, clause } = this.#addressSets[i]!;
      if (set.table.has(ip)) lanes.add(clause, 0, 1);
    }
  }

  #addName(name: string, salt: number, asked: number, clause: number): void {
    this.#request.slot(this.#fact, asked);
    this.#postings.add(this.#request.names.add(name) ^ salt, clause);
  }

  #collectKey(key: number, lanes: Lanes): void {
    const postings = this.#postings;
    if (postings.find(key)) lanes.add(postings.clauses, postings.from, postings.to);
  }
}

/** The golden ratio: neighbouring multiples differ in many bits. */
const SALT = 0x9e37_79b9;

/** Where a lookup puts what it finds: an address has at most 129 prefixes. */
const found = new Int32Array(129);

/** The kind of value that the clauses found by a fact ask for; facts of any type find none. */
export function kindOf(fact: FactName): number {
  const type = lookupFact(fact)?.spec.type ?? "any";
  if (type === "string" || type === "host") return TEXT;
  if (type === "number" || type === "instant") return NUMBER;
  if (type === "boolean") return BOOLEAN;
  return type === "strings" ? LIST : type === "address" ? ADDRESS : -1;
}
