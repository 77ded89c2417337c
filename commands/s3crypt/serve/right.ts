/** The right to one upload by a presigned URL: taken before a byte of it is sent, given back where it came to nothing. */
import type { Exchange } from "./exchange.ts";
import { Trouble } from "./trouble.ts";
import { RegistryError, rightName, type WriteOnce } from "./write-once.ts";

/** Milliseconds for which a right is held whose time is over by our clock, since the storage has one of its own. As ds_proxy holds all. */
const OVER = 3_600_000;

export class Right {
  readonly #x: Exchange;
  readonly #registry: WriteOnce;
  readonly #name: string;
  readonly #until: number;
  #held = true;

  private constructor(x: Exchange, registry: WriteOnce, name: string, until: number) {
    this.#x = x;
    this.#registry = registry;
    this.#name = name;
    this.#until = until;
  }

  /**
   * Undefined for what is not bound to a time, and where the registry does not answer and the operator lets that pass. Throws
   * `Trouble`: `used_up` for a right that was used, `registry_unavailable`.
   */
  static async take(x: Exchange, now: () => number = Date.now): Promise<Right | undefined> {
    const { gateway, asked, action, told } = x;
    const { registry, dialect, log } = gateway.tools;
    const writes = asked.method === "PUT" || action.writes !== undefined;
    const expiry = registry === undefined || !writes ? undefined : dialect.expiryOf(asked);
    if (registry === undefined || expiry === undefined) return undefined;
    const name = rightName(asked.rest, action.writes);
    const time = now();
    const until = expiry > time ? expiry : time + OVER;
    let taken: boolean;
    try {
      taken = await registry.take(name, until);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const said = { path: asked.path, error: error.message };
      const { open } = gateway.settings.writeOnce!;
      gateway.counts.righted(open ? "unchecked" : "failed");
      if (!open) {
        log.error("the registry of --write-once does not answer: an upload is denied", said);
        throw new Trouble("registry_unavailable", "it cannot be told whether this right to upload was used");
      }
      log.warn("the registry of --write-once does not answer: an upload is let through", said);
      told.writeOnce = "unchecked";
      return undefined;
    }
    gateway.counts.righted(taken ? "taken" : "used_up");
    told.writeOnce = taken ? "taken" : "used_up";
    if (!taken) throw new Trouble("used_up", "Access denied");
    return new Right(x, registry, name, until);
  }

  /** Once; what the registry fails to take back stays used. Never rejects for that. */
  async give(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    const { gateway, asked, told } = this.#x;
    try {
      await this.#registry.give(this.#name, this.#until);
    } catch (error) {
      if (!(error instanceof RegistryError)) throw error;
      const said = { path: asked.path, error: error.message };
      gateway.tools.log.warn("the right to an upload that failed stays used: the registry does not answer", said);
      return;
    }
    gateway.counts.righted("given_back");
    told.writeOnce = "given_back";
  }
}
