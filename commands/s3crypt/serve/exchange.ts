/** One request of a client and its answer: what handlers read and write, and how an answer ends that cannot be finished. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { asSent, pairs, requestFields, responseFields, type Field } from "../../../lib/wire/http-forward.ts";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import type { Client } from "./client.ts";
import type { Action, Asked } from "./dialect.ts";
import type { Gateway } from "./gateway.ts";
import { iterate } from "./incoming.ts";
import type { Right } from "./right.ts";
import { Trouble } from "./trouble.ts";
import type { Outgoing, Sent } from "./upstream.ts";

/** The client left, or was cut, before all was done. */
export class Gone extends Error {}

/** Bytes of content that nobody wants and that are read all the same, so that the connection can go on. */
const MOST_DUMPED = 16 * 1024 * 1024;

/** What became of it, for its record. */
export interface Told {
  status: number | undefined;
  trouble: Trouble | undefined;
  format: "ds2" | "v3" | "plaintext" | "empty" | undefined;
  keyId: bigint | undefined;
  end: "proven" | "unproven" | undefined;
  /** The policy has not decided about the request, but about each key that it names. */
  byKey: boolean;
  writeOnce: "taken" | "used_up" | "given_back" | "unchecked" | undefined;
  /** Bytes of content, as the client has them. */
  received: number;
  sent: number;
}

export interface Turn {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The client waits for `100 Continue`. */
  readonly awaited: boolean;
}

export class Exchange {
  readonly gateway: Gateway;
  readonly client: Client;
  readonly asked: Asked;
  readonly action: Action;
  readonly told: Told = {
    status: undefined,
    trouble: undefined,
    format: undefined,
    keyId: undefined,
    end: undefined,
    byKey: false,
    writeOnce: undefined,
    received: 0,
    sent: 0,
  };
  /** Undefined where it needs none, or has not got it. */
  right: Right | undefined;
  #succeeded = false;
  /** Whether the connection ends with this answer. */
  isLast = false;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  #awaited: boolean;
  #content: AsyncGenerator<Uint8Array> | undefined;
  readonly #ends = new Set<() => void>();
  #unwritten = 0;
  #wake: (() => void) | undefined;
  #flushed: (() => void) | undefined;
  #gone = false;

  constructor(gateway: Gateway, client: Client, { req, res, awaited }: Turn, asked: Asked, action: Action) {
    this.gateway = gateway;
    this.client = client;
    this.asked = asked;
    this.action = action;
    this.#req = req;
    this.#res = res;
    this.#awaited = awaited;
    res.on("close", () => {
      this.#gone = !res.writableFinished;
      if (this.#gone) for (const end of this.#ends) end();
      this.#wake?.();
      this.#flushed?.();
    });
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** Whether the answer is a success. Where the client was gone, it is that of the storage all the same. */
  get hasSucceeded(): boolean {
    return this.#succeeded;
  }

  get hasBegun(): boolean {
    return this.#res.headersSent;
  }

  /** What an exchange ends with whose client is gone. */
  leave(cause?: unknown): Gone {
    const { spoiltBy } = this.client;
    if (spoiltBy !== undefined) return new Gone(`the client's content is not HTTP: ${spoiltBy}`, { cause });
    const where = this.#req.complete ? "left before it had its answer" : "broke off within the content";
    return new Gone(`the client ${where}`, { cause });
  }

  /** Runs when the client leaves before it has its answer. */
  onGone(end: () => void): void {
    if (this.#gone) end();
    else this.#ends.add(end);
  }

  /** The fields of the request that travel on, without those named (in lower case). */
  fieldsWithout(...names: readonly string[]): Field[] {
    const { authority } = this.gateway.settings.upstream;
    const kept = requestFields(this.asked.headers).filter(([name]) => {
      const lower = name.toLowerCase();
      return (
        lower !== "host" &&
        lower !== "expect" &&
        lower !== "content-length" &&
        !this.gateway.tools.dialect.isOurs(lower) &&
        !names.includes(lower)
      );
    });
    return [["Host", authority], ...kept];
  }

  /** As the dialect has it sent, with content or without. */
  outgoing(method: string, fields: readonly Field[], hasContent: boolean): Omit<Outgoing, "length"> {
    const { path, query, hasQuery } = this.asked;
    return this.outgoingTo({ method, path, query, headers: fields }, hasQuery, hasContent);
  }

  /** The same for another place at the storage. */
  outgoingTo(head: RequestHead, hasQuery: boolean, hasContent: boolean): Omit<Outgoing, "length"> {
    const sent = this.gateway.tools.dialect.outgoing(head, hasContent);
    const question = sent.query !== "" || (hasQuery && head.query === "");
    return { method: head.method, target: question ? `${sent.path}?${sent.query}` : sent.path, fields: sent.headers };
  }

  /** Asks the storage without content; what is left of the answer is destroyed when the client leaves. Throws `Trouble`. */
  async ask(method: string, fields: readonly Field[]): Promise<IncomingMessage> {
    return this.askFor(this.outgoing(method, fields, false));
  }

  /** The same for what `outgoingTo` made. */
  async askFor(outgoing: Omit<Outgoing, "length">): Promise<IncomingMessage> {
    let release = () => {};
    try {
      const answer = await this.gateway.upstream.ask(outgoing, (sent) => {
        release();
        release = this.breakWithClient(sent);
      });
      answer.on("error", () => {});
      this.endWithClient(answer, outgoing.method);
      return answer;
    } finally {
      release();
    }
  }

  /** What is left of `answer` is destroyed when the client leaves; but a right hangs on what the storage says of a change. */
  endWithClient(answer: IncomingMessage, method: string): void {
    const end = () => {
      if (this.right === undefined || method === "GET" || method === "HEAD") answer.destroy();
    };
    this.onGone(end);
    // A listing asks for thousands.
    answer.once("close", () => this.#ends.delete(end));
  }

  /**
   * Breaks `sent` off when the client leaves, unless what is returned was called. What the storage has whole may be an object
   * already, and a right used: only its answer says.
   */
  breakWithClient(sent: Sent): () => void {
    const end = () => {
      if (this.right === undefined || !sent.isComplete) sent.destroy();
    };
    this.onGone(end);
    return () => void this.#ends.delete(end);
  }

  /** The content of the request; more is taken from the client only when it was used. Its iterator throws `Gone`. */
  get content(): AsyncGenerator<Uint8Array> {
    return (this.#content ??= this.#read());
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    if (this.#awaited) this.#res.writeContinue();
    this.#awaited = false;
    try {
      for await (const chunk of iterate(this.#req)) {
        this.told.received += chunk.length;
        yield chunk;
        this.client.relax();
      }
    } catch (error) {
      if (this.#req.complete) throw error;
      throw this.leave(error);
    }
    if (!this.#req.complete) throw this.leave();
  }

  /** Begins the answer. Throws `Trouble` for a head that cannot be written. */
  begin(status: number, fields: readonly Field[]): void {
    this.told.status = status;
    this.#succeeded ||= isSuccess(status);
    if (this.#awaited || this.gateway.draining) this.isLast = true;
    const close: Field[] = this.isLast ? [["Connection", "close"]] : [];
    try {
      this.#res.writeHead(status, [...fields, ...close].flat());
    } catch {
      throw new Trouble("upstream_broken", "the answer of the storage cannot be passed on");
    }
  }

  /** Resolves when the system has `bytes`, and their memory may be used again. Throws `Gone`. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#gone) throw this.leave();
    this.told.sent += bytes.length;
    this.#unwritten++;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#res.write(bytes, () => {
        resolve();
        if (--this.#unwritten === 0) this.#flushed?.();
      });
    });
    if (this.#gone) throw this.leave();
  }

  end(): void {
    this.#res.end();
    if (this.isLast) this.client.endAfter();
    else if (!this.#req.complete) void this.#dump();
  }

  /** What is left of a request that was answered already; a client that goes on for too long is cut. */
  async #dump(): Promise<void> {
    const most = this.told.received + MOST_DUMPED;
    try {
      // One `next` may be waited for already: they are answered in order.
      while (!(await this.content.next()).done) {
        if (this.told.received > most) {
          this.client.farewell();
          return;
        }
      }
    } catch {
      // It has its answer, and has left.
    }
  }

  /** The whole answer at once. */
  reply(status: number, fields: readonly Field[], body = ""): void {
    this.begin(status, [...fields, ["Content-Length", String(Buffer.byteLength(body))]]);
    if (body !== "" && this.asked.method !== "HEAD") {
      this.told.sent += Buffer.byteLength(body);
      this.#res.write(body);
    }
    this.end();
  }

  /** Answers in the storage's place; or, where an answer has begun, breaks it off so that no client takes it for whole. */
  async fail(trouble: Trouble): Promise<void> {
    this.told.trouble = trouble;
    if (this.#gone) return;
    if (this.hasBegun) {
      await this.#flush();
      this.client.conn.destroy();
      return;
    }
    const { code, message } = trouble;
    const plain = { status: trouble.status, type: "text/plain; charset=utf-8", body: `${message}\n` };
    const explained = this.asked.isForStorage ? this.gateway.tools.dialect.explain?.(trouble, this.asked) : undefined;
    const { status, type, body } = explained ?? plain;
    const kind = status >= 500 && status !== 501 ? "proxy_internal_error" : "http_request_denied";
    const fields: Field[] = [
      ["Content-Type", type],
      ["Cache-Control", "no-store"],
      ["X-Portail-Error", code],
      ["Proxy-Status", `portail; error=${kind}; details="${code}"`],
    ];
    this.reply(status, fields, body);
  }

  /** Resolves when the system has all that was written. */
  async #flush(): Promise<void> {
    if (this.#unwritten > 0 && !this.#gone) await new Promise<void>((resolve) => (this.#flushed = resolve));
  }

  /** Hands an answer of the storage on as it is. Throws `Trouble` where it breaks off. */
  async passOn(answer: IncomingMessage, more: readonly Field[] = [], without: readonly string[] = []): Promise<void> {
    const status = answer.statusCode ?? 502;
    // Whoever is told of a failure may try again at once.
    if (!isSuccess(status)) await this.right?.give();
    this.begin(status, [...this.answerFields(answer, ...without), ...more]);
    try {
      for await (const chunk of iterate(answer)) await this.write(chunk);
    } catch (error) {
      if (error instanceof Gone) throw error;
      throw new Trouble("upstream_broken", "the answer of the storage broke off");
    }
    if (!answer.complete) throw new Trouble("upstream_broken", "the answer of the storage broke off");
    this.end();
  }

  /** The fields of an answer that travel on, without those named. */
  answerFields(answer: IncomingMessage, ...names: readonly string[]): Field[] {
    const kept = responseFields(pairs(answer.rawHeaders.map(asSent))).filter(([name]) => {
      const lower = name.toLowerCase();
      return !this.gateway.tools.dialect.isOurs(lower) && !names.includes(lower);
    });
    return kept.map(([name, value]) => [name, name.toLowerCase() === "location" ? this.#ownPlace(value) : value]);
  }

  /** A place at the storage is one behind us: who goes there past us gets ciphertext. */
  #ownPlace(location: string): string {
    const { tls, authority, base } = this.gateway.settings.upstream;
    const there = `${tls ? "https" : "http"}://${authority}${base}`;
    return location.startsWith(there) ? `${this.asked.root}${location.slice(there.length)}` : location;
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}
