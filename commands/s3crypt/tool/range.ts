/** `--range`: a part of what an object was made of, read without the rest. */
import { usage } from "../../../lib/command/argv.ts";
import { EXIT, PortailError } from "../../../lib/command/errors.ts";
import type { Engine } from "../../../lib/cipher/engine.ts";
import { readRange } from "../../../lib/wire/http-range.ts";
import { ObjectError } from "../object/error.ts";
import type { Demands, Keys, ObjectKind } from "../object/open.ts";
import { decodeHeader, LONGEST_HEADER } from "../object/header.ts";
import { isPart } from "../object/parts.ts";
import { openPartsRanges } from "../object/range-parts.ts";
import { openRanges, type ObjectRanges } from "../object/range.ts";
import type { Source } from "./source.ts";
import { unopened } from "./transfer.ts";

const HINT = "write A-B (from byte A to byte B), A- or -N (the last N bytes); the first byte is 0";

type Ranges = Pick<ObjectRanges, "kind" | "plainSize" | "endProven" | "readRange">;

/** From `start` to before `end`. */
class Part {
  readonly pieces: AsyncIterable<Uint8Array>;
  readonly #ranges: Ranges;
  readonly #end: number;

  constructor(ranges: Ranges, start: number, end: number) {
    this.#ranges = ranges;
    this.#end = end;
    this.pieces = ranges.readRange(start, end);
  }

  get kind(): ObjectKind {
    return this.#ranges.kind;
  }

  /** Where the object ends does not matter to a part before its end. */
  get endProven(): boolean {
    return this.#end < this.#ranges.plainSize || this.#ranges.endProven;
  }
}

/** Throws `PortailError`: for an input that cannot be read in any order, an object that does not open, a range that it lacks. */
export async function openRange(
  engine: Engine,
  keys: Keys,
  demands: Demands,
  source: Source,
  text: string,
): Promise<Part> {
  const { size } = source;
  const range = `bytes=${text}`;
  const meant = readRange(range, Number.MAX_SAFE_INTEGER);
  if (meant.kind === "whole" || (meant.kind === "ranges" && meant.ranges.length > 1))
    throw usage("usage.value", `--range: ${JSON.stringify(text)} is no range`, HINT);
  if (size === undefined) throw usage("s3crypt.range", `${source.name} cannot be read in parts`, "name a file to read");
  try {
    const read = (offset: number, length: number) => source.at(offset, length);
    const header = decodeHeader(await read(0, LONGEST_HEADER), true);
    const object = { size, read };
    const ranges = isPart(header)
      ? await openPartsRanges(engine, keys, demands, object, header)
      : await openRanges(engine, keys, demands, object);
    const found = readRange(range, ranges.plainSize);
    // For HTTP the end of nothing is all of it.
    if (found.kind !== "ranges") {
      throw new PortailError(`--range: nothing of ${text} is in an object of ${ranges.plainSize} bytes`, {
        code: "s3crypt.range",
        exit: EXIT.badData,
        hint: "portail s3crypt inspect tells the size",
      });
    }
    const [{ first, last }] = found.ranges as [(typeof found.ranges)[number]];
    return new Part(ranges, first, last + 1);
  } catch (error) {
    throw error instanceof ObjectError ? unopened(error) : error;
  }
}
