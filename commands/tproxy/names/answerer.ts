/** The stub's answers: which query is ours and what is said to it, in one go and without waiting. What is not ours is given back, to be forwarded. */
import { AnswerWriter, answerSize, encodeName, encodeRefusal, WHY } from "../../../lib/wire/dns-answer.ts";
import { hasAnswer } from "../../../lib/wire/dns-reply.ts";
import { CLASS_IN, decodeQuery, RCODE, TYPE, type DnsQuery } from "../../../lib/wire/dns.ts";
import { formatIp, type Ip } from "../../../lib/wire/ip.ts";
import type { StubCounts } from "./counts.ts";
import type { FakeAddresses } from "./fake-addresses.ts";
import type { Lead } from "./match.ts";
import { isUnderReverse, reverseAddress } from "./reverse.ts";

/** Of an answer to a name of ours. */
export interface NameAnswer {
  /** Another one once this has been told. */
  client: Client;
  name: string;
  type: number;
  outcome: "fake" | "nodata" | "exhausted" | "refused";
  /** In network order, where there is one. */
  address?: Uint8Array;
}

export interface AnswererOptions {
  /** Whether a name is to get an address of ours. */
  match(name: string): Lead;
  fake: FakeAddresses;
  /** Seconds for which clients may keep an answer. */
  ttl: number;
  /** Whether there is a resolver to forward to. */
  forwards: boolean;
  counts: StubCounts;
  /** Is told of each answer to a name of ours, and of nothing else that anybody looked up. */
  audit?: ((answer: NameAnswer) => void) | undefined;
}

/** To be taken to a resolver. */
export interface Forwarded {
  query: DnsQuery;
  /** Where there is an answer, ours is to be given in its place. */
  ifReal: boolean;
}

/** Who asked. */
export interface Client {
  transport: "udp" | "tcp";
  ip: string;
  port: number;
}

/** The most that is sent by UDP, whatever the client takes: more is asked for by TCP. */
export const MOST_UDP = 4096;
/** Bytes of a query: a name, OPT and some options. */
export const MOST_QUERY = 4096;

/** Of questions for records of whatever class. */
const CLASS_ANY = 255;

/** Types beside A and AAAA whose answers lead past us; of a name that is real they are withheld. */
const LEADING: ReadonlySet<number> = new Set([TYPE.HTTPS, TYPE.SVCB, TYPE.ANY]);

/** Types that ask for no data of a name (RFC 6895 section 3.1): transfers, keys of transactions and the like. ANY is apart. */
const isMeta = (type: number) => type === 0 || type === TYPE.OPT || (type >= 128 && type <= TYPE.MAILA);

export class Answerer {
  readonly #options: AnswererOptions;
  readonly #writer = new AnswerWriter();

  constructor(options: AnswererOptions) {
    this.#options = options;
  }

  /** An answer, which the next call overwrites; a query to be forwarded; undefined for what is not to be answered. */
  answer(bytes: Uint8Array, client: Client): Uint8Array | Forwarded | undefined {
    const { counts, match, forwards } = this.#options;
    counts.queries[client.transport]++;
    const query = bytes.length > MOST_QUERY ? "malformed" : decodeQuery(bytes);
    if (typeof query === "string") {
      if (query === "ignored") {
        counts.dropped.no_query++;
        return undefined;
      }
      counts.answers[query === "malformed" ? "malformed" : "unimplemented"]++;
      return encodeRefusal(bytes, query);
    }
    if (query.edns !== undefined && query.edns.version !== 0) {
      counts.answers.badversion++;
      return this.error(bytes, query, RCODE.BADVERS);
    }
    const lead = match(query.name);
    const withheld = LEADING.has(query.type) || query.class === CLASS_ANY;
    if (lead === "here" || (lead !== undefined && (withheld || !forwards)))
      return this.#ours(bytes, query, client, lead === "here");
    if (isUnderReverse(query.name) && query.class === CLASS_IN) {
      const reversed = this.#reverse(bytes, query);
      if (reversed !== undefined) return reversed;
    }
    if (forwards) {
      const { type } = query;
      return {
        query,
        ifReal: lead !== undefined && query.class === CLASS_IN && (type === TYPE.A || type === TYPE.AAAA),
      };
    }
    counts.answers.refused++;
    return this.error(bytes, query, RCODE.REFUSED, WHY.prohibited);
  }

  /** What to say in the place of a resolver's answer to a name that is ours if it is real. */
  standIn(answer: Uint8Array, bytes: Uint8Array, query: DnsQuery, client: Client): Uint8Array {
    if (!hasAnswer(answer, query.nameEnd + 4, query.type)) return answer;
    return this.#ours(bytes, query, client, true);
  }

  /** `known`: the name may have an address, whatever the type. */
  #ours(bytes: Uint8Array, query: DnsQuery, client: Client, known: boolean): Uint8Array {
    const { fake, ttl, counts, audit } = this.#options;
    const { name, type } = query;
    const writer = this.#writer;
    const tell = (outcome: NameAnswer["outcome"], address?: Uint8Array) => {
      counts.answers[outcome]++;
      audit?.({ client, name, type, outcome, ...(address && { address }) });
    };
    if (query.class !== CLASS_IN || isMeta(type)) {
      tell("refused");
      return this.error(bytes, query, RCODE.REFUSED, WHY.prohibited);
    }
    const any = type === TYPE.ANY && known;
    const v4 = type === TYPE.A || any ? fake.addressOf(name, 4) : "none";
    const v6 = type === TYPE.AAAA || (any && v4 === "none") ? fake.addressOf(name, 6) : "none";
    if (v4 === "exhausted" || v6 === "exhausted") {
      tell("exhausted");
      return this.error(bytes, query, RCODE.SERVFAIL, WHY.notReady);
    }
    writer.begin(bytes, query, RCODE.NOERROR);
    writer.authoritative();
    // Of ANY one set of records is enough (RFC 8482 section 4.1).
    const address = v4 === "none" ? v6 : v4;
    if (address === "none") {
      tell("nodata");
      writer.nothing(12, ttl);
    } else {
      tell("fake", address);
      writer.address(address, ttl);
    }
    return writer.finish();
  }

  /** To the name of an address of ours, and to nothing else: that no resolver knows it is no reason to ask one. */
  #reverse(bytes: Uint8Array, query: DnsQuery): Uint8Array | undefined {
    const { fake, ttl, counts } = this.#options;
    const ip: Ip | undefined = reverseAddress(query.name);
    if (ip === undefined) return undefined;
    const name = fake.nameOf(formatIp(ip));
    if (name === undefined && !fake.contains(ip)) return undefined;
    counts.answers.reverse++;
    const writer = this.#writer;
    writer.begin(bytes, query, name === undefined ? RCODE.NXDOMAIN : RCODE.NOERROR);
    writer.authoritative();
    if (name !== undefined && (query.type === TYPE.PTR || query.type === TYPE.ANY))
      writer.pointer(encodeName(name), ttl);
    // in-addr.arpa and ip6.arpa, as they end the name.
    else writer.nothing(query.nameEnd - (ip.family === 4 ? 14 : 10), ttl);
    return writer.finish();
  }

  /** An answer without records. */
  error(bytes: Uint8Array, query: DnsQuery, rcode: number, why?: number): Uint8Array {
    this.#writer.begin(bytes, query, rcode);
    return this.#writer.finish(why);
  }

  /** In place of an answer that is too long for UDP. */
  truncated(bytes: Uint8Array, query: DnsQuery): Uint8Array {
    this.#writer.begin(bytes, query, RCODE.NOERROR);
    this.#writer.truncated();
    return this.#writer.finish();
  }
}

/** Bytes that may be sent to who asked `query` by UDP. */
export const udpSize = (query: DnsQuery) => answerSize(query, MOST_UDP);
