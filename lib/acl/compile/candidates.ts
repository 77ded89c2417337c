/** Which clauses may hold for a request, found by its facts and walked in the order of the file. Whether they hold is evaluate.ts's. */
import type { FactName } from "../facts.ts";
import { PostingTable } from "../tables/posting-table.ts";
import { Choice } from "./choice.ts";
import { FactIndex, kindOf } from "./fact-index.ts";
import { Lanes } from "./lanes.ts";
import type { CompiledClause } from "./normalise.ts";
import { AWAITED, type Request, VALUE } from "./request.ts";

/**
 * `begin`, then `next` until it is negative. Between the two nothing else may use the object; nothing is allocated.
 * A clause that is left out is false for these facts, and meets no trouble.
 */
export class Candidates {
  readonly #request: Request;
  readonly #postings = new PostingTable();
  readonly #indices: FactIndex[] = [];
  readonly #always: Int32Array;
  /** For each fact, the clauses that must be evaluated when it is missing. */
  readonly #whenMissing: { readonly slot: number; readonly kind: number; readonly clauses: Int32Array }[] = [];
  readonly #lanes = new Lanes();

  constructor(clauses: readonly CompiledClause[], request: Request) {
    this.#request = request;
    const always: number[] = [];
    const missing = new Map<FactName, number[]>();
    const indices = new Map<FactName, FactIndex>();
    const choice = new Choice(clauses);
    for (const [clause, condition] of clauses.entries()) {
      const access = choice.best(condition);
      if (access === undefined) always.push(clause);
      for (const fact of access?.reads ?? []) {
        const list = missing.get(fact);
        if (list === undefined) missing.set(fact, [clause]);
        else list.push(clause);
      }
      for (const key of access?.keys ?? []) {
        let index = indices.get(key.fact);
        if (index === undefined) indices.set(key.fact, (index = new FactIndex(key.fact, request, this.#postings)));
        index.add(key, clause);
      }
    }
    this.#always = Int32Array.from(always);
    for (const [fact, list] of missing)
      this.#whenMissing.push({ slot: request.slot(fact, VALUE), kind: kindOf(fact), clauses: Int32Array.from(list) });
    this.#indices = [...indices.values()];
    for (const index of this.#indices) index.finish();
    this.#postings.build();
    request.names.trim();
  }

  /** For the facts that the request holds by now. */
  begin(): void {
    const lanes = this.#lanes;
    const { kinds } = this.#request;
    lanes.reset();
    lanes.add(this.#always, 0, this.#always.length);
    for (let i = 0; i < this.#whenMissing.length; i++) {
      const { slot, kind, clauses } = this.#whenMissing[i]!;
      if (kinds[slot] !== kind && kinds[slot] !== AWAITED) lanes.add(clauses, 0, clauses.length);
    }
    for (let i = 0; i < this.#indices.length; i++) this.#indices[i]!.collect(lanes);
  }

  /** The next clause in ascending order, each once, or -1. */
  next(): number {
    return this.#lanes.next();
  }
}
