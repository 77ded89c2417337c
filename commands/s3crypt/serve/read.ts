/** GET of an object: decrypted on its way, with the size, the tag, the conditions and the ranges of the plaintext. */
import type { IncomingMessage } from "node:http";
import { formatContentRange, formatUnsatisfied, readRange, type ByteRange } from "../../../lib/wire/http-range.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { holdsIfMatch, holdsIfNoneMatch, holdsIfRange, type Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { ObjectAnswer } from "./object-answer.ts";
import { Trouble } from "./trouble.ts";

/** Conditions and ranges are about the plaintext; the storage would hold them against its own bytes. */
const OURS = ["range", "if-range", "if-match", "if-none-match", "accept-encoding", "te"];
/** What an answer says of the storage's bytes. */
export const OF_CIPHERTEXT = ["content-length", "etag", "content-md5", "accept-ranges", "content-range", "digest"];

export async function read(x: Exchange): Promise<void> {
  const conditions = conditionsOf(x);
  const answer = await x.ask("GET", [...fieldsFor(x, conditions), ["Accept-Encoding", "identity"]]);
  if (answer.statusCode !== 200) {
    if (answer.statusCode === 206)
      throw new Trouble("upstream_broken", "the storage sent a range that nobody asked for");
    await x.passOn(answer, [], answer.statusCode === 304 ? ["etag"] : []);
    return;
  }
  try {
    await hand(x, answer, conditions);
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

async function hand(x: Exchange, answer: IncomingMessage, conditions: Conditions): Promise<void> {
  const { settings, tools, keys, counts } = x.gateway;
  const object = await ObjectAnswer.open(answer, tools.engine, keys, settings.demands);
  const { kind } = object;
  tell(x, object);
  if (isManifest(answer) && kind !== "plaintext")
    throw new Trouble("unsupported", "a large object of encrypted segments cannot be read as one");
  const total = object.plainLength();
  const tag = tagOf(x, answer, object, total);
  const fields = [...x.answerFields(answer, ...OF_CIPHERTEXT), ...tagFields(tag)];
  if (!holdsIfMatch(conditions.match, tag)) throw new Trouble("precondition_failed", "the object is another one");
  if (!holdsIfNoneMatch(conditions.noneMatch, tag)) {
    object.destroy();
    x.begin(304, fields);
    x.end();
    return;
  }
  const modified = answer.headers["last-modified"];
  const asked = holdsIfRange(conditions.ifRange, tag, modified) ? conditions.range : undefined;
  const wanted = total === undefined ? ({ kind: "whole" } as const) : readRange(asked, total);
  if (wanted.kind === "unsatisfiable") {
    object.destroy();
    x.reply(416, [["Content-Range", formatUnsatisfied(wanted.size)], ...tagFields(tag)]);
    return;
  }
  // Several ranges at once are answered with all of it, as RFC 9110 section 14.2 allows.
  const range = wanted.kind === "ranges" && wanted.ranges.length === 1 ? wanted.ranges[0] : undefined;
  x.begin(range === undefined ? 200 : 206, [...fields, ...lengthFields(range, total)]);
  await write(x, object, range);
  x.told.end = object.isWhole && object.endProven ? "proven" : "unproven";
  if (object.isWhole && typeof kind === "object" && !object.endProven) counts.unproven++;
  x.end();
}

/** Until all that is wanted is out. The seam for object/range.ts: what is skipped here need not be fetched there. */
async function write(x: Exchange, object: ObjectAnswer, range: ByteRange | undefined): Promise<void> {
  const first = range?.first ?? 0;
  const end = range === undefined ? Infinity : range.last + 1;
  let at = 0;
  for (let piece = await object.next(); piece !== undefined; piece = await object.next()) {
    const from = Math.max(0, first - at);
    const to = Math.min(piece.length, end - at);
    at += piece.length;
    x.gateway.counts.decrypted += piece.length;
    if (from < to) await x.write(piece.subarray(from, to));
    if (at >= end && range !== undefined) {
      object.destroy();
      return;
    }
  }
}

interface Conditions {
  readonly match: string | undefined;
  readonly noneMatch: string | undefined;
  readonly ifRange: string | undefined;
  readonly range: string | undefined;
}

function conditionsOf({ asked }: Exchange): Conditions {
  return {
    match: joined(asked.headers, "if-match"),
    noneMatch: joined(asked.headers, "if-none-match"),
    ifRange: joined(asked.headers, "if-range"),
    range: joined(asked.headers, "range"),
  };
}

function joined(fields: readonly Field[], name: string): string | undefined {
  const values = fields.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** A tag counts before a date (RFC 9110 section 13.2.2): dates are the storage's to judge only where there is no tag. */
function fieldsFor(x: Exchange, { match, noneMatch }: Conditions): Field[] {
  const dates = [
    ...(match === undefined ? [] : ["if-unmodified-since"]),
    ...(noneMatch === undefined ? [] : ["if-modified-since"]),
  ];
  return x.fieldsWithout(...OURS, ...dates);
}

function tell(x: Exchange, { kind }: ObjectAnswer): void {
  x.told.format = typeof kind === "string" ? kind : kind.format;
  if (typeof kind === "object") x.told.keyId = kind.keyId;
  x.gateway.counts.opened(x.told.format);
  if (kind === "plaintext" && x.gateway.settings.demands.warns)
    x.gateway.tools.log.warn("an object is not encrypted", { path: x.asked.path, session: x.client.session });
}

/** The MD5 of the plaintext, where it is known for certain. */
function tagOf(x: Exchange, answer: IncomingMessage, object: ObjectAnswer, total: number | undefined): Tag {
  if (typeof object.kind === "string") return answer.headers.etag;
  const { dialect } = x.gateway.tools;
  const facts = object.facts(answer.headers[dialect.factsField] as string | undefined, x.gateway.keys);
  return facts?.md5 === undefined || (facts.size !== undefined && facts.size !== total)
    ? dialect.tagFrom?.(answer.headers.etag ?? "")
    : formatTag(facts.md5);
}

export function formatTag(md5: Uint8Array): string {
  return `"${Buffer.from(md5).toString("hex")}"`;
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

/** A large object of Swift: the storage puts it together from segments. */
export function isManifest({ headers }: IncomingMessage): boolean {
  return headers["x-static-large-object"] !== undefined || headers["x-object-manifest"] !== undefined;
}
