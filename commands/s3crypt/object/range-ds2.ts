/** Messages of an object of ds_proxy's format in any order: each by the links of those before it, which an index has. */
import { FORGED, MAC_LENGTH, MESSAGE_OVERHEAD, type MessageCipher } from "../../../lib/cipher/engine.ts";
import { SecretstreamIndexReader, STREAM_HEADER, TAG } from "../../../lib/cipher/secretstream.ts";
import { ChainIndex } from "./chain-index.ts";
import { linksBefore, SlotNotes, xorLink } from "./chain-links.ts";
import { ds2PlainLength } from "./ds2.ts";
import { ObjectError } from "./error.ts";
import type { Ds2Header } from "./header.ts";
import type { Chunks } from "./range.ts";
import { windows, type Source } from "./source.ts";

/** Behind these a stream changes its key, which an index knows nothing of. */
const MOST_MESSAGES = 2 ** 32 - 1;

export class Ds2Chunks implements Chunks {
  readonly chunkSize: number;
  readonly plainSize: number;
  readonly index: ChainIndex;
  readonly #stream: SecretstreamIndexReader;
  readonly #requiresFinal: boolean;
  #endProven = false;

  private constructor(
    stream: SecretstreamIndexReader,
    { chunkSize }: Ds2Header,
    plainSize: number,
    index: ChainIndex,
    requiresFinal: boolean,
  ) {
    this.#stream = stream;
    this.chunkSize = chunkSize;
    this.plainSize = plainSize;
    this.index = index;
    this.#requiresFinal = requiresFinal;
  }

  /** `front` is the first bytes of the object, and its messages may begin in it. Reads the last message where FINAL is required of it. */
  static async open(
    cipher: MessageCipher,
    key: Uint8Array,
    header: Ds2Header,
    front: Uint8Array,
    source: Source,
    requiresFinal: boolean,
    known: ChainIndex | undefined,
  ): Promise<Ds2Chunks> {
    const start = header.length + STREAM_HEADER;
    if (front.length < start) throw new ObjectError("truncated", "the object ends before its first message");
    const plainSize = ds2PlainLength(source.size, header);
    if (plainSize === undefined) throw new ObjectError("truncated", "the object ends within its last message");
    const own = front.subarray(0, start);
    const index = known?.isOf(own, source.size) === true ? known : new ChainIndex(header, own, source.size);
    if (index.messages > MOST_MESSAGES)
      throw new ObjectError("header", "the object has so many messages that it can only be read from its beginning");
    const stream = new SecretstreamIndexReader(cipher, key, Uint8Array.from(own.subarray(header.length)));
    const chunks = new Ds2Chunks(stream, header, plainSize, index, requiresFinal);
    if (requiresFinal) await chunks.#proveEnd(source);
    return chunks;
  }

  get endProven(): boolean {
    return this.#endProven;
  }

  async *read(source: Source, first: number, last: number): AsyncGenerator<Uint8Array> {
    const { index, chunkSize } = this;
    const size = chunkSize + MESSAGE_OVERHEAD;
    const start = index.front.length;
    const { stride, slots } = index;
    const [from, to] = [Math.ceil(first / stride), Math.min(slots, Math.floor((last + 1) / stride))];
    // Before anything is waited for: who wants what is behind this range can leave its links to this reader.
    const announced = index.announce("reading", from, to);
    const notes = new SlotNotes(index);
    const end = Math.min(start + (last + 1) * size, index.size);
    let number = first;
    try {
      let links = await linksBefore(index, chunkSize, source, first);
      for await (const bytes of windows(source, start + first * size, end, size)) {
        const out = new Uint8Array(bytes.length - MESSAGE_OVERHEAD * Math.ceil(bytes.length / size));
        for (let at = 0, to = 0; at < bytes.length; at += size, to += chunkSize, number++) {
          const sealed = bytes.subarray(at, at + size);
          let tag = this.#stream.open(number, links, sealed, out, to);
          if (tag === FORGED && number === first && first > 0) {
            // The index may be wrong rather than the message; further on the links are those of messages that opened.
            announced.done();
            index.clear();
            links = await linksBefore(index, chunkSize, source, first);
            tag = this.#stream.open(number, links, sealed, out, to);
          }
          this.#judge(number, tag);
          const mac = sealed.subarray(sealed.length - MAC_LENGTH);
          xorLink(links, mac);
          const slot = notes.add(number, mac);
          if (slot !== undefined) announced.noted(slot);
        }
        yield out;
      }
    } finally {
      announced.done();
    }
  }

  #judge(number: number, tag: number): void {
    if (tag === FORGED)
      throw new ObjectError(
        "forged",
        `message ${number} is not as it was written, or not by the key that the header names`,
      );
    const isLast = number === this.index.messages - 1;
    if (isLast) this.#endProven = tag === TAG.final;
    if (isLast && this.#requiresFinal && tag !== TAG.final) throw unproven();
    if (!isLast && tag === TAG.final) throw new ObjectError("forged", "something follows the end of the object");
    if (!isLast && (tag & TAG.rekey) !== 0)
      throw new ObjectError("header", "the object changes its key on the way, and can only be read from its beginning");
  }

  async #proveEnd(source: Source): Promise<void> {
    const last = this.index.messages - 1;
    if (last < 0) throw unproven();
    const messages = this.read(source, last, last);
    while ((await messages.next()).done !== true);
  }
}

function unproven(): ObjectError {
  return new ObjectError("unproven_end", "nothing shows that the object ends here: it may have been cut off");
}
