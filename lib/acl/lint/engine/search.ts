/** Which policies are not false for an example request, by the index that also decides. A bounded look, not all of them. */
import { Candidates } from "../../compile/candidates.ts";
import { Request } from "../../compile/request.ts";
import { evaluate, FALSE, Trouble } from "../../evaluate.ts";
import type { Facts } from "../../facts.ts";
import type { Condition } from "../../model.ts";

/** Clauses that are evaluated for one request, and those that are returned. */
const MAX_LOOKED_AT = 1_000;
const MAX_FOUND = 50;

/** Made of one condition per policy, free of `not`. */
export class Search {
  readonly #clauses: readonly Condition[];
  readonly #request = new Request();
  readonly #candidates: Candidates;
  readonly #trouble = new Trouble();

  constructor(clauses: readonly Condition[]) {
    this.#clauses = clauses;
    this.#candidates = new Candidates(clauses, this.#request);
  }

  /**
   * Indices in `[from, to)`, ascending, of clauses that `wanted` takes and that are not false for the facts: true, or
   * ended by a missing fact. Facts that are left out count as missing, so that clauses about them are found too.
   */
  find(facts: Facts, from: number, to: number, wanted: (index: number) => boolean): number[] {
    const isFound = (i: number): boolean =>
      i >= from && wanted(i) && evaluate(this.#clauses[i]!, facts, false, this.#trouble) !== FALSE;
    return this.#walk(facts, to, isFound).found;
  }

  /**
   * All clauses that `wanted` takes, but for some that are false for these facts whatever the others are; undefined if
   * they are too many.
   */
  all(facts: Facts, wanted: (index: number) => boolean): readonly number[] | undefined {
    const { found, complete } = this.#walk(facts, this.#clauses.length, wanted);
    return complete ? found : undefined;
  }

  #walk(facts: Facts, to: number, wanted: (index: number) => boolean): Walk {
    const found: number[] = [];
    this.#request.begin(facts, false);
    this.#candidates.begin();
    for (let looked = 0; looked < MAX_LOOKED_AT && found.length < MAX_FOUND; looked++) {
      const i = this.#candidates.next();
      if (i < 0 || i >= to) return { found, complete: true };
      if (wanted(i)) found.push(i);
    }
    return { found, complete: false };
  }
}

interface Walk {
  readonly found: number[];
  readonly complete: boolean;
}
