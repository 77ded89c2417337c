/** The links of a chain of messages, by which one of them is opened without those before it. Never trusted, and bounded: see FORMAT.md. */
import { MESSAGE_OVERHEAD } from "../../../lib/cipher/engine.ts";
import { STREAM_HEADER } from "../../../lib/cipher/secretstream.ts";
import { decodeHeader, type Ds2Header } from "./header.ts";

/** Bytes of a MAC that go into the nonces behind it. */
export const LINK = 8;
/** At most so many slots: 512 KiB. A slot is one message, or of longer objects several. */
const MOST_SLOTS = 65_536;
const VERSION = 1;
/** Milliseconds without news for which one waits for what a reader is about to note, since its client may take nothing. */
const PATIENCE = 2000;

/** Who is about to note slots: a reader on its way through a range, or a scan, which waits for no client. */
export type Coming = "reading" | "scan";

/** Of one object. What is noted in it may come in any order and from several readers. */
export class ChainIndex {
  /** The object's header and that of its stream: of another object the index is none. */
  readonly front: Uint8Array;
  readonly size: number;
  /** Messages in the object. */
  readonly messages: number;
  /** Messages in a slot. */
  readonly stride: number;
  /** Whole ones. */
  readonly slots: number;
  patience = PATIENCE;
  readonly #links: Uint32Array;
  readonly #known: Uint8Array;
  readonly #coming = new Set<{ by: Coming; next: number; readonly end: number }>();
  #waiting: (() => void)[] = [];

  /** Knows nothing yet. `size` is that of the whole object, which begins with `front`. */
  constructor(header: Ds2Header, front: Uint8Array, size: number) {
    this.front = Uint8Array.from(front);
    this.size = size;
    this.messages = Math.max(0, Math.ceil((size - front.length) / (header.chunkSize + MESSAGE_OVERHEAD)));
    this.stride = Math.max(1, Math.ceil(this.messages / MOST_SLOTS));
    this.slots = Math.floor(this.messages / this.stride);
    this.#links = new Uint32Array(2 * this.slots);
    this.#known = new Uint8Array(this.slots);
  }

  isOf(front: Uint8Array, size: number): boolean {
    return this.size === size && Buffer.compare(this.front, front) === 0;
  }

  /** The first slot before `end` that is not known; `end` where all are. */
  firstUnknown(end: number): number {
    const at = this.#known.subarray(0, end).indexOf(0);
    return at < 0 ? end : at;
  }

  /** The first slot from `from` on and before `end` that is known; `end` where none is. */
  firstKnown(from: number, end: number): number {
    const at = this.#known.subarray(from, end).indexOf(1);
    return at < 0 ? end : from + at;
  }

  /** `link`: those of the slot's messages, one XORed with the next. */
  note(slot: number, link: Uint8Array): void {
    const view = new DataView(link.buffer, link.byteOffset, LINK);
    this.#links[2 * slot] = view.getUint32(0, true);
    this.#links[2 * slot + 1] = view.getUint32(4, true);
    this.#known[slot] = 1;
    this.#wake();
  }

  /** All links before `slot`, one XORed with the next. They must be known. Takes time in proportion to `slot`. */
  before(slot: number): Uint8Array {
    let [low, high] = [0, 0];
    for (let i = 0; i < 2 * slot; i += 2) {
      low ^= this.#links[i]!;
      high ^= this.#links[i + 1]!;
    }
    const link = new Uint8Array(LINK);
    const view = new DataView(link.buffer);
    view.setInt32(0, low, true);
    view.setInt32(4, high, true);
    return link;
  }

  clear(): void {
    this.#known.fill(0);
    this.#wake();
  }

  /** Says that the slots from `next` to before `end` will be noted; `done` takes that back, as far as it was not done. */
  announce(by: Coming, next: number, end: number): { noted(slot: number): void; done(): void } {
    const coming = { by, next, end };
    this.#coming.add(coming);
    return {
      noted: (slot) => void (coming.next = slot + 1),
      done: () => {
        this.#coming.delete(coming);
        this.#wake();
      },
    };
  }

  /** Who is about to note the slot: rather a scan. */
  coming(slot: number): Coming | undefined {
    const by = [...this.#coming].filter(({ next, end }) => next <= slot && slot < end).map((coming) => coming.by);
    return by.includes("scan") ? "scan" : by[0];
  }

  /** Resolves when something was noted or is no longer announced: true; or else when patience has ended: false. */
  change(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.patience);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** What is known of the links, for `decodeIndex`. */
  encode(): Uint8Array {
    const head = new Uint8Array(2 + this.front.length + 8);
    head[0] = VERSION;
    head[1] = this.front.length;
    head.set(this.front, 2);
    new DataView(head.buffer).setBigUint64(head.length - 8, BigInt(this.size), true);
    const bits = new Uint8Array(Math.ceil(this.slots / 8));
    const links = new DataView(new ArrayBuffer(this.#known.reduce((sum, known) => sum + known * LINK, 0)));
    let at = 0;
    this.#known.forEach((known, slot) => {
      if (known === 0) return;
      bits[slot >> 3]! |= 1 << (slot & 7);
      links.setUint32(at, this.#links[2 * slot]!, true);
      links.setUint32(at + 4, this.#links[2 * slot + 1]!, true);
      at += LINK;
    });
    return Buffer.concat([head, bits, new Uint8Array(links.buffer)]);
  }
}

/** What `ChainIndex.encode` gave, wherever it was since; undefined for what is no such thing. */
export function decodeIndex(bytes: Uint8Array): ChainIndex | undefined {
  const length = bytes[1] ?? 0;
  const start = 2 + length + 8;
  if (bytes[0] !== VERSION || bytes.length < start) return undefined;
  const front = bytes.subarray(2, 2 + length);
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset + 2 + length, 8).getBigUint64(0, true));
  const header = headerOf(front);
  if (header === undefined || header.length + STREAM_HEADER !== length || !Number.isSafeInteger(size)) return undefined;
  const index = new ChainIndex(header, front, size);
  const links = start + Math.ceil(index.slots / 8);
  let at = links;
  for (let slot = 0; slot < index.slots; slot++) {
    if ((bytes[start + (slot >> 3)]! & (1 << (slot & 7))) === 0) continue;
    if (at + LINK > bytes.length) return undefined;
    index.note(slot, bytes.subarray(at, (at += LINK)));
  }
  return at === bytes.length ? index : undefined;
}

function headerOf(front: Uint8Array): Ds2Header | undefined {
  try {
    const header = decodeHeader(front, true);
    return typeof header === "object" && header.format === "ds2" ? header : undefined;
  } catch {
    // Not by a writer of indexes, then.
    return undefined;
  }
}
