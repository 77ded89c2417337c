/** The sockets by which an association's datagrams leave: one for each family, opened when the first is to go out. Decides nothing. */
import { openDatagrams, type DatagramEvents, type DatagramSocket } from "../../lib/net/datagrams.ts";
import type { Proxy } from "./proxy.ts";

type Family = 4 | 6;

/** Whatever the destination it is the same one: the mapping of RFC 4787 section 4.1 that is independent of endpoints. */
export class AssociationSockets {
  readonly #proxy: Proxy;
  readonly #events: DatagramEvents;
  readonly #open: Partial<Record<Family, DatagramSocket>> = {};
  readonly #opening: Partial<Record<Family, Promise<DatagramSocket | undefined>>> = {};
  #closed = false;

  constructor(proxy: Proxy, events: DatagramEvents) {
    this.#proxy = proxy;
    this.#events = events;
  }

  /** The one for `family`; undefined where there is no descriptor left, or no such family. */
  get(family: Family): DatagramSocket | Promise<DatagramSocket | undefined> {
    return this.#open[family] ?? (this.#opening[family] ??= this.#opened(family));
  }

  async #opened(family: Family): Promise<DatagramSocket | undefined> {
    const socket = await this.#tryToOpen(family);
    delete this.#opening[family];
    if (this.#closed) this.#close(socket);
    else if (socket !== undefined) this.#open[family] = socket;
    return socket;
  }

  async #tryToOpen(family: Family): Promise<DatagramSocket | undefined> {
    if (!this.#proxy.hasRoom()) return undefined;
    // Counted before it is there, so that those that are opened at the same time fit together.
    this.#proxy.datagramSockets++;
    try {
      return await openDatagrams(family === 4 ? "0.0.0.0" : "::", this.#events);
    } catch {
      this.#proxy.datagramSockets--;
      return undefined;
    }
  }

  #close(socket: DatagramSocket | undefined): void {
    if (socket === undefined) return;
    socket.close();
    this.#proxy.datagramSockets--;
  }

  /** Closes them, also those that are yet to open. */
  close(): void {
    this.#closed = true;
    this.#close(this.#open[4]);
    this.#close(this.#open[6]);
  }
}
