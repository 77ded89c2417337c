/** Waits that a signal ends, of commands that read until they are told to stop. Listens to no signal itself. */

/** A wait that a signal ends. Promise.race would keep what every wait came to until the signal comes. */
export class Stop {
  #stopped = false;
  #wake: () => void = () => {};

  get stopped(): boolean {
    return this.#stopped;
  }

  readonly now = (): void => {
    this.#stopped = true;
    this.#wake();
  };

  /** What `value` comes to, or undefined once stopped. */
  async or<T>(value: Promise<T>): Promise<T | undefined> {
    if (this.#stopped) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    this.#wake = () => resolve(undefined);
    value.then(resolve, reject);
    return promise;
  }
}
