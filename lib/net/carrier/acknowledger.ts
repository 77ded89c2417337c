/** Has the system acknowledge at once again what connections that are no longer new get: until then that goes with answers. Reads nothing. */
import type { SocketCalls } from "../../ffi/socket-calls.ts";
import type { Carried } from "./carried.ts";

/**
 * Milliseconds. Most answers are there sooner. Who has more to say, and a system that holds it back until what was said is
 * acknowledged (RFC 896), waits that long, or twice that, in the place of 40.
 */
const SOON = 5;

export class Acknowledger {
  readonly #calls: Pick<SocketCalls, "acknowledgeAtOnce">;
  /** Since the last time, and before that. */
  #recent: Carried[] = [];
  #earlier: Carried[] = [];
  /** When there is something to do, in milliseconds of `performance.now`. */
  at = Infinity;

  constructor(calls: Pick<SocketCalls, "acknowledgeAtOnce">) {
    this.#calls = calls;
  }

  /** One that is new. */
  add(one: Carried, now: number): void {
    if (this.at === Infinity) this.at = now + SOON;
    this.#recent.push(one);
  }

  act(now: number): void {
    for (const one of this.#earlier) {
      const { closed, client, target } = one;
      if (closed) continue;
      one.settled = true;
      this.#calls.acknowledgeAtOnce(client.fd);
      if (target !== undefined) this.#calls.acknowledgeAtOnce(target.fd);
    }
    this.#earlier = this.#recent;
    this.#recent = [];
    this.at = this.#earlier.length === 0 ? Infinity : now + SOON;
  }
}
