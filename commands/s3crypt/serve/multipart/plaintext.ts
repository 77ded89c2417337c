/** The plaintext of a range of any object at the storage, for what the proxy reads by itself. */
import { PREAMBLE } from "../../../../lib/cipher/cobblestone.ts";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { ObjectError } from "../../object/error.ts";
import { decodeHeader, LONGEST_HEADER } from "../../object/header.ts";
import { isPart } from "../../object/parts.ts";
import { openRanges } from "../../object/range.ts";
import type { Exchange } from "../exchange.ts";
import { beginningOf, StorageSource } from "../storage-source.ts";
import { Trouble } from "../trouble.ts";
import { ask, readingFields, type Place } from "./ask.ts";
import { askRange, layoutFor } from "./layouts.ts";
import { markOf, piecesOfRange } from "./read.ts";

/** Bytes in which every object shows what it is. */
const FRONT = LONGEST_HEADER + PREAMBLE;

/**
 * Authentic pieces of the bytes from `start` to before `end`, which are not none, of the object at `place` while the storage
 * has this tag for it. Throws `ObjectError`, `Trouble`.
 */
export async function* plaintextOf(
  x: Exchange,
  place: Place,
  tag: string,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const answer = await askRange(x, place, 0, FRONT, tag);
  if (answer.statusCode !== 206) {
    answer.destroy();
    throw new Trouble("upstream_broken", `the storage gives no range of the object: status ${answer.statusCode}`);
  }
  const beginning = await beginningOf(answer, FRONT);
  const header = decodeHeader(beginning.bytes, true);
  const mark = markOf(x, answer) ?? (isPart(header) ? header : undefined);
  if (mark !== undefined) {
    yield* piecesOfRange(x, place, await layoutFor(x, answer, mark, place), start, end);
    return;
  }
  const { tools, keys, settings } = x.gateway;
  const again = (fields: readonly Field[]) => ask(x, { method: "GET", ...place, fields });
  const source = new StorageSource(x, readingFields(x), beginning, again);
  try {
    const object = await openRanges(tools.engine, keys, settings.demands, source);
    if (end > object.plainSize) throw new ObjectError("truncated", "the object is shorter than it was said to be");
    yield* object.readRange(start, end);
  } finally {
    source.close();
  }
}
