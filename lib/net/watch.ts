/** Ends what has gone on for too long, or has not moved for too long. */

/** Milliseconds; 0 is no limit. */
export interface WatchLimits {
  /** No byte in either direction for so long. */
  idle: number;
  /** Age. */
  lifetime: number;
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Calls `cut` once a limit is passed; `moved` is a count that grows with every byte. */
export class Watch {
  readonly #moved: () => number;
  readonly #cut: (by: "idle" | "lifetime") => void;
  #lifetime: Timer;
  #idle: Timer;

  constructor(limits: WatchLimits, moved: () => number, cut: (by: "idle" | "lifetime") => void) {
    this.#moved = moved;
    this.#cut = cut;
    if (limits.lifetime > 0) this.#lifetime = setTimeout(() => cut("lifetime"), limits.lifetime);
    if (limits.idle > 0) this.#look(limits.idle, moved());
  }

  /** One timer an interval, not one a chunk: it looks whether bytes moved since it was set. */
  #look(ms: number, before: number): void {
    this.#idle = setTimeout(() => {
      const now = this.#moved();
      if (now === before) this.#cut("idle");
      else this.#look(ms, now);
    }, ms);
  }

  stop(): void {
    clearTimeout(this.#lifetime);
    clearTimeout(this.#idle);
  }
}
