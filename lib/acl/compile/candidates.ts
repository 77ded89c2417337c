/** Which clauses may hold for a request, in order. */
import type { Facts } from "../facts.ts";
import type { CompiledClause } from "./normalise.ts";

export class Candidates {
  #at = 0;
  readonly #count: number;
  constructor(clauses: readonly CompiledClause[]) {
    this.#count = clauses.length;
  }
  begin(_facts: Facts, _pending: boolean): void {
    this.#at = 0;
  }
  next(): number {
    return this.#at < this.#count ? this.#at++ : -1;
  }
}
