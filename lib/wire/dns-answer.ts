/** Answers that are made here: header, question, a few records, OPT. Written into one buffer that is used again; answers of others are in dns-reply.ts. */
import { CLASS_IN, DNS_HEADER, FLAG, LONGEST_NAME, putWord, RCODE, TYPE, word, type DnsQuery } from "./dns.ts";

/** Bytes that we take by UDP: what crosses any path in one piece (the DNS flag day of 2020). */
const OWN_SIZE = 1232;
/** What a client takes that does not speak EDNS (RFC 1035 section 4.2.1), and the least that one may ask for (RFC 6891). */
const LEAST_SIZE = 512;
const POINTER_TO_QUESTION = 0xc000 | DNS_HEADER;
/** Of records that say why there is none: nobody is to ask or to write there. */
const MNAME = encodeName("localhost");
const RNAME = encodeName("nobody.invalid");

/** Why an error was answered, beside the code of it (RFC 8914 section 4). */
export const WHY = { notReady: 14, blocked: 15, prohibited: 18, unreachable: 22, other: 0 } as const;
const EXTENDED_ERROR = 15;

/** Writes one answer at a time: `begin`, records, `finish`. What `finish` gives is overwritten by the next `begin`. */
export class AnswerWriter {
  readonly #out = new Uint8Array(4096);
  #at = 0;
  #query: DnsQuery | undefined;
  #rcode = 0;

  /** Takes id and question of `bytes`, which are `query`. */
  begin(bytes: Uint8Array, query: DnsQuery, rcode: number): void {
    const out = this.#out;
    this.#at = query.nameEnd + 4;
    for (let i = 0; i < this.#at; i++) out[i] = bytes[i]!;
    putWord(out, 2, FLAG.QR | FLAG.RA | (query.flags & (FLAG.RD | FLAG.CD)) | (rcode & 15));
    out.fill(0, 6, DNS_HEADER);
    this.#query = query;
    this.#rcode = rcode;
  }

  /** What is here and nowhere else is said with authority. */
  authoritative(): void {
    this.#out[2]! |= FLAG.AA >> 8;
  }

  /** Says that the answer did not fit: the client asks again by TCP. */
  truncated(): void {
    this.#out[2]! |= FLAG.TC >> 8;
  }

  /** A or AAAA of the name that was asked for; `address` in 4 or 16 bytes. */
  address(address: Uint8Array, ttl: number): void {
    this.#record(6, POINTER_TO_QUESTION, address.length === 4 ? TYPE.A : TYPE.AAAA, ttl, address.length);
    this.#bytes(address);
  }

  /** PTR; `name` as `encodeName` gives it. */
  pointer(name: Uint8Array, ttl: number): void {
    this.#record(6, POINTER_TO_QUESTION, TYPE.PTR, ttl, name.length);
    this.#bytes(name);
  }

  /** SOA of the zone that begins at byte `zone` of the message: that there is nothing may be held for `ttl` seconds (RFC 2308). */
  nothing(zone: number, ttl: number): void {
    this.#record(8, 0xc000 | zone, TYPE.SOA, ttl, MNAME.length + RNAME.length + 20);
    this.#bytes(MNAME);
    this.#bytes(RNAME);
    for (const number of [1, 3600, 600, 86_400, ttl]) this.#long(number);
  }

  #record(section: number, owner: number, type: number, ttl: number, length: number): void {
    putWord(this.#out, section, word(this.#out, section) + 1);
    this.#word(owner);
    this.#word(type);
    this.#word(CLASS_IN);
    this.#long(ttl);
    this.#word(length);
  }

  /** The whole message. `why` is one of `WHY`, for who speaks EDNS. */
  finish(why?: number): Uint8Array {
    const edns = this.#query?.edns;
    if (edns !== undefined) {
      putWord(this.#out, 10, 1);
      this.#out[this.#at++] = 0;
      this.#word(TYPE.OPT);
      this.#word(OWN_SIZE);
      this.#word((this.#rcode >> 4) << 8);
      this.#word(edns.dnssecOk ? 0x8000 : 0);
      this.#word(why === undefined ? 0 : 6);
      if (why !== undefined) {
        this.#word(EXTENDED_ERROR);
        this.#word(2);
        this.#word(why);
      }
    }
    return this.#out.subarray(0, this.#at);
  }

  #word(value: number): void {
    putWord(this.#out, this.#at, value);
    this.#at += 2;
  }

  #long(value: number): void {
    this.#word(value >>> 16);
    this.#word(value & 0xffff);
  }

  #bytes(bytes: Uint8Array): void {
    this.#out.set(bytes, this.#at);
    this.#at += bytes.length;
  }
}

/** Bytes that the client takes by UDP; never more than `most`. */
export function answerSize({ edns }: DnsQuery, most: number): number {
  return edns === undefined ? LEAST_SIZE : Math.min(Math.max(edns.size, LEAST_SIZE), most);
}

/** What is answered to a message that `decodeQuery` found `malformed` or `unknown`: a header and nothing else. */
export function encodeRefusal(bytes: Uint8Array, why: "malformed" | "unknown"): Uint8Array {
  const out = new Uint8Array(DNS_HEADER);
  out.set(bytes.subarray(0, 2));
  const rcode = why === "malformed" ? RCODE.FORMERR : RCODE.NOTIMP;
  putWord(out, 2, FLAG.QR | (word(bytes, 2) & (0x7800 | FLAG.RD)) | rcode);
  return out;
}

/** A name in the form of `nameText` that has no escapes, as it stands on the wire. */
export function encodeName(name: string): Uint8Array {
  const out = new Uint8Array(Math.min(name.length + 2, LONGEST_NAME));
  let at = 0;
  for (const label of name.split(".")) {
    out[at++] = label.length;
    for (let i = 0; i < label.length; i++) out[at++] = label.charCodeAt(i);
  }
  return out.subarray(0, at + 1);
}
