/** The Range of a request against the size of what it asks for (RFC 9110 section 14). Conditions, as If-Range, are the caller's. */

/** Both included, as in the header; `first <= last < size`. */
export interface ByteRange {
  first: number;
  last: number;
}

/** `whole`: there is no Range, or none that counts. `unsatisfiable` is answered with 416. */
export type RangeAnswer =
  { kind: "whole" } | { kind: "ranges"; ranges: ByteRange[] } | { kind: "unsatisfiable"; size: number };

/** Most ranges of one request; more is an attack, or a client that had better read all (section 14.2). */
const MOST = 64;

const WHOLE: RangeAnswer = { kind: "whole" };

/**
 * Reads the value of a Range header. Another unit, a malformed one, more than 64 ranges: all as if there were none, as
 * section 14.2 allows. Ranges are in the order asked for, those that do not overlap the content are left out.
 */
export function readRange(value: string | undefined, size: number): RangeAnswer {
  const [, set] = /^bytes=(.*)$/is.exec(value ?? "") ?? [];
  if (set === undefined) return WHOLE;
  const specs = set.split(",", MOST + 1).map((spec) => spec.replace(/^[ \t]+|[ \t]+$/g, ""));
  const asked = specs.filter((spec) => spec !== "");
  if (asked.length === 0 || specs.length > MOST) return WHOLE;
  const ranges: ByteRange[] = [];
  for (const spec of asked) {
    const range = rangeOf(spec, size);
    if (range === "whole") return WHOLE;
    if (range !== undefined) ranges.push(range);
  }
  return ranges.length === 0 ? { kind: "unsatisfiable", size } : { kind: "ranges", ranges };
}

/** Undefined where it overlaps nothing; `whole` where it is malformed, and for the end of nothing, which is all of it. */
function rangeOf(spec: string, size: number): ByteRange | "whole" | undefined {
  const [, from, to] = /^([0-9]*)-([0-9]*)$/.exec(spec) ?? [];
  if (from === undefined || (from === "" && to === "")) return "whole";
  if (from === "") {
    const length = Number(to);
    if (length === 0) return undefined;
    return size === 0 ? "whole" : { first: Math.max(0, size - length), last: size - 1 };
  }
  const first = Number(from);
  const last = to === "" ? Infinity : Number(to);
  if (last < first) return "whole";
  return first < size ? { first, last: Math.min(last, size - 1) } : undefined;
}

/** `Content-Range` of 206. */
export function formatContentRange({ first, last }: ByteRange, size: number): string {
  return `bytes ${first}-${last}/${size}`;
}

/** `Content-Range` of 416. */
export function formatUnsatisfied(size: number): string {
  return `bytes */${size}`;
}

/** `Content-Range` of an answer: the range, and the size where it is told. Undefined for any other form. */
export function parseContentRange(value: string): { range: ByteRange; size: number | undefined } | undefined {
  const [, first, last, size] = /^bytes ([0-9]{1,15})-([0-9]{1,15})\/([0-9]{1,15}|\*)$/i.exec(value) ?? [];
  if (first === undefined) return undefined;
  const range = { first: Number(first), last: Number(last) };
  const whole = size === "*" ? undefined : Number(size);
  return range.first > range.last || (whole !== undefined && range.last >= whole) ? undefined : { range, size: whole };
}
