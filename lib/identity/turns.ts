/** Dear work, a few at a time: clients take turns, so that one who asks for much makes only itself wait. Knows no client. */

interface TurnLimits {
  /** Pieces of work under way. */
  atOnce: number;
  /** Pieces that may wait, of one client and of all. */
  waitingEach: number;
  waitingInAll: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  /** By client, in the order of their next turns; never an empty queue. */
  readonly #queues = new Map<string, (() => void)[]>();
  #running = 0;
  #waiting = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** Pieces that wait, of all clients. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Runs `work` when it is the turn of `client`. Undefined, at once, where too much waits already. */
  async run<T>(client: string, work: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#limits.atOnce) {
      const place = this.#place(client);
      if (place === undefined) return undefined;
      // Whoever ends gives its place on: the count of those running stays as it is.
      await place;
    } else this.#running++;
    try {
      return await work();
    } finally {
      this.#next();
    }
  }

  #place(client: string): Promise<void> | undefined {
    const queue = this.#queues.get(client) ?? [];
    if (queue.length >= this.#limits.waitingEach || this.#waiting >= this.#limits.waitingInAll) return undefined;
    this.#queues.set(client, queue);
    this.#waiting++;
    return new Promise((resolve) => queue.push(resolve));
  }

  /** One piece of the client whose turn it is, which then stands behind all others. */
  #next(): void {
    for (const [client, queue] of this.#queues) {
      this.#queues.delete(client);
      const start = queue.shift()!;
      if (queue.length > 0) this.#queues.set(client, queue);
      this.#waiting--;
      start();
      return;
    }
    this.#running--;
  }
}
