/** A carrier at the listeners of a command: takes them, holds clients off while the gate is shut, and brings back those that it hands over. Decides nothing. */
import { adoptDescriptor } from "../adopt.ts";
import type { Conn } from "../conn.ts";
import { gated, watchGate } from "../gate.ts";
import { boundAddress } from "../inherited.ts";
import type { KeepAlive } from "../keep-alive.ts";
import type { Listener } from "../listen.ts";
import { unread } from "../unread.ts";
import { Carrier } from "./carrier.ts";
import type { CarrierSettings, Closed, HandedOver, Moved, Opened } from "./messages.ts";
import type { ReportEvents } from "./reports.ts";

interface LaneEvents extends ReportEvents {
  /** Takes a client that the carrier leaves to others. */
  accept(conn: Conn, place: number): void;
  /** Whether the carrier is to have a client back, since its way is known now; asked once for each, and not for long. */
  findWay?(client: HandedOver): Promise<boolean>;
  /** By that way a client could not be led. */
  wayFailed?(way: number): void;
}

export interface LaneParts {
  /** A module that serves as the thread (`serveCarrier`). */
  thread: URL;
  settings: Omit<CarrierSettings, "probeAfter">;
  keepAlive: KeepAlive;
  events: LaneEvents;
}

/** Of a connection that is carried: the client's and the target's. */
export const DESCRIPTORS = 2;

/** Clients whose ways are looked for at a time, and milliseconds for each: the others are accepted without. */
const MOST_SOUGHT = 256;
const HASTE = 500;

export class Lane {
  readonly #parts: LaneParts;
  #places = 0;
  #carried = 0;
  #carrier: Carrier | undefined;
  #unwatch: () => void = () => {};
  /** Clients on their way to `accept`. */
  readonly #adopting = new Set<Promise<void>>();
  #emptied: (() => void) | undefined;
  #draining = false;
  #held = false;

  /** Nothing is begun until there is a listener to take. */
  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Connections that are open on both sides. */
  get carried(): number {
    return this.#carried;
  }

  /** Takes the clients of `listener`, led by `ways`: the number of its place; undefined where the system has not what it takes. */
  take(listener: Listener, ways: unknown): number | undefined {
    if (listener.giveUp === undefined) return undefined;
    const carrier = (this.#carrier ??= this.#begin());
    const fd = carrier && listener.giveUp();
    if (carrier === undefined || fd === undefined) return undefined;
    const place = this.#places++;
    void carrier.lead(place, ways);
    carrier.listen(place, fd);
    return place;
  }

  /** Resolves when all that is told from now on was decided so. */
  lead(place: number, ways: unknown): Promise<void> {
    return this.#carrier!.lead(place, ways);
  }

  /** Resolves when nothing more will be told of connections that these ways led, but for those that were told of. */
  forget(ways: readonly number[]): Promise<void> {
    return this.#carrier!.drain(ways);
  }

  /** Resolves when nobody listens there any more. */
  unlisten(place: number): Promise<void> {
    return this.#carrier!.unlisten(place);
  }

  /** Hands over what is not connected yet; `emptied` resolves when all else has ended. */
  async drain(): Promise<{ emptied: Promise<void> }> {
    this.#unwatch();
    this.#draining = true;
    await this.#carrier?.drain();
    await Promise.all(this.#adopting);
    return {
      emptied: this.#carried === 0 ? Promise.resolve() : new Promise<void>((resolve) => (this.#emptied = resolve)),
    };
  }

  cut(): void {
    void this.#carrier?.cut();
  }

  async end(): Promise<void> {
    this.#unwatch();
    this.#draining = true;
    await this.#carrier?.end();
  }

  #begin(): Carrier | undefined {
    const { thread, settings, keepAlive, events } = this.#parts;
    const carrier = Carrier.begin(
      thread,
      { ...settings, probeAfter: keepAlive.seconds },
      {
        opened: (event: Opened) => {
          this.#carried++;
          events.opened(event);
        },
        moved: (event: Moved) => events.moved(event),
        closed: (event: Closed) => {
          this.#carried--;
          events.closed(event);
          if (this.#carried === 0) this.#emptied?.();
        },
        handedOver: (client) => this.#handedOver(client),
      },
    );
    if (carrier === undefined) return undefined;
    this.#unwatch = watchGate((shut) => {
      this.#held = shut;
      carrier.hold(shut);
    });
    return carrier;
  }

  #handedOver(client: HandedOver): void {
    if (client.way !== undefined) this.#parts.events.wayFailed?.(client.way);
    const adopting = this.#settle(client).finally(() => this.#adopting.delete(adopting));
    this.#adopting.add(adopting);
  }

  async #settle(client: HandedOver): Promise<void> {
    const found = await this.#findWay(client);
    if (found && !this.#draining && !this.#held) this.#carrier!.giveBack(client);
    else await this.#adopt(client);
  }

  /** Not of one that has said something: it would say it twice. */
  async #findWay(client: HandedOver): Promise<boolean> {
    const { findWay } = this.#parts.events;
    if (findWay === undefined || client.tried || client.bytes.length > 0) return false;
    if (this.#draining || this.#adopting.size >= MOST_SOUGHT) return false;
    return Promise.race([findWay(client), Bun.sleep(HASTE).then(() => false)]);
  }

  async #adopt({ place, fd, ip, port, bytes }: HandedOver): Promise<void> {
    const { keepAlive, events } = this.#parts;
    const local = boundAddress(fd) ?? { path: "" };
    try {
      const conn = await adoptDescriptor(fd, { remote: { ip, port }, local }, keepAlive);
      conn.received += bytes.length;
      unread(conn, { bytes, ended: false });
      gated((one) => events.accept(one, place))(conn);
    } catch {
      // Gone in the meantime: the runtime has closed it.
    }
  }
}

/** Where a thread's module is, from the folder of its command; in the compiled program those that are begun as threads have their own. */
export function threadAt(from: string, command: string): URL {
  const compiled = from.includes("/$bunfs/");
  return new URL(compiled ? `./commands/${command}/carrier-thread.js` : "./carrier-thread.ts", from);
}
