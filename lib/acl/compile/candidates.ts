/** Which clauses may hold for a request, found by its facts and walked in the order of the file. Whether they hold is evaluate.ts's. */
import type { Ip } from "../../wire/ip.ts";
import { PENDING } from "../evaluate.ts";
import { type FactName, type FactType, type FactValue, lookupFact } from "../facts.ts";
import { NameTable } from "../tables/name-table.ts";
import { PrefixTable } from "../tables/prefix-table.ts";
import type { AddressSet, NameSet } from "../sets.ts";
import { Choice } from "./choice.ts";
import type { Key } from "./key.ts";
import { Lanes } from "./lanes.ts";
import { ListBuilder, type Lists } from "./lists.ts";
import type { Request } from "./matcher.ts";
import type { CompiledClause } from "./normalise.ts";

/**
 * `begin`, then `next` until it is negative. Between the two nothing else may use the object; nothing is allocated.
 * A clause that is left out is false for these facts, and meets no trouble.
 */
export class Candidates {
  readonly #indices = new Map<FactName, FactIndex>();
  /** For each fact, the clauses that must be evaluated when it is missing. */
  readonly #whenMissing: { readonly slot: number; readonly type: FactType; readonly clauses: Int32Array }[] = [];
  readonly #always: Int32Array;
  readonly #all: FactIndex[];
  readonly #lanes = new Lanes();
  readonly #request: Request;
  readonly #pendingSlot: number;

  constructor(clauses: readonly CompiledClause[], request: Request) {
    this.#request = request;
    this.#pendingSlot = request.slot(PENDING);
    const always: number[] = [];
    const missing = new Map<FactName, number[]>();
    const choice = new Choice(clauses);
    for (const [clause, condition] of clauses.entries()) {
      const access = choice.best(condition);
      if (access === undefined) always.push(clause);
      for (const fact of access?.reads ?? []) {
        const list = missing.get(fact);
        if (list === undefined) missing.set(fact, [clause]);
        else list.push(clause);
      }
      for (const key of access?.keys ?? []) this.#index(key.fact).add(key, clause);
    }
    this.#always = Int32Array.from(always);
    for (const [fact, list] of missing)
      this.#whenMissing.push({ slot: request.slot(fact), type: typeOf(fact), clauses: Int32Array.from(list) });
    this.#all = [...this.#indices.values()];
    for (const index of this.#all) index.finish();
  }

  /** For the facts that the request holds by now. */
  begin(): void {
    const lanes = this.#lanes;
    const { values, pending } = this.#request;
    lanes.reset();
    lanes.add(this.#always, 0, this.#always.length);
    for (let i = 0; i < this.#whenMissing.length; i++) {
      const { slot, type, clauses } = this.#whenMissing[i]!;
      const value = values[slot];
      const known = value === undefined ? pending && slot === this.#pendingSlot : isOfType(value, type);
      if (!known) lanes.add(clauses, 0, clauses.length);
    }
    for (let i = 0; i < this.#all.length; i++) {
      const index = this.#all[i]!;
      const value = values[index.slot];
      if (value === undefined) {
        if (pending && index.slot === this.#pendingSlot) lanes.add(index.everyClause, 0, index.everyClause.length);
      } else if (isOfType(value, index.type)) index.collect(value, lanes, this.#request);
    }
  }

  /** The next clause in ascending order, each once, or -1. */
  next(): number {
    return this.#lanes.next();
  }

  #index(fact: FactName): FactIndex {
    let index = this.#indices.get(fact);
    if (index === undefined) this.#indices.set(fact, (index = new FactIndex(fact, this.#request.slot(fact))));
    return index;
  }
}

/** Finds clauses by the value of one fact. */
class FactIndex {
  readonly type: FactType;
  everyClause = new Int32Array();
  readonly #every: number[] = [];
  readonly #names = new NameTable();
  readonly #networks = new PrefixTable();
  readonly #values = new Map<FactValue, number>();
  readonly #builders = {
    whole: new ListBuilder(),
    below: new ListBuilder(),
    networks: new ListBuilder(),
    values: new ListBuilder(),
  };
  readonly #sets: { readonly set: NameSet; readonly under: boolean; readonly clause: Int32Array }[] = [];
  readonly #addressSets: { readonly set: AddressSet; readonly clause: Int32Array }[] = [];
  #whole!: Lists;
  #below!: Lists;
  #byNetwork!: Lists;
  #byValue!: Lists;
  #suffixes = false;

  constructor(
    fact: FactName,
    readonly slot: number,
  ) {
    this.type = typeOf(fact);
  }

  add(key: Key, clause: number): void {
    if (this.#every.at(-1) !== clause) this.#every.push(clause);
    const { whole, below, networks, values } = this.#builders;
    if (key.kind === "names") {
      for (const name of key.whole) whole.add(this.#names.add(name), clause);
      for (const name of key.below) below.add(this.#names.add(name), clause);
      this.#suffixes ||= key.below.length > 0;
    } else if (key.kind === "set") this.#sets.push({ set: key.set, under: key.under, clause: Int32Array.of(clause) });
    else if (key.kind === "address-set") this.#addressSets.push({ set: key.set, clause: Int32Array.of(clause) });
    else if (key.kind === "networks")
      for (const network of key.networks) networks.add(this.#networks.add(network), clause);
    else for (const value of key.kind === "holds" ? [key.value] : key.values) values.add(this.#numberOf(value), clause);
  }

  finish(): void {
    const { whole, below, networks, values } = this.#builders;
    this.#whole = whole.build(this.#names.size);
    this.#below = below.build(this.#names.size);
    this.#byNetwork = networks.build(this.#networks.size);
    this.#byValue = values.build(this.#values.size);
    this.everyClause = Int32Array.from(this.#every);
    this.#names.trim();
  }

  collect(value: FactValue, lanes: Lanes, request: Request): void {
    if (typeof value === "string") {
      const text = request.text(this.slot, value);
      if (this.#suffixes) {
        const count = this.#names.suffixes(text, found);
        for (let i = 0; i < count; i++) lanes.addList(this.#below, found[i]!);
        if (found[count]! >= 0) lanes.addList(this.#whole, found[count]!);
      } else if (this.#names.size > 0) {
        const name = this.#names.findText(text);
        if (name >= 0) lanes.addList(this.#whole, name);
      }
      for (let i = 0; i < this.#sets.length; i++) {
        const { set, under, clause } = this.#sets[i]!;
        if (under ? set.table.hasDomainOfText(text) : set.table.hasText(text)) lanes.add(clause, 0, 1);
      }
    } else if (Array.isArray(value)) {
      for (let i = 0; i < value.length; i++) this.#collectValue(value[i] as string, lanes);
    } else if (typeof value === "object") {
      const count = this.#networks.holders(value as Ip, found);
      for (let i = 0; i < count; i++) lanes.addList(this.#byNetwork, found[i]!);
      for (let i = 0; i < this.#addressSets.length; i++) {
        const { set, clause } = this.#addressSets[i]!;
        if (set.table.has(value as Ip)) lanes.add(clause, 0, 1);
      }
    } else this.#collectValue(value, lanes);
  }

  #collectValue(value: FactValue, lanes: Lanes): void {
    const number = this.#values.get(value);
    if (number !== undefined) lanes.addList(this.#byValue, number);
  }

  #numberOf(value: FactValue): number {
    const known = this.#values.get(value);
    if (known !== undefined) return known;
    this.#values.set(value, this.#values.size);
    return this.#values.size - 1;
  }
}

/** Where lookups put what they find: a host has at most 127 labels, an address at most 129 prefixes. */
const found = new Int32Array(256);

const typeOf = (fact: FactName): FactType => lookupFact(fact)?.spec.type ?? "any";

function isOfType(value: FactValue, type: FactType): boolean {
  if (type === "string" || type === "host") return typeof value === "string";
  if (type === "number" || type === "instant") return typeof value === "number";
  if (type === "boolean") return typeof value === "boolean";
  return type === "strings"
    ? Array.isArray(value)
    : type === "address" && typeof value === "object" && "family" in value;
}
