/** Takes questions to resolvers and their answers back: one resolver after the other, identical questions once, answers held against what was asked. Decides nothing about names. */
import type { Conn } from "../../../lib/net/conn.ts";
import { DialError, type Candidate } from "../../../lib/net/dial.ts";
import { Deadlines } from "../../../lib/net/deadlines.ts";
import { WHY } from "../../../lib/wire/dns-answer.ts";
import { readdress, type AddressTest } from "../../../lib/wire/dns-reply.ts";
import { RCODE, word, type DnsQuery } from "../../../lib/wire/dns.ts";
import type { Answerer } from "./answerer.ts";
import type { StubCounts } from "./counts.ts";
import { Question } from "./question.ts";
import { Resolver, type PrepareSocket } from "./resolver.ts";

/** Who asked a question. */
export interface Asker {
  readonly transport: "udp" | "tcp";
  /** The whole answer to `bytes`, which are `query`. It is overwritten once this returns. */
  answered(answer: Uint8Array, bytes: Uint8Array, query: DnsQuery): void;
}

export interface UpstreamTools {
  /** For questions by TCP. */
  dial(candidate: Candidate): Promise<Conn | DialError>;
  prepare?: PrepareSocket;
}

export interface ForwarderOptions {
  resolvers: readonly Candidate[];
  /** Milliseconds for one resolver. */
  timeout: number;
  /** Askers that may wait at a time. */
  most: number;
  counts: StubCounts;
  tools: UpstreamTools;
  /** Addresses that no resolver may answer with: they would lead to names that nobody asked for. */
  forbidden: AddressTest;
}

interface Waiting {
  asker: Asker;
  bytes: Uint8Array;
  query: DnsQuery;
}

export class Forwarder {
  readonly counts: StubCounts;
  readonly tools: UpstreamTools;
  readonly deadlines: Deadlines;
  readonly #options: ForwarderOptions;
  readonly #resolvers: readonly Resolver[];
  readonly #questions = new Map<string, Question>();
  readonly #answerer: Answerer;
  #idle: (() => void) | undefined;

  private constructor(options: ForwarderOptions, resolvers: readonly Resolver[], answerer: Answerer) {
    this.counts = options.counts;
    this.tools = options.tools;
    this.deadlines = new Deadlines(options.timeout);
    this.#options = options;
    this.#resolvers = resolvers;
    this.#answerer = answerer;
  }

  /** Rejects with the system's error, which has a `code`. */
  static async open(options: ForwarderOptions, answerer: Answerer): Promise<Forwarder> {
    const resolvers: Resolver[] = [];
    try {
      for (const candidate of options.resolvers)
        resolvers.push(await Resolver.open(candidate, options.counts, options.tools.prepare));
    } catch (error) {
      for (const resolver of resolvers) resolver.close();
      throw error;
    }
    return new Forwarder(options, resolvers, answerer);
  }

  /** Whether a query that came from `port` is one of our own. */
  isAsking(port: number, query: Uint8Array): boolean {
    for (const resolver of this.#resolvers) if (resolver.isAsking(port, word(query, 0))) return true;
    return false;
  }

  /** Keeps `bytes`, which are `query`. The asker is answered, at the latest when the last resolver has had its time. */
  forward(bytes: Buffer, query: DnsQuery, asker: Asker): void {
    const { counts } = this;
    if (counts.waiting >= this.#options.most) {
      counts.answers.busy++;
      asker.answered(this.#answerer.error(bytes, query, RCODE.SERVFAIL, WHY.notReady), bytes, query);
      return;
    }
    counts.waiting++;
    // Asked by two at a time it is one question: each more that is under way would be one more that can be forged.
    const rest = bytes.toString("latin1", query.nameEnd);
    const key = `${asker.transport}${bytes.toString("latin1", 2, 12)}${query.name}\0${rest}`;
    const known = this.#questions.get(key);
    if (known !== undefined) {
      known.waiting.push({ asker, bytes, query });
      return;
    }
    const waiting: Waiting[] = [{ asker, bytes, query }];
    const question = new Question(this, { key, bytes, query, waiting, byTcp: asker.transport === "tcp" });
    this.#questions.set(key, question);
    counts.outstanding++;
    question.begin(this.#order());
  }

  /** Those that failed of late come last; the only one is asked twice, since datagrams are lost. */
  #order(): readonly Resolver[] {
    const all = this.#resolvers;
    if (all.length === 1) return [all[0]!, all[0]!];
    if (!all.some(({ shunned }) => shunned)) return all;
    return [...all.filter(({ shunned }) => !shunned), ...all.filter(({ shunned }) => shunned)];
  }

  /** Addresses that are in no reply. */
  get forbidden(): AddressTest {
    return this.#options.forbidden;
  }

  /** The end of a question: with a reply that was found to be one to it, or without; `forged`: it held what is forbidden. */
  ended(question: Question, reply: Uint8Array | "forged" | undefined): void {
    const { counts } = this;
    this.#questions.delete(question.key);
    counts.outstanding--;
    counts.waiting -= question.waiting.length;
    for (const { asker, bytes, query } of question.waiting) {
      if (reply === undefined || reply === "forged") {
        counts.answers[reply ?? "failed"]++;
        const why = reply === "forged" ? WHY.blocked : WHY.unreachable;
        asker.answered(this.#answerer.error(bytes, query, RCODE.SERVFAIL, why), bytes, query);
      } else {
        counts.answers.forwarded++;
        readdress(reply, bytes, query.nameEnd);
        asker.answered(reply, bytes, query);
      }
    }
    if (this.#questions.size === 0) this.#idle?.();
  }

  /** Resolves once nobody waits. */
  idle(): Promise<void> {
    if (this.#questions.size === 0) return Promise.resolve();
    return new Promise((resolve) => (this.#idle = resolve));
  }

  /** Whoever waits is told that there is no answer. */
  close(): void {
    for (const question of this.#questions.values()) question.giveUp();
    for (const resolver of this.#resolvers) resolver.close();
  }
}
