/** What is open in a daemon: counted, cut, and waited for when the daemon drains. Accepts and ends nothing by itself. */
export class OpenSet<T extends { cut(): void }> implements Iterable<T> {
  readonly #open = new Set<T>();
  #emptied: (() => void) | undefined;

  get size(): number {
    return this.#open.size;
  }

  /** To be called by what opens, and `leave` by what is gone. */
  enter(one: T): void {
    this.#open.add(one);
  }

  leave(one: T): void {
    this.#open.delete(one);
    if (this.#open.size === 0) this.#emptied?.();
  }

  [Symbol.iterator](): SetIterator<T> {
    return this.#open.values();
  }

  /** Resolves once nothing is open. To be asked once, when nothing more is accepted. */
  emptied(): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#emptied = resolve));
  }

  /** Ends all that is open now. */
  cut(): void {
    for (const one of this.#open) one.cut();
  }
}
