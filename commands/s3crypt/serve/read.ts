/** GET of an object: decrypted on its way, with the size, the tag, the conditions and the ranges of the plaintext. */
import type { IncomingMessage } from "node:http";
import type { ByteRange } from "../../../lib/wire/http-range.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { isPart } from "../object/parts.ts";
import type { Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { markOf, readParts, readRemembered } from "./multipart/read.ts";
import { ObjectAnswer } from "./object-answer.ts";
import { formatTag } from "./tags.ts";
import { settle, type Conditions } from "./settle.ts";
import { Trouble } from "./trouble.ts";

/** Conditions and ranges are about the plaintext; the storage would hold them against its own bytes. */
const OURS = ["range", "if-range", "if-match", "if-none-match", "accept-encoding", "te"];

export async function read(x: Exchange): Promise<void> {
  const conditions = conditionsOf(x);
  if (await readRemembered(x, conditions)) return;
  const answer = await askWhole(x, conditions);
  if (answer.statusCode !== 200) {
    if (answer.statusCode === 206)
      throw new Trouble("upstream_broken", "the storage sent a range that nobody asked for");
    await x.passOn(answer, [], answer.statusCode === 304 ? ["etag"] : []);
    return;
  }
  const mark = markOf(x, answer);
  try {
    await (mark === undefined ? hand(x, answer, conditions) : readParts(x, answer, mark, conditions));
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

function askWhole(x: Exchange, conditions: Conditions): Promise<IncomingMessage> {
  return x.ask("GET", [...fieldsFor(x, conditions), ["Accept-Encoding", "identity"]]);
}

async function hand(x: Exchange, answer: IncomingMessage, conditions: Conditions): Promise<void> {
  const { settings, tools, keys, counts } = x.gateway;
  const object = await ObjectAnswer.open(answer, tools.engine, keys, { ...settings.demands, seesManifests: true });
  const { kind } = object;
  if (isPart(kind)) {
    // What is kept beside it was lost, as in a copy.
    object.destroy();
    await readParts(x, await askWhole(x, conditions), kind, conditions);
    return;
  }
  tell(x, object);
  if (isManifest(answer) && kind !== "plaintext")
    throw new Trouble("unsupported", "a large object of encrypted segments cannot be read as one");
  const total = object.plainLength();
  const tag = tagOf(x, answer, object, total);
  const settled = settle(x, answer, conditions, tag, total);
  if (settled === undefined) {
    object.destroy();
    return;
  }
  x.begin(settled.status, settled.fields);
  await write(x, object, settled.range);
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

/** A large object of Swift: the storage puts it together from segments. */
export function isManifest({ headers }: IncomingMessage): boolean {
  return headers["x-static-large-object"] !== undefined || headers["x-object-manifest"] !== undefined;
}
