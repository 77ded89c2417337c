/** The head of an answer with an object: its tag, what the conditions of the request come to, and the fields. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { formatContentRange, formatUnsatisfied, readRange, type ByteRange } from "../../../lib/wire/http-range.ts";
import type { ObjectKind } from "../object/open.ts";
import { holdsIfMatch, holdsIfNoneMatch, holdsIfRange, type Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { identifyingLength, openFacts } from "./sealed-facts.ts";
import { Trouble } from "./trouble.ts";

/** What an answer says of the storage's bytes. */
export const OF_CIPHERTEXT = ["content-length", "etag", "content-md5", "accept-ranges", "content-range", "digest"];

export interface Conditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly ifRange: string | undefined;
  readonly range: string | undefined;
  /** That is asked for in place of a range (part-number.ts). */
  readonly part?: number | undefined;
  /** How many there are, where a part is asked for. */
  readonly parts?: number | undefined;
}

export function conditionsOf({ asked }: Exchange): Conditions {
  return {
    match: joined(asked.headers, "if-match"),
    noneMatch: joined(asked.headers, "if-none-match"),
    ifRange: joined(asked.headers, "if-range"),
    range: joined(asked.headers, "range"),
  };
}

/** A tag counts before a date (RFC 9110 section 13.2.2): dates are the storage's to judge only where there is no tag. */
export function datesBesideTags({ match, noneMatch }: Pick<Conditions, "match" | "noneMatch">): string[] {
  return [
    ...(match === undefined ? [] : ["if-unmodified-since"]),
    ...(noneMatch === undefined ? [] : ["if-modified-since"]),
  ];
}

function joined(fields: readonly Field[], name: string): string | undefined {
  const values = fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** `range` is that of 206 alone. */
export interface Verdict {
  readonly status: 200 | 206 | 304 | 416;
  readonly range: ByteRange | undefined;
  /** To be told. */
  readonly parts?: number | undefined;
}

/** `total` is undefined where the size is not known: then there are no ranges. Throws `Trouble` (412). */
export function judge(
  conditions: Conditions,
  { headers }: IncomingMessage,
  tag: Tag,
  total: number | undefined,
): Verdict {
  if (!holdsIfMatch(conditions.match, tag)) throw new Trouble("precondition_failed", "the object is another one");
  if (!holdsIfNoneMatch(conditions.noneMatch, tag)) return { status: 304, range: undefined };
  const asked = holdsIfRange(conditions.ifRange, tag, headers["last-modified"]) ? conditions.range : undefined;
  const wanted = total === undefined ? ({ kind: "whole" } as const) : readRange(asked, total);
  if (wanted.kind === "unsatisfiable") return { status: 416, range: undefined };
  // Several ranges at once are answered with all of it, as RFC 9110 section 14.2 allows.
  const range = wanted.kind === "ranges" && wanted.ranges.length === 1 ? wanted.ranges[0] : undefined;
  return { status: range === undefined ? 200 : 206, range, parts: conditions.parts };
}

/** Begins the answer, and ends it where it has no content; whether content is to follow. */
export function answerHead(
  x: Exchange,
  answer: IncomingMessage,
  { status, range, parts }: Verdict,
  tag: Tag,
  total: number | undefined,
): boolean {
  const tags = tagFields(tag);
  if (status === 416) {
    x.reply(416, [["Content-Range", formatUnsatisfied(total ?? 0)], ...tags]);
    return false;
  }
  const fields = [...x.answerFields(answer, ...OF_CIPHERTEXT), ...tags, ...partsFields(parts)];
  x.begin(status, status === 304 ? fields : [...fields, ...lengthFields(range, total)]);
  if (status === 304) x.end();
  return status !== 304;
}

/** The MD5 of the plaintext, where it is known for certain. `beginning` is the object's. */
export function tagOf(
  { gateway }: Exchange,
  { headers }: IncomingMessage,
  kind: ObjectKind,
  beginning: Uint8Array,
  total: number | undefined,
): Tag {
  if (typeof kind === "string") return headers.etag;
  const { dialect } = gateway.tools;
  const text = headers[dialect.factsField];
  const facts =
    typeof text === "string"
      ? openFacts(text, gateway.keys, beginning.subarray(0, identifyingLength(kind)))
      : undefined;
  const isKnown = facts?.md5 !== undefined && (facts.size === undefined || facts.size === total);
  return isKnown ? formatTag(facts.md5) : dialect.tagFrom?.(headers.etag ?? "");
}

export function formatTag(md5: Uint8Array): string {
  return `"${Buffer.from(md5).toString("hex")}"`;
}

function tagFields(tag: Tag): Field[] {
  return tag === undefined ? [] : [["ETag", tag]];
}

export function partsFields(parts: number | undefined): Field[] {
  return parts === undefined ? [] : [["x-amz-mp-parts-count", String(parts)]];
}

export function lengthFields(range: ByteRange | undefined, total: number | undefined): Field[] {
  if (total === undefined) return [];
  const accept: Field = ["Accept-Ranges", "bytes"];
  if (range === undefined) return [accept, ["Content-Length", String(total)]];
  const length = range.last - range.first + 1;
  return [accept, ["Content-Length", String(length)], ["Content-Range", formatContentRange(range, total)]];
}

/** A large object of Swift: the storage puts it together from segments. */
export function isManifest({ headers }: IncomingMessage): boolean {
  return headers["x-static-large-object"] !== undefined || headers["x-object-manifest"] !== undefined;
}
