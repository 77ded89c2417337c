/** The storage as the proxy asks it: connections that are kept, requests sent as they are, one answer or the reason why there is none. */
import { request as openRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { ConnDuplex } from "../../../lib/net/duplex.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { Connector } from "./connector.ts";
import { KeptAgent } from "./kept-agent.ts";
import { Trouble } from "./trouble.ts";

export interface Outgoing {
  readonly method: string;
  /** With the query, byte for byte. */
  readonly target: string;
  readonly fields: readonly Field[];
  /** Of the content; undefined sends it in chunks. */
  readonly length: number | undefined;
}

interface UpstreamTimes {
  /** Milliseconds from the end of a request to the head of its answer; 0 is no limit. */
  readonly answer: number;
}

/** Methods that may be sent twice (RFC 9110 section 9.2.2), of those that are sent without content. */
const IDEMPOTENT = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

export class Upstream {
  readonly #times: UpstreamTimes;
  #connector: Connector;
  #kept: KeptAgent;

  constructor(connector: Connector, times: UpstreamTimes) {
    this.#connector = connector;
    this.#times = times;
    this.#kept = new KeptAgent(connector, true);
  }

  /** New connections are made by `connector` from now on; those that are in use are not kept. */
  swap(connector: Connector): void {
    this.#kept.retire();
    this.#connector = connector;
    this.#kept = new KeptAgent(connector, true);
  }

  /** Idle connections, for the metrics. */
  get idle(): number {
    return this.#kept.idle;
  }

  close(): void {
    this.#kept.retire();
  }

  /** Begins a request whose content the caller writes. Throws `Trouble` (400) for one that cannot be written. */
  send(outgoing: Outgoing, fresh = false): Sent {
    return new Sent(outgoing, fresh ? new KeptAgent(this.#connector, false) : this.#kept, this.#times);
  }

  /**
   * Asks without content. Where a connection that was kept turns out to be gone before a byte of the answer came, the
   * request is sent once more on a new one. `asking` gets what is on its way. Throws `Trouble`.
   */
  async ask(outgoing: Omit<Outgoing, "length">, asking: (sent: Sent) => void = () => {}): Promise<IncomingMessage> {
    const whole = { ...outgoing, length: 0 };
    const sent = this.send(whole);
    sent.end();
    asking(sent);
    try {
      return await sent.answer();
    } catch (error) {
      if (!sent.wasStale || sent.wasBroken || !IDEMPOTENT.has(outgoing.method)) throw error;
      const again = this.send(whole, true);
      again.end();
      asking(again);
      return again.answer();
    }
  }
}

/** One request on its way. Its content is written by `write` and `end`; `destroy` breaks it off, so that it looks it. */
export class Sent {
  readonly #request: ClientRequest;
  readonly #agent: KeptAgent;
  readonly #times: UpstreamTimes;
  readonly #answered = Promise.withResolvers<IncomingMessage>();
  #over = false;
  #ended = false;
  #wake: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Bytes of content so far. */
  written = 0;

  constructor({ method, target, fields, length }: Outgoing, agent: KeptAgent, times: UpstreamTimes) {
    this.#agent = agent;
    this.#times = times;
    // Whoever waits learns of it; nobody may be waiting yet.
    this.#answered.promise.catch(() => {});
    const bare = length === 0 && (method === "GET" || method === "HEAD" || method === "OPTIONS");
    const framing: Field[] =
      length === undefined ? [["Transfer-Encoding", "chunked"]] : bare ? [] : [["Content-Length", String(length)]];
    const headers = [...fields, ...framing].flat();
    try {
      const options = { agent, method, path: target, headers: headers as never, setHost: false };
      this.#request = openRequest({ ...options, host: "upstream", port: 1 });
    } catch {
      throw new Trouble("bad_request", "the request cannot be passed on as it is");
    }
    this.#request.on("response", (answer) => {
      const duplex = answer.socket as object as ConnDuplex;
      duplex.whenWhole = () => agent.putBy(duplex, this.#ended && this.#request.writableFinished && staysOpen(answer));
      this.#settle(() => this.#answered.resolve(answer));
    });
    this.#request.on("error", (error) => this.#fail(troubleOf(error)));
    this.#request.on("close", () => this.#fail(new Trouble("upstream_broken", "the storage closed the connection")));
    // Nobody asked for another protocol.
    this.#request.on("upgrade", (_answer, socket) => {
      socket.destroy();
      this.#fail(new Trouble("upstream_broken", "the storage answered in another protocol"));
    });
  }

  /** Whether it failed on a connection that had been kept. */
  get wasStale(): boolean {
    return this.#agent.reused(this.#request);
  }

  /**
   * What `promise` comes to; undefined as soon as this `isOver`. One at a time, and not while something is written. A race of
   * promises would keep a little of each for as long as this lasts.
   */
  unlessOver<T>(promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#over) resolve(undefined);
      };
      promise.then(resolve, reject);
      this.#wake();
    });
  }

  /** Whether there is an answer, or will be none. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Resolves when the system has `bytes`, and their memory may be used again, or when there is no use in it (`isOver`). */
  async write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0 || this.#over) return;
    this.written += bytes.length;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#request.write(bytes, () => resolve());
    });
  }

  /** `last` must stay as it is. */
  end(last?: Uint8Array): void {
    this.#ended = true;
    if (this.#over) return;
    if (last !== undefined && last.length > 0) {
      this.written += last.length;
      this.#request.end(last);
    } else this.#request.end();
    if (this.#times.answer > 0)
      this.#timer = setTimeout(() => {
        this.#fail(new Trouble("upstream_timeout", "the storage does not answer"));
        this.#request.destroy();
      }, this.#times.answer);
  }

  /** The answer's head has come; its content is to be read or destroyed. Throws `Trouble`. */
  answer(): Promise<IncomingMessage> {
    return this.#answered.promise;
  }

  /** By `destroy`. */
  wasBroken = false;

  /** Ends its connection. */
  destroy(): void {
    this.wasBroken = true;
    this.#settle(() => this.#answered.reject(new Trouble("upstream_broken", "the request was broken off")));
    this.#request.destroy();
  }

  /** Whether all of the content was sent: only then is its connection good for another request. */
  get isComplete(): boolean {
    return this.#ended;
  }

  #fail(trouble: Trouble): void {
    this.#settle(() => this.#answered.reject(trouble));
  }

  #settle(how: () => void): void {
    clearTimeout(this.#timer);
    this.#over = true;
    how();
    this.#wake?.();
  }
}

/** Whether the answer says that what was asked is done. */
export function isDone({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function staysOpen({ httpVersion, headers }: IncomingMessage): boolean {
  return httpVersion === "1.1" && !/\bclose\b/i.test(headers.connection ?? "");
}

function troubleOf(error: Error & { code?: string }): Trouble {
  if (error instanceof Trouble) return error;
  return new Trouble("upstream_broken", `the storage broke off: ${error.code ?? error.message}`);
}
