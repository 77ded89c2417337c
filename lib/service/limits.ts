/** Counts of what is open, by client and in all, held against the limits. A place is kept until it is given back. */

export interface Limits {
  /** Connections in all. */
  total: number;
  /** Connections of one client address; 0 is no limit. */
  perClient: number;
}

export class Places {
  readonly #limits: Limits;
  #open = 0;
  readonly #byClient = new Map<string, number>();

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get open(): number {
    return this.#open;
  }

  /** Takes a place for `client`. False when there is none; `held` counts descriptors that others hold. */
  take(client: string, held = 0): boolean {
    const { total, perClient } = this.#limits;
    if (this.#open + held >= total) return false;
    if (perClient > 0) {
      const mine = this.#byClient.get(client) ?? 0;
      if (mine >= perClient) return false;
      this.#byClient.set(client, mine + 1);
    }
    this.#open++;
    return true;
  }

  /** Gives back a place that `take` granted to `client`. */
  give(client: string): void {
    this.#open--;
    const mine = this.#byClient.get(client);
    if (mine === undefined) return;
    if (mine <= 1) this.#byClient.delete(client);
    else this.#byClient.set(client, mine - 1);
  }
}
