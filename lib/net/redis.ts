/** A few connections to a Redis or Valkey server, kept for commands that are answered by one value. Every wait ends; nothing is queued offline. */
import { decodeReply, encodeCommand, type Reply } from "../wire/resp.ts";
import type { Conn, ConnEvents } from "./conn.ts";

export type RedisFailure = "unreachable" | "timeout" | "closed" | "protocol" | "refused";

/** Why a command has no answer. `timeout` and `closed` leave open whether it was done. */
export class RedisError extends Error {
  readonly kind: RedisFailure;
  constructor(kind: RedisFailure, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Milliseconds. */
export interface RedisTimes {
  /** For a connection, where all are in use. */
  readonly wait: number;
  /** For a new connection to be ready: name, TLS, password and database. */
  readonly create: number;
  /** For the server to answer on a connection that is there. */
  readonly recycle: number;
}

export interface RedisOptions {
  /** Opens a connection, over TLS where that is asked for. Rejects with `RedisError`. */
  open(): Promise<Conn>;
  /** What is said first on each: AUTH, SELECT. */
  readonly greeting: readonly (readonly string[])[];
  readonly times: RedisTimes;
  /** Connections at a time. */
  readonly most: number;
}

const PING = ["PING"];

export class RedisPool {
  readonly #options: RedisOptions;
  readonly #idle: RedisConnection[] = [];
  readonly #waiting: ((connection: RedisConnection | undefined) => void)[] = [];
  /** Connections that exist or are being made. */
  #size = 0;
  #closed = false;

  constructor(options: RedisOptions) {
    this.#options = options;
  }

  /**
   * Sends one command on a connection that has just answered, and gives its reply; an error reply is a `RedisError` (`refused`).
   * Sends nothing twice. Rejects with `RedisError` alone.
   */
  async ask(command: readonly string[]): Promise<Reply> {
    const connection = await this.#take();
    try {
      return await connection.ask(command, this.#options.times.recycle);
    } finally {
      this.#giveBack(connection);
    }
  }

  /** Ends what is idle; what is in use ends with its command. */
  close(): void {
    this.#closed = true;
    this.#dropIdle();
  }

  async #take(): Promise<RedisConnection> {
    if (this.#closed) throw new RedisError("closed", "the connections to Redis are closed");
    const idle = this.#idle.pop();
    if (idle !== undefined) return this.#check(idle);
    if (this.#size < this.#options.most) return this.#create();
    const connection = await this.#wait();
    return connection === undefined ? this.#create(true) : this.#check(connection);
  }

  /** What was kept may be gone: the server is asked before anything that matters is. */
  async #check(connection: RedisConnection): Promise<RedisConnection> {
    if (!connection.isOver) {
      try {
        await connection.ask(PING, this.#options.times.recycle);
        return connection;
      } catch {
        // The others have been as long without an answer.
        this.#dropIdle();
      }
    }
    connection.destroy();
    return this.#create(true);
  }

  /** `counted`: in the place of one that is gone. */
  async #create(counted = false): Promise<RedisConnection> {
    if (!counted) this.#size++;
    try {
      return await this.#connect();
    } catch (error) {
      this.#size--;
      this.#handOn(undefined);
      throw error;
    }
  }

  async #connect(): Promise<RedisConnection> {
    const { open, greeting, times } = this.#options;
    const late = Promise.withResolvers<never>();
    let given = false;
    const timer = setTimeout(() => {
      given = true;
      late.reject(new RedisError("timeout", `Redis was not ready within ${times.create} ms`));
    }, times.create);
    const ready = open().then(async (conn) => {
      const connection = new RedisConnection(conn);
      try {
        for (const command of [...greeting, PING]) {
          if (given) break;
          await connection.ask(command, times.create);
        }
      } catch (error) {
        connection.destroy();
        throw error;
      }
      if (given) connection.destroy();
      return connection;
    });
    ready.catch(() => {});
    try {
      return await Promise.race([ready, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves to one that was given back, or to undefined for room to make one. */
  #wait(): Promise<RedisConnection | undefined> {
    const { wait } = this.#options.times;
    return new Promise((resolve, reject) => {
      const take = (connection: RedisConnection | undefined) => {
        clearTimeout(timer);
        resolve(connection);
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(new RedisError("timeout", `all connections to Redis were in use for ${wait} ms`));
      }, wait);
      this.#waiting.push(take);
    });
  }

  #giveBack(connection: RedisConnection): void {
    if (this.#closed) connection.destroy();
    if (!connection.isOver) this.#handOn(connection);
    else {
      this.#size--;
      this.#handOn(undefined);
    }
  }

  #handOn(connection: RedisConnection | undefined): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      if (connection !== undefined) this.#idle.push(connection);
      return;
    }
    if (connection === undefined) this.#size++;
    next(connection);
  }

  #dropIdle(): void {
    for (const connection of this.#idle.splice(0)) {
      connection.destroy();
      this.#size--;
    }
  }
}

/** One connection, one command at a time. Any trouble is its end, an error reply too: the server may be another one next time. */
class RedisConnection implements ConnEvents {
  readonly #conn: Conn;
  #pending: PromiseWithResolvers<Reply> | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  isOver = false;

  constructor(conn: Conn) {
    this.#conn = conn;
    conn.attach(this);
  }

  /** `patience` in milliseconds. Rejects with `RedisError`. */
  async ask(command: readonly string[], patience: number): Promise<Reply> {
    if (this.isOver) throw new RedisError("closed", "Redis closed the connection");
    const pending = Promise.withResolvers<Reply>();
    this.#pending = pending;
    const timer = setTimeout(() => {
      this.#fail(new RedisError("timeout", `Redis did not answer within ${patience} ms`));
    }, patience);
    this.#conn.write(encodeCommand(command));
    try {
      const reply = await pending.promise;
      if (reply.type !== "error") return reply;
      this.destroy();
      throw new RedisError("refused", `Redis answered ${JSON.stringify(reply.text.slice(0, 200))}`);
    } finally {
      clearTimeout(timer);
    }
  }

  data(chunk: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const decoded = decodeReply(this.#bytes);
    if (decoded.kind === "more" && this.#pending !== undefined) return;
    const pending = this.#pending;
    const alone = decoded.kind === "ok" && decoded.length === this.#bytes.length;
    if (pending === undefined || !alone) {
      this.#fail(new RedisError("protocol", "what answers there does not speak as Redis does"));
      return;
    }
    this.#pending = undefined;
    this.#bytes = new Uint8Array(0);
    pending.resolve(decoded.value);
  }

  drain(): void {}

  end(): void {
    this.destroy();
  }

  close(): void {
    this.destroy();
  }

  destroy(): void {
    this.#fail(new RedisError("closed", "Redis closed the connection"));
  }

  #fail(error: RedisError): void {
    this.isOver = true;
    const pending = this.#pending;
    this.#pending = undefined;
    if (!this.#conn.closed) this.#conn.destroy();
    pending?.reject(error);
  }
}
