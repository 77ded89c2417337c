/** GET of an object: decrypted on its way, with the size, the tag, the conditions and the ranges of the plaintext. */
import type { IncomingMessage } from "node:http";
import { PREAMBLE } from "../../../lib/cipher/cobblestone.ts";
import { STREAM_HEADER } from "../../../lib/cipher/secretstream.ts";
import type { ByteRange } from "../../../lib/wire/http-range.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { decodeHeader, LONGEST_HEADER } from "../object/header.ts";
import { requiresFinal, type ObjectKind } from "../object/open.ts";
import { openRanges } from "../object/range.ts";
import { isPart } from "../object/parts.ts";
import type { Exchange } from "./exchange.ts";
import { writeHeldBack } from "./held-back.ts";
import { markOf, readParts, readRangeOfParts, readRemembered } from "./multipart/read.ts";
import { ObjectAnswer } from "./object-answer.ts";
import { asOnePart, askingPart } from "./part-number.ts";
import { answerHead, conditionsOf, datesBesideTags, isManifest, judge, tagOf, type Conditions } from "./read-head.ts";
import { beginningOf, StorageSource } from "./storage-source.ts";
import { Trouble } from "./trouble.ts";
import { conditionsToday } from "./written-tags.ts";

/** Conditions and ranges are about the plaintext; the storage would hold them against its own bytes. */
const OURS = ["range", "if-range", "if-match", "if-none-match", "accept-encoding", "te"];
/** As far as the chunks of any format. */
const FRONT = LONGEST_HEADER + PREAMBLE;

/** `part`: only that part of it is asked for. */
export async function read(x: Exchange, part?: number): Promise<void> {
  const conditions = askingPart(conditionsOf(x), part);
  if (await readRemembered(x, conditions)) return;
  const fields: Field[] = [...fieldsFor(x, conditions), ["Accept-Encoding", "identity"]];
  const answer = await begin(x, fields, conditions);
  try {
    if (answer.statusCode === 206) await handRange(x, answer, fields, conditions);
    else if (answer.statusCode === 200) await handWhole(x, answer, fields, conditions);
    else await x.passOn(answer, [], answer.statusCode === 304 ? ["etag"] : []);
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

/** Where one range is wanted, the beginning of the object is asked for first: it tells where in what is stored the range is. */
async function begin(x: Exchange, fields: readonly Field[], { range }: Conditions): Promise<IncomingMessage> {
  if (range !== undefined && /^bytes=[^,]*$/i.test(range)) {
    const answer = await x.ask("GET", [...fields, ["Range", `bytes=0-${FRONT - 1}`]]);
    if (answer.statusCode !== 416) return answer;
    // Of an object of no bytes there is no range.
    answer.resume();
  }
  const answer = await x.ask("GET", fields);
  if (answer.statusCode !== 206) return answer;
  answer.destroy();
  throw new Trouble("upstream_broken", "the storage sent a range that nobody asked for");
}

/** The whole object comes: of a range, what is before it is opened and dropped, and what is behind it is not read. */
async function handWhole(
  x: Exchange,
  answer: IncomingMessage,
  fields: readonly Field[],
  conditions: Conditions,
): Promise<void> {
  const mark = markOf(x, answer);
  if (mark !== undefined) return readParts(x, answer, mark, conditions);
  const { settings, tools, keys, counts } = x.gateway;
  const object = await ObjectAnswer.open(answer, tools.engine, keys, { ...settings.demands, seesManifests: true });
  const { kind } = object;
  if (isPart(kind)) {
    // What is kept beside it was lost, as in a copy.
    object.destroy();
    return readParts(x, await x.ask("GET", fields), kind, conditions);
  }
  tell(x, kind, answer);
  const total = object.plainLength();
  const tag = tagOf(x, answer, kind, object.beginning, total);
  const asked = asOnePart(conditionsToday(x, conditions, answer, tag), total);
  const verdict = judge(asked, answer, tag, total);
  const begin = () => answerHead(x, answer, verdict, tag, total);
  const proves = typeof kind === "object" && (kind.format === "v3" || requiresFinal(kind, settings.demands));
  if (verdict.status >= 300) {
    // That it has nothing of the range is not the storage's to say either.
    if (verdict.status === 416 && proves) while ((await object.next()) !== undefined);
    object.destroy();
    begin();
    return;
  }
  const { range } = verdict;
  const length = range === undefined ? total : range.last + 1 - range.first;
  await writeHeldBack(x, piecesOf(x, object, range, proves), length, begin);
  x.told.end = object.isWhole && object.endProven ? "proven" : "unproven";
  if (object.isWhole && typeof kind === "object" && !object.endProven) counts.unproven++;
  x.end();
}

/** `proves`: the object is read to its end, whatever the range, since only that shows that it is what it seems to be. */
async function* piecesOf(
  x: Exchange,
  object: ObjectAnswer,
  range: ByteRange | undefined,
  proves: boolean,
): AsyncGenerator<Uint8Array> {
  const first = range?.first ?? 0;
  const end = range === undefined ? Infinity : range.last + 1;
  let at = 0;
  for (let piece = await object.next(); piece !== undefined; piece = await object.next()) {
    const from = Math.max(0, first - at);
    const to = Math.min(piece.length, end - at);
    at += piece.length;
    x.gateway.counts.decrypted += piece.length;
    if (from < to) yield piece.subarray(from, to);
    if (at >= end && range !== undefined && !proves) {
      object.destroy();
      return;
    }
  }
}

/** `answer` is the beginning of the object; of the rest no more is read than the range, and what opens it. */
async function handRange(
  x: Exchange,
  answer: IncomingMessage,
  fields: readonly Field[],
  conditions: Conditions,
): Promise<void> {
  const { settings, tools, keys, chains } = x.gateway;
  const beginning = await beginningOf(answer, FRONT);
  const { bytes, size } = beginning;
  const source = new StorageSource(x, fields, beginning);
  try {
    const header = decodeHeader(bytes, true);
    const mark = markOf(x, answer) ?? (isPart(header) ? header : undefined);
    if (mark !== undefined) {
      if (!(await readRangeOfParts(x, answer, mark, conditions)))
        await readParts(x, await x.ask("GET", fields), mark, conditions, false);
      return;
    }
    const isChain = typeof header === "object" && header.format === "ds2";
    source.isUnhurried = isChain;
    // Of an object that ends before its messages there is no chain, and no range either.
    const front = isChain ? bytes.subarray(0, header.length + STREAM_HEADER) : bytes;
    const index = isChain && size > front.length ? chains.of(header, front, size) : undefined;
    const object = await openRanges(tools.engine, keys, settings.demands, source, index);
    const { kind, plainSize } = object;
    tell(x, kind, answer);
    const tag = tagOf(x, answer, kind, bytes, plainSize);
    const asked = asOnePart(conditionsToday(x, conditions, answer, tag), plainSize);
    const verdict = judge(asked, answer, tag, plainSize);
    const { range } = verdict;
    const reading = object.readRange(range?.first ?? 0, range === undefined ? plainSize : range.last + 1);
    // The first piece is known to be authentic before anything is answered.
    let next = verdict.status < 300 ? await reading.next() : undefined;
    if (!answerHead(x, answer, verdict, tag, plainSize)) return;
    for (; next !== undefined && !next.done; next = await reading.next()) {
      x.gateway.counts.decrypted += next.value.length;
      await x.write(next.value);
    }
    x.told.end = object.endProven ? "proven" : "unproven";
    x.end();
  } finally {
    source.close();
  }
}

function fieldsFor(x: Exchange, conditions: Conditions): Field[] {
  return x.fieldsWithout(...OURS, ...datesBesideTags(conditions));
}

/** For the record; refuses what cannot be read. */
function tell(x: Exchange, kind: ObjectKind, answer: IncomingMessage): void {
  const { gateway, told, asked, client } = x;
  told.format = typeof kind === "string" ? kind : kind.format;
  if (typeof kind === "object") told.keyId = kind.keyId;
  gateway.counts.opened(told.format);
  if (kind === "plaintext" && gateway.settings.demands.warns)
    gateway.tools.log.warn("an object is not encrypted", { path: asked.path, session: client.session });
  if (isManifest(answer) && typeof kind === "object")
    throw new Trouble("unsupported", "a large object of encrypted segments cannot be read as one");
}
