/** What is answered to a GET of an object, from its conditions and its range: they are held against the plaintext. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { formatContentRange, formatUnsatisfied, readRange, type ByteRange } from "../../../lib/wire/http-range.ts";
import { holdsIfMatch, holdsIfNoneMatch, holdsIfRange, type Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { Trouble } from "./trouble.ts";

/** What an answer says of the storage's bytes. */
export const OF_CIPHERTEXT = ["content-length", "etag", "content-md5", "accept-ranges", "content-range", "digest"];

/** Fields of the request; several of a name are joined. */
export interface Conditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly ifRange: string | undefined;
  readonly range: string | undefined;
}

export interface Settled {
  readonly status: 200 | 206;
  readonly fields: readonly Field[];
  /** Undefined is all of it. */
  readonly range: ByteRange | undefined;
}

/** Undefined where it was answered without the object. `total` is undefined where the size is not known. Throws `Trouble`. */
export function settle(
  x: Exchange,
  answer: IncomingMessage,
  conditions: Conditions,
  tag: Tag,
  total: number | undefined,
): Settled | undefined {
  const fields = [...x.answerFields(answer, ...OF_CIPHERTEXT), ...tagFields(tag)];
  if (!holdsIfMatch(conditions.match, tag)) throw new Trouble("precondition_failed", "the object is another one");
  if (!holdsIfNoneMatch(conditions.noneMatch, tag)) {
    x.begin(304, fields);
    x.end();
    return undefined;
  }
  const modified = answer.headers["last-modified"];
  const asked = holdsIfRange(conditions.ifRange, tag, modified) ? conditions.range : undefined;
  const wanted = total === undefined ? ({ kind: "whole" } as const) : readRange(asked, total);
  if (wanted.kind === "unsatisfiable") {
    x.reply(416, [["Content-Range", formatUnsatisfied(wanted.size)], ...tagFields(tag)]);
    return undefined;
  }
  // Several ranges at once are answered with all of it, as RFC 9110 section 14.2 allows.
  const range = wanted.kind === "ranges" && wanted.ranges.length === 1 ? wanted.ranges[0] : undefined;
  return { status: range === undefined ? 200 : 206, fields: [...fields, ...lengthFields(range, total)], range };
}

function tagFields(tag: Tag): Field[] {
  return tag === undefined ? [] : [["ETag", tag]];
}

function lengthFields(range: ByteRange | undefined, total: number | undefined): Field[] {
  if (total === undefined) return [];
  const accept: Field = ["Accept-Ranges", "bytes"];
  if (range === undefined) return [accept, ["Content-Length", String(total)]];
  const length = range.last - range.first + 1;
  return [accept, ["Content-Length", String(length)], ["Content-Range", formatContentRange(range, total)]];
}
