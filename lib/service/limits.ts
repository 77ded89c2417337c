/** Counts of what is open, by client, by user and in all, held against the limits. A place is kept until it is given back. */

export interface Limits {
  /** Connections in all. */
  total: number;
  /** Connections of one client address; 0 is no limit. */
  perClient: number;
  /** Connections of one user; 0 is no limit. */
  perUser: number;
}

/** Whose a place is. An empty text is nobody's, and counts in all alone. */
export interface Holder {
  readonly client: string;
  readonly user: string;
}

export class Places {
  readonly #total: number;
  readonly #clients: Tally;
  readonly #users: Tally;
  #open = 0;

  constructor({ total, perClient, perUser }: Limits) {
    this.#total = total;
    this.#clients = new Tally(perClient);
    this.#users = new Tally(perUser);
  }

  get open(): number {
    return this.#open;
  }

  /** Takes a place. False when there is none; `held` counts descriptors that others hold. */
  take({ client, user }: Holder, held = 0): boolean {
    if (this.#open + held >= this.#total) return false;
    if (!this.#clients.hasRoom(client) || !this.#users.hasRoom(user)) return false;
    this.#clients.add(client);
    this.#users.add(user);
    this.#open++;
    return true;
  }

  /** Gives back a place that `take` granted. */
  give({ client, user }: Holder): void {
    this.#open--;
    this.#clients.remove(client);
    this.#users.remove(user);
  }
}

/** How many each one has, up to `most`; nothing is counted where that is 0. */
class Tally {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  hasRoom(key: string): boolean {
    return this.#most === 0 || (this.#counts.get(key) ?? 0) < this.#most;
  }

  add(key: string): void {
    if (this.#most > 0 && key !== "") this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  remove(key: string): void {
    const count = this.#counts.get(key);
    if (count === undefined) return;
    if (count <= 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
  }
}
