/** The listeners of one process: opened one after the other, closed together, no two at one address. */
import { EXIT, PortailError } from "../command/errors.ts";
import { formatAddress, type SocketAddress } from "./conn.ts";
import type { Endpoint } from "./endpoint.ts";
import { openListener, type Environment, type ListenOptions, type Listener } from "./listen.ts";

export class Listeners {
  #all: Listener[] = [];

  get addresses(): SocketAddress[] {
    return this.#all.map(({ address }) => address);
  }

  /** Opens one more. Throws `PortailError` as `openListener` and `claim`; those that are open stay so. */
  async open(endpoint: Endpoint, env: Environment, options: ListenOptions): Promise<void> {
    this.take(await openListener(endpoint, env, options));
  }

  /** Takes one that is open. Throws as `claim`, and has closed it then. */
  take(listener: Listener): void {
    try {
      this.claim(listener.address);
    } catch (error) {
      listener.close();
      throw error;
    }
    this.#all.push(listener);
  }

  /**
   * Throws `PortailError` (`listen.twice`) when one of them is at `address`. A port that is shared with other processes is
   * shared within one as well: the system would deal connections out to either, whose rules may differ.
   */
  claim(address: SocketAddress): void {
    const text = formatAddress(address);
    if (!this.addresses.some((taken) => formatAddress(taken) === text)) return;
    throw new PortailError(`${text} is to be listened on twice`, {
      code: "listen.twice",
      exit: EXIT.config,
      hint: "give each tunnel, and the status, an address of its own",
    });
  }

  close(): void {
    for (const listener of this.#all) listener.close();
    this.#all = [];
  }
}
