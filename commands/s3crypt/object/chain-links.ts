/** Finds the links before a message: from the index, from who is reading them just now, or from the object. Opens no message. */
import { MAC_LENGTH, MESSAGE_OVERHEAD } from "../../../lib/cipher/engine.ts";
import { LINK, type ChainIndex } from "./chain-index.ts";
import { GAP, readExactly, WINDOW, windows, type Source } from "./source.ts";

/** MACs that are read at once where each is read by itself. */
const TOGETHER = 32;

/**
 * The links of all messages before `message`, one XORed with the next. Fills the index on the way, in steps, so that several
 * who want it of one index read no step twice. Throws what the source throws.
 */
export async function linksBefore(index: ChainIndex, chunkSize: number, source: Source, message: number) {
  const slot = Math.min(Math.floor(message / index.stride), index.slots);
  for (let patient = true; ;) {
    const unknown = index.firstUnknown(slot);
    if (unknown === slot) break;
    const coming = index.coming(unknown);
    if (coming === "scan" || (coming === "reading" && patient)) {
      const news = await index.change();
      if (coming === "reading") patient = news;
      continue;
    }
    const end = index.firstKnown(unknown, Math.min(slot, unknown + slotsOfStep(index, chunkSize)));
    const announced = index.announce("scan", unknown, end);
    try {
      await scan(index, chunkSize, source, unknown, end);
    } finally {
      announced.done();
    }
  }
  const links = index.before(slot);
  await macs(index, chunkSize, source, slot * index.stride, message, (_, mac) => xorLink(links, mac));
  return links;
}

/** Adds a MAC to links. */
export function xorLink(links: Uint8Array, mac: Uint8Array): void {
  for (let i = 0; i < LINK; i++) links[i]! ^= mac[i]!;
}

/** Notes slots as their messages come by, in order and from any message on; what is not whole is left out. */
export class SlotNotes {
  readonly #index: ChainIndex;
  readonly #link = new Uint8Array(LINK);
  #whole = false;

  constructor(index: ChainIndex) {
    this.#index = index;
  }

  /** Answers the slot that is whole now. */
  add(message: number, mac: Uint8Array): number | undefined {
    const { stride, slots } = this.#index;
    const slot = Math.floor(message / stride);
    if (message % stride === 0) {
      this.#whole = true;
      this.#link.fill(0);
    }
    xorLink(this.#link, mac);
    if (!this.#whole || message % stride !== stride - 1 || slot >= slots) return undefined;
    this.#index.note(slot, this.#link);
    return slot;
  }
}

function slotsOfStep({ stride }: ChainIndex, chunkSize: number): number {
  return Math.max(1, Math.floor(WINDOW / (chunkSize + MESSAGE_OVERHEAD) / stride));
}

async function scan(index: ChainIndex, chunkSize: number, source: Source, from: number, to: number): Promise<void> {
  const notes = new SlotNotes(index);
  await macs(index, chunkSize, source, from * index.stride, to * index.stride, (message, mac) => {
    notes.add(message, mac);
  });
}

/** The MACs of the messages from `from` to before `to`, none of them the last, in their order. */
async function macs(
  { front }: ChainIndex,
  chunkSize: number,
  source: Source,
  from: number,
  to: number,
  take: (message: number, mac: Uint8Array) => void,
): Promise<void> {
  const size = chunkSize + MESSAGE_OVERHEAD;
  const macAt = size - MAC_LENGTH;
  if (macAt > (source.gap ?? GAP)) {
    for (let message = from; message < to; message += TOGETHER) {
      const count = Math.min(TOGETHER, to - message);
      const reads = Array.from({ length: count }, (_, i) =>
        readExactly(source, front.length + (message + i) * size + macAt, LINK),
      );
      (await Promise.all(reads)).forEach((mac, i) => take(message + i, mac));
    }
    return;
  }
  let message = from;
  const [start, end] = [front.length + from * size, front.length + to * size];
  for await (const bytes of windows(source, start, end, size))
    for (let at = macAt; at < bytes.length; at += size) take(message++, bytes.subarray(at, at + LINK));
}
