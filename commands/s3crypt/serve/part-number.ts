/** `?partNumber=` of a read: which bytes of the plaintext it means. Sends nothing. */
import type { Place } from "../object/layout.ts";
import type { Conditions } from "./read-head.ts";
import { S3Trouble } from "./s3-trouble.ts";

/** Where a part is in the plaintext. */
type PlainPlace = Pick<Place, "plainAt" | "plain">;

/** The conditions of a read of a part before it is known which parts there are: a range of something. */
export function askingPart(conditions: Conditions, part: number | undefined): Conditions {
  return part === undefined ? conditions : { ...conditions, range: "bytes=0-", ifRange: undefined, part };
}

/**
 * The conditions with the range that their part has. Parts are counted from 1 in the order in which they are in the
 * object, whatever their numbers in the upload. A part of nothing has no range. Throws `S3Trouble` (416).
 */
export function withParts(conditions: Conditions, parts: readonly PlainPlace[]): Conditions {
  if (conditions.part === undefined) return conditions;
  const { plainAt, plain } = placeOfPart(conditions.part, parts);
  const range = plain === 0 ? undefined : `bytes=${plainAt}-${plainAt + plain - 1}`;
  return { ...conditions, range, parts: parts.length };
}

/** Of an object that was written as one, all is part 1; `total` is undefined where the size is not known. */
export function asOnePart(conditions: Conditions, total: number | undefined): Conditions {
  return { ...withParts(conditions, [{ plainAt: 0, plain: total ?? 0 }]), parts: undefined };
}

export function placeOfPart(part: number, parts: readonly PlainPlace[]): PlainPlace {
  const place = parts[part - 1];
  if (place === undefined) throw new S3Trouble("invalid_part", "InvalidPartNumber", "the object has fewer parts");
  return place;
}
