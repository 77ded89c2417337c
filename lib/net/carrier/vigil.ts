/** Waits for events: awake for a moment before it sleeps, while they come fast. Knows nothing of what they are. */
import type { Poll } from "../../ffi/poll.ts";
import type { Clock } from "../courtesy.ts";

/** Milliseconds for which it stays awake, at first and at most. */
const SHORTEST = 0.0125;
const LONGEST = 0.1;

/**
 * To be woken costs the sleeper, and whoever wakes it, more than a moment of waiting. A sleep that was shorter than the
 * longest moment doubles the next one, a longer sleep ends them: as virtual machines are halted
 * (Linux, Documentation/virt/kvm/halt-polling.rst).
 */
export class Vigil {
  readonly #poll: Pick<Poll, "wait">;
  readonly #clock: Clock;
  /** Milliseconds. */
  #moment = 0;

  constructor(poll: Pick<Poll, "wait">, clock: Clock) {
    this.#poll = poll;
    this.#clock = clock;
  }

  /** How many events there are, within `timeout` milliseconds; -1 waits for ever. */
  wait(timeout: number): number {
    const poll = this.#poll;
    if (timeout === 0) return poll.wait(0);
    const clock = this.#clock;
    const begun = clock.now();
    if (this.#moment > 0) {
      do {
        const count = poll.wait(0);
        if (count > 0) return count;
        clock.giveWay();
      } while (clock.now() - begun < this.#moment);
    }
    const count = poll.wait(timeout);
    this.#moment = clock.now() - begun < LONGEST ? Math.min(LONGEST, Math.max(SHORTEST, this.#moment * 2)) : 0;
    return count;
  }
}
