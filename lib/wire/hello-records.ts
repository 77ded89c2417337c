/** The records in which a ClientHello comes (RFC 8446 section 5.1), put together from any split of bytes. Bounded in memory and work. */
import { decodeClientHello, type HelloDecoded, type HelloFault } from "./client-hello.ts";

/** Bytes of a hello where nothing else is said: what clients with post-quantum keys and tickets send, eight times over. */
export const USUAL_HELLO = 16 * 1024;
/** The most that may be said. */
export const LONGEST_HELLO = 64 * 1024;

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
/** Of a record before it is encrypted. */
const LONGEST_RECORD = 2 ** 14;
/** Far more than anybody needs for a hello; each costs five bytes. */
const MOST_RECORDS = 1024;
const RECORD_HEAD = 5;
const MESSAGE_HEAD = 4;

type Bad = Extract<HelloDecoded, { kind: "bad" }>;
export type HelloAnswer = HelloDecoded | { kind: "more" };

const MORE: HelloAnswer = { kind: "more" };

export class HelloRecords {
  readonly #limit: number;
  /** Where in the stream the next record begins. */
  #at = 0;
  #records = 0;
  /** What whole records held of the message, with its head. */
  readonly #parts: Uint8Array[] = [];
  #held = 0;

  /** `limit` is of the message, in bytes. */
  constructor(limit = USUAL_HELLO) {
    this.#limit = limit;
  }

  /**
   * `stream` is all that has come since the start: the same bytes as last time, and those that followed. Each byte is
   * looked at once, however often this is asked. What is wrong is told as soon as it is there.
   */
  read(stream: Uint8Array): HelloAnswer {
    for (;;) {
      const wrong = this.#headFault(stream);
      if (wrong !== undefined) return wrong;
      if (stream.length < this.#at + RECORD_HEAD) return MORE;
      const size = stream[this.#at + 3]! * 256 + stream[this.#at + 4]!;
      const start = this.#at + RECORD_HEAD;
      const part = stream.subarray(start, start + size);
      const head = this.#messageHead(part);
      const fault = headFault(head, this.#limit) ?? this.#sizeFault(head, size);
      if (fault !== undefined) return fault;
      if (part.length < size) return MORE;
      if (this.#records === 0 && head.length === MESSAGE_HEAD && size === MESSAGE_HEAD + sizeOf(head))
        return decodeClientHello(stream, start + MESSAGE_HEAD, start + size);
      this.#parts.push(part);
      this.#held += size;
      this.#at = start + size;
      this.#records++;
      if (head.length === MESSAGE_HEAD && this.#held === MESSAGE_HEAD + sizeOf(head)) return this.#decode();
    }
  }

  /** What can be said of the head of the record that comes next, whether or not all of it is there. */
  #headFault(stream: Uint8Array): Bad | undefined {
    const first = this.#records === 0;
    const [type, major] = [stream[this.#at], stream[this.#at + 1]];
    if (type !== undefined && type !== HANDSHAKE)
      return first ? bad("hello_not_tls", "this is no TLS") : bad("hello_record", "another record splits the hello");
    if (major !== undefined && major !== 3)
      return bad(first ? "hello_not_tls" : "hello_record", "the version of a record is none of TLS");
    if (this.#records === MOST_RECORDS)
      return bad("hello_too_long", `the hello is in more than ${MOST_RECORDS} records`);
    if (stream.length < this.#at + RECORD_HEAD) return undefined;
    const size = stream[this.#at + 3]! * 256 + stream[this.#at + 4]!;
    if (size === 0) return bad("hello_record", "a record is empty");
    return size > LONGEST_RECORD ? bad("hello_record", "a record is longer than 16 KiB") : undefined;
  }

  /** The first four bytes of the message, or as many as there are. */
  #messageHead(part: Uint8Array): number[] {
    const head: number[] = [];
    const take = (bytes: Uint8Array) => {
      for (let i = 0; i < bytes.length && head.length < MESSAGE_HEAD; i++) head.push(bytes[i]!);
    };
    for (let i = 0; i < this.#parts.length && head.length < MESSAGE_HEAD; i++) take(this.#parts[i]!);
    take(part);
    return head;
  }

  /** A hello ends where its record ends: keys may change behind it. */
  #sizeFault(head: readonly number[], size: number): Bad | undefined {
    if (head.length < MESSAGE_HEAD || this.#held + size <= MESSAGE_HEAD + sizeOf(head)) return undefined;
    return bad("hello_message", "something stands behind the hello in its record");
  }

  #decode(): HelloDecoded {
    const message = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts);
    return decodeClientHello(message.subarray(MESSAGE_HEAD));
  }
}

function headFault(head: readonly number[], limit: number): Bad | undefined {
  if (head[0] !== undefined && head[0] !== CLIENT_HELLO)
    return bad("hello_message", "the handshake does not begin with a ClientHello");
  if (head.length < MESSAGE_HEAD || sizeOf(head) <= limit) return undefined;
  return bad("hello_too_long", `the hello is longer than ${limit} bytes`);
}

function sizeOf(head: readonly number[]): number {
  return head[1]! * 65_536 + head[2]! * 256 + head[3]!;
}

function bad(code: HelloFault, reason: string): Bad {
  return { kind: "bad", code, reason };
}
