/** Reads an object that was written in parts, one behind the other: with what a manifest says of them, or by their headers alone. */
import { equalBytes } from "@noble/ciphers/utils.js";
import { SEALED_CHUNK } from "../../../lib/cipher/cobblestone.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { ObjectError } from "./error.ts";
import { decodeHeader, PART_HEADER, type V3Header } from "./header.ts";
import { PART_FRONT, type Layout, type Place } from "./layout.ts";
import { NOTHING, Output, type Opener } from "./stream.ts";
import { partLength, V3Opener } from "./v3.ts";

/** Computes an MD5. */
export interface Digest {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** What all parts of an object have in common. */
export interface Whole {
  readonly objectId: Uint8Array;
  readonly keyId: bigint;
  /** The data key of that id. */
  readonly key: Uint8Array;
}

/** What the front of a part says, which is authentic. Throws `ObjectError` where it is of no part of the object. */
export function readPartFront(engine: Engine, whole: Whole, front: Uint8Array): { number: number; plain: number } {
  const { part, plain } = openFront(engine, whole, front).header;
  return { number: part, plain };
}

/** Nothing that the header says is believed before its key was opened, which is bound to it. */
function openFront(engine: Engine, { objectId, keyId, key }: Whole, front: Uint8Array) {
  const header = decodeHeader(front.slice(0, PART_HEADER), true);
  if (!isPart(header)) throw new ObjectError("forged", "where a part should begin there is something else");
  if (header.keyId !== keyId || !equalBytes(header.objectId, objectId))
    throw new ObjectError("forged", `part ${header.part} is of another object than the parts beside it`);
  const opener = new V3Opener(engine.chunks, key, header);
  opener.push(front.slice(PART_HEADER));
  return { header, opener };
}

interface Current {
  readonly opener: V3Opener;
  readonly header: V3Header;
  /** As the layout has it. */
  readonly place: Place | undefined;
  /** Held against the place, where nothing else tells one attempt at a part from another. */
  readonly md5: Digest | undefined;
  /** Bytes of it that are still to come. */
  left: number;
}

/** Whether the header is of a part: of an object by itself it has none. */
export function isPart(header: unknown): header is V3Header & { readonly plain: number } {
  return typeof header === "object" && (header as V3Header).format === "v3" && (header as V3Header).part > 0;
}

/**
 * Takes the object from its first byte on, or from a chunk on that `begin` was told. Without a layout any authentic parts of
 * the object in ascending order are taken, and nothing shows that they are all.
 */
export class PartsOpener implements Opener {
  readonly endProven: boolean;
  readonly #engine: Engine;
  readonly #whole: Whole;
  readonly #layout: Layout | undefined;
  readonly #newMd5: (() => Digest) | undefined;
  readonly #front = new Uint8Array(PART_FRONT);
  readonly #output = new Output();
  #seen = 0;
  #index = 0;
  #number = 0;
  #current: Current | undefined;
  salvaged: Uint8Array = NOTHING;

  /** `newMd5`: where a whole part is read of which the layout has no commitment, its MD5 is held against the layout's. */
  constructor(engine: Engine, whole: Whole, layout?: Layout, newMd5?: () => Digest) {
    this.#engine = engine;
    this.#whole = whole;
    this.#layout = layout;
    this.#newMd5 = newMd5;
    this.endProven = layout?.proven ?? false;
  }

  /** Parts that were read to their end. */
  get count(): number {
    return this.#index;
  }

  /** Instead of the first byte of the object, part `index` of the layout comes next; of it first chunk `chunk`, where `front` is given. */
  begin(index: number, chunk = 0, front?: Uint8Array): void {
    this.#index = index;
    if (front === undefined) return;
    this.#front.set(front);
    const { opener, left, ...current } = this.#open();
    opener.skipTo(chunk);
    this.#current = { ...current, opener, md5: undefined, left: left - chunk * SEALED_CHUNK };
  }

  push(sealed: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    try {
      this.#take(sealed, pieces);
    } catch (error) {
      this.salvaged = this.#joined([...pieces, this.#current?.opener.salvaged ?? NOTHING]);
      throw error;
    }
    return this.#joined(pieces);
  }

  #take(sealed: Uint8Array, pieces: Uint8Array[]): void {
    for (let rest = sealed; rest.length > 0;) {
      const current = this.#current;
      const taken = rest.subarray(0, current?.left ?? PART_FRONT - this.#seen);
      rest = rest.subarray(taken.length);
      if (current === undefined) this.#see(taken);
      else {
        current.left -= taken.length;
        pieces.push(current.opener.push(taken));
        if (current.left === 0) pieces.push(current.opener.finish());
        for (const piece of pieces.slice(current.left === 0 ? -2 : -1)) current.md5?.update(piece);
        if (current.left === 0) this.#close(current);
      }
    }
  }

  /** A copy: within one call a part may have been called twice, which ends what it gave before. */
  #joined(pieces: readonly Uint8Array[]): Uint8Array {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const out = this.#output.room(length);
    let at = 0;
    for (const piece of pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out.subarray(0, length);
  }

  finish(): Uint8Array {
    if (this.#seen > 0 || this.#current !== undefined)
      throw new ObjectError("truncated", `the object ends within the part behind part ${this.#number}`);
    const most = this.#layout?.parts.length ?? 0;
    if (this.#index < most) throw new ObjectError("truncated", `the object has ${this.#index} of its ${most} parts`);
    return new Uint8Array(0);
  }

  #see(bytes: Uint8Array): void {
    this.#front.set(bytes, this.#seen);
    this.#seen += bytes.length;
    if (this.#seen < PART_FRONT) return;
    this.#seen = 0;
    this.#current = this.#open();
  }

  /** The part that the front is of. */
  #open(): Current {
    const { header, opener } = openFront(this.#engine, this.#whole, this.#front);
    const { part, plain } = header;
    if (part <= this.#number) throw new ObjectError("forged", `part ${part} stands behind part ${this.#number}`);
    const place = this.#layout?.parts[this.#index];
    if (this.#layout !== undefined && place === undefined)
      throw new ObjectError("forged", `part ${part} is one more than the object has`);
    if (place !== undefined && ((place.number ?? part) !== part || place.plain !== plain))
      throw new ObjectError("forged", `part ${part} of ${plain} bytes stands where another should`);
    if (place?.commitment !== undefined && !equalBytes(place.commitment, opener.commitment!))
      throw new ObjectError("forged", `part ${part} is another attempt than the one that counts`);
    const holds = place?.md5 !== undefined && place.commitment === undefined;
    const md5 = holds ? this.#newMd5?.() : undefined;
    return { opener, header, place, md5, left: partLength(plain) - PART_FRONT };
  }

  #close({ header, place, md5 }: Current): void {
    if (md5 !== undefined && !equalBytes(Uint8Array.from(md5.digest()), place!.md5!))
      throw new ObjectError("forged", `part ${header.part} is not the one whose MD5 the writer named`);
    this.#number = header.part;
    this.#index++;
    this.#current = undefined;
  }
}
