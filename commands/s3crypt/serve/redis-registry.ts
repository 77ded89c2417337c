/** Rights to upload kept in Redis or Valkey, as ds_proxy keeps them: several proxies share them. */
import { RedisError, type RedisPool } from "../../../lib/net/redis.ts";
import type { Reply } from "../../../lib/wire/resp.ts";
import { RegistryError, type WriteOnce } from "./write-once.ts";

export class RedisRegistry implements WriteOnce {
  readonly place: string;
  readonly #pool: RedisPool;
  readonly #now: () => number;

  /** `now` in milliseconds since 1970. */
  constructor(place: string, pool: RedisPool, now: () => number = Date.now) {
    this.place = place;
    this.#pool = pool;
    this.#now = now;
  }

  async take(name: string, until: number): Promise<boolean> {
    const expiry = until === Infinity ? [] : ["PX", String(Math.max(1, Math.ceil(until - this.#now())))];
    const reply = await this.#ask(["SET", name, "true", "NX", ...expiry]);
    if (reply.type === "nil") return false;
    if (reply.type === "status" && reply.text === "OK") return true;
    throw new RegistryError("Redis gave an answer that SET has not");
  }

  /** What has run out may be another's by now. */
  async give(name: string, until: number): Promise<void> {
    if (this.#now() >= until) return;
    await this.#ask(["DEL", name]);
  }

  close(): void {
    this.#pool.close();
  }

  async #ask(command: readonly string[]): Promise<Reply> {
    try {
      return await this.#pool.ask(command);
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      throw new RegistryError(error.message, { cause: error });
    }
  }
}
