/** Connections that a carrier carries, as counts, log, audit and status know them. Moves nothing. */
import { getSystemErrorMessage } from "node:util";
import type { Closed, Moved, Opened, Who } from "../net/carrier/messages.ts";
import type { RelayResult } from "../net/relay.ts";
import type { Described, OpenConnection } from "../status/connections.ts";
import type { CarriedCounts } from "./carried-metrics.ts";

/** One side, as far as it has come; TLS does not end there. */
interface CarriedConn {
  received: number;
  readonly tls: undefined;
}

/** What is told of one, in the words of its command. */
interface Story {
  readonly described: Omit<Described, "state">;
  opened(): void;
  /** `started` in milliseconds of `performance.now`. */
  closed(started: number, result: RelayResult): void;
}

/** The story of a connection whose sides are `client` and `target`, and that began at `started`. */
export type Tell = (sides: { client: CarriedConn; target: CarriedConn }, started: number, who: Who) => Story;

class CarriedSession implements OpenConnection {
  readonly started: number;
  readonly #sides = { client: newConn(), target: newConn() };
  readonly #counts: CarriedCounts;
  readonly #story: Story;

  constructor(counts: CarriedCounts, waited: number, who: Who, tell: Tell) {
    this.started = performance.now() - waited;
    this.#counts = counts;
    this.#story = tell(this.#sides, this.started, who);
    counts.moving.begin(this.#sides);
    this.#story.opened();
  }

  get sent(): number {
    return this.#sides.client.received;
  }

  get received(): number {
    return this.#sides.target.received;
  }

  describe(): Described {
    return { ...this.#story.described, state: "open" };
  }

  moved({ sent, received }: Pick<Moved, "sent" | "received">): void {
    this.#sides.client.received = sent;
    this.#sides.target.received = received;
  }

  closed(event: Closed): void {
    const { by, errno, lasted } = event;
    this.moved(event);
    this.#counts.moving.end(this.#sides);
    const error = errno === 0 ? {} : { error: new Error(getSystemErrorMessage(-errno)) };
    this.#story.closed(performance.now() - lasted, { by, ...error });
  }
}

export class CarriedSessions implements Iterable<OpenConnection> {
  /** Those that somebody wants to know of. */
  readonly #open = new Map<number, CarriedSession>();

  opened({ id, waited, who }: Opened, counts: CarriedCounts, tell: Tell): void {
    counts.chosen++;
    counts.open++;
    counts.waits.observe(waited / 1000);
    if (who !== undefined) this.#open.set(id, new CarriedSession(counts, waited, who, tell));
  }

  moved(event: Moved): void {
    this.#open.get(event.id)?.moved(event);
  }

  closed(event: Closed, counts: CarriedCounts): void {
    counts.open--;
    counts.lives.observe(event.lasted / 1000);
    const session = this.#open.get(event.id);
    if (session === undefined) {
      counts.sent += event.sent;
      counts.received += event.received;
    } else {
      this.#open.delete(event.id);
      session.closed(event);
    }
  }

  [Symbol.iterator](): Iterator<OpenConnection> {
    return this.#open.values();
  }
}

function newConn(): CarriedConn {
  return { received: 0, tls: undefined };
}
