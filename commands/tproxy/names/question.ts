/** A question on its way: by UDP from resolver to resolver, by TCP where that is called for, until one answers it or none is left. */
import { Due } from "../../../lib/net/deadlines.ts";
import { DialError } from "../../../lib/net/dial.ts";
import { matchReply, mixCase, searchReply } from "../../../lib/wire/dns-reply.ts";
import { FLAG, putWord, RCODE, word, type DnsQuery } from "../../../lib/wire/dns.ts";
import type { Asker, Forwarder } from "./forwarder.ts";
import { randomWord } from "./random-words.ts";
import { leave, type Asked, type Place, type Resolver } from "./resolver.ts";
import { TcpExchange } from "./tcp-exchange.ts";

interface QuestionParts {
  key: string;
  bytes: Uint8Array;
  query: DnsQuery;
  waiting: { asker: Asker; bytes: Uint8Array; query: DnsQuery }[];
  /** A cut answer is of no use to who asks. */
  byTcp: boolean;
}

/** Errors that another resolver may not have. */
const PASSED_ON: ReadonlySet<number> = new Set([RCODE.FORMERR, RCODE.SERVFAIL, RCODE.NOTIMP, RCODE.REFUSED]);

export class Question extends Due implements Asked {
  readonly key: string;
  readonly waiting: QuestionParts["waiting"];
  /** Where the question ends, in query and reply. */
  readonly questionEnd: number;
  readonly #forwarder: Forwarder;
  readonly #query: DnsQuery;
  readonly #byTcp: boolean;
  /** As it is sent: with an id and a mixture of cases of its own, new ones each time. */
  readonly #message: Uint8Array;
  #resolvers: readonly Resolver[] = [];
  #tried = 0;
  #place: Place | undefined;
  #exchange: TcpExchange | undefined;
  /** Counts what was begun: what an earlier attempt brings comes too late. */
  #attempt = 0;
  /** An error that is answered where nobody knows better. */
  #error: Uint8Array | undefined;

  constructor(forwarder: Forwarder, { key, bytes, query, waiting, byTcp }: QuestionParts) {
    super();
    this.#forwarder = forwarder;
    this.key = key;
    this.waiting = waiting;
    this.#query = query;
    this.#byTcp = byTcp;
    this.questionEnd = query.nameEnd + 4;
    this.#message = new Uint8Array(bytes);
  }

  begin(resolvers: readonly Resolver[]): void {
    this.#resolvers = resolvers;
    this.#next();
  }

  get #resolver(): Resolver {
    return this.#resolvers[this.#tried - 1]!;
  }

  #next(): void {
    const { upstream } = this.#forwarder.counts;
    while (this.#tried < this.#resolvers.length) {
      const resolver = this.#resolvers[this.#tried++]!;
      this.#attempt++;
      this.#place = resolver.place(this);
      putWord(this.#message, 0, this.#place.id);
      mixCase(this.#message, this.#query.nameEnd, randomWord);
      if (resolver.send(this.#place, this.#message)) {
        upstream.sent++;
        this.#forwarder.deadlines.add(this);
        return;
      }
      upstream.unreachable++;
      this.#leave();
      resolver.failed();
    }
    this.#end(this.#error);
  }

  /** Takes it off wherever it is under way. */
  #leave(): void {
    this.#forwarder.deadlines.remove(this);
    if (this.#place !== undefined) leave(this.#place);
    this.#place = undefined;
    this.#exchange?.cancel();
    this.#exchange = undefined;
  }

  #end(reply: Uint8Array | "forged" | undefined): void {
    this.#attempt++;
    this.#leave();
    this.#forwarder.ended(this, reply);
  }

  giveUp(): void {
    this.#end(undefined);
  }

  #failed(): void {
    this.#leave();
    this.#resolver.failed();
    this.#next();
  }

  override late(): void {
    this.#forwarder.counts.upstream.timeout++;
    this.#failed();
  }

  unreachable(): void {
    this.#forwarder.counts.upstream.unreachable++;
    this.#failed();
  }

  /** What is not the reply to this question may be a forgery, and the true one still on its way. */
  replied(reply: Uint8Array): void {
    const { upstream } = this.#forwarder.counts;
    const match = matchReply(reply, this.#message, this.questionEnd);
    if (match === "other") {
      upstream.unexpected++;
      return;
    }
    const cut = match !== "bare" && (word(reply, 2) & FLAG.TC) !== 0;
    if ((match === "case" && this.#exchange === undefined) || (cut && this.#byTcp && this.#exchange === undefined)) {
      this.#askByTcp();
      return;
    }
    const held = match === "bare" ? "malformed" : searchReply(reply, this.questionEnd, this.#forwarder.forbidden);
    if (held === "malformed") {
      upstream[match === "bare" ? "error" : "malformed"]++;
      this.#leave();
      this.#next();
      return;
    }
    if (held === "clean" && PASSED_ON.has(word(reply, 2) & 15)) {
      upstream.error++;
      this.#error ??= reply;
      this.#leave();
      this.#next();
      return;
    }
    upstream.answered++;
    this.#resolver.answered();
    this.#end(held === "clean" ? reply : "forged");
  }

  #askByTcp(): void {
    const { counts, deadlines, tools } = this.#forwarder;
    this.#leave();
    counts.upstream.tcp++;
    const attempt = ++this.#attempt;
    deadlines.add(this);
    void tools.dial(this.#resolver.candidate).then((conn) => {
      if (attempt !== this.#attempt) {
        if (!(conn instanceof DialError)) conn.destroy();
      } else if (conn instanceof DialError) this.unreachable();
      else {
        putWord(this.#message, 0, randomWord());
        this.#exchange = new TcpExchange(conn, this.#message, this);
      }
    });
  }
}
