/** Reads any range of an object that was written in parts, without its manifest, from a source that is read in any order. See FORMAT.md. */
import type { Engine } from "../../../lib/cipher/engine.ts";
import { ObjectError } from "./error.ts";
import type { V3Header } from "./header.ts";
import { Layout, PART_FRONT, type Part } from "./layout.ts";
import { admit, requiresManifest, type Demands, type Keys } from "./open.ts";
import { PartsOpener, readPartFront, type Whole } from "./parts.ts";
import { readExactly, windows, type Source } from "./source.ts";
import { partLength } from "./v3.ts";

export class PartsRanges {
  readonly kind: V3Header;
  /** Nothing shows that these are all the parts. */
  readonly endProven = false;
  readonly #engine: Engine;
  readonly #whole: Whole;
  readonly #layout: Layout;
  readonly #source: Source;

  constructor(engine: Engine, kind: V3Header, whole: Whole, layout: Layout, source: Source) {
    this.#engine = engine;
    this.kind = kind;
    this.#whole = whole;
    this.#layout = layout;
    this.#source = source;
  }

  /** Of the parts that are there; each says its length, and is as long. */
  get plainSize(): number {
    return this.#layout.plain;
  }

  /** As `ObjectRanges.readRange`. */
  async *readRange(start: number, end: number): AsyncGenerator<Uint8Array> {
    const { plain, parts } = this.#layout;
    if (!(Number.isSafeInteger(start) && Number.isSafeInteger(end) && 0 <= start && start <= end && end <= plain))
      throw new RangeError(`no range of ${plain} bytes: ${start} to ${end}`);
    if (start === end) return;
    const { index, chunk, needsFront, from, to, skip } = this.#layout.needed(start, end);
    const opener = new PartsOpener(this.#engine, this.#whole, this.#layout);
    const front = needsFront ? await readExactly(this.#source, parts[index]!.at, PART_FRONT) : undefined;
    opener.begin(index, chunk, front);
    let [ahead, left] = [skip, end - start];
    for await (const sealed of windows(this.#source, from, to, 1)) {
      const opened = opener.push(sealed);
      const piece = opened.subarray(Math.min(ahead, opened.length), ahead + left);
      ahead = Math.max(0, ahead - opened.length);
      left -= piece.length;
      // The opener uses its memory again.
      if (piece.length > 0) yield piece.slice();
    }
    if (left > 0) throw new ObjectError("truncated", "the object ends before its range does");
  }
}

/** `first` is the header that the object begins with. Reads the front of each part. Throws `ObjectError`, and what the source throws. */
export async function openPartsRanges(
  engine: Engine,
  keys: Keys,
  demands: Demands,
  source: Source,
  first: V3Header,
): Promise<PartsRanges> {
  const key = admit(first, keys, demands)!;
  if (requiresManifest(first, demands))
    throw new ObjectError(
      "unproven_end",
      "the object is in parts, and without its manifest nothing shows that they are all",
    );
  const { objectId, keyId } = first;
  const whole = { objectId, keyId, key };
  const layout = new Layout(objectId, keyId, false, await partsOf(engine, whole, source));
  if (layout.sealed !== source.size)
    throw new ObjectError("truncated", `the object has ${source.size} bytes, and its parts have ${layout.sealed}`);
  return new PartsRanges(engine, first, whole, layout, source);
}

/** Each says where the next one begins; since their numbers ascend, they are not too many. */
async function partsOf(engine: Engine, whole: Whole, source: Source): Promise<Part[]> {
  const parts: (Part & { number: number })[] = [];
  for (let at = 0; at < source.size;) {
    const part = readPartFront(engine, whole, await readExactly(source, at, PART_FRONT));
    const before = parts.at(-1)?.number ?? 0;
    if (part.number <= before) throw new ObjectError("forged", `part ${part.number} stands behind part ${before}`);
    parts.push(part);
    at += partLength(part.plain);
  }
  return parts;
}
