/** GET of an object in parts: what is needed of it is fetched, opened and handed on. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { parseContentRange, readRange, type ByteRange } from "../../../../lib/wire/http-range.ts";
import { ObjectError } from "../../object/error.ts";
import { PartsOpener } from "../../object/parts.ts";
import { holdsIfRange, type Tag } from "../conditions.ts";
import type { Exchange } from "../exchange.ts";
import { writeHeldBack } from "../held-back.ts";
import { iterate } from "../incoming.ts";
import { withParts } from "../part-number.ts";
import { answerHead, judge, type Conditions, type Verdict } from "../read-head.ts";
import { tagOfParts } from "../tags.ts";
import { Trouble } from "../trouble.ts";
import type { Place } from "./ask.ts";
import { askRange, frontAt, layoutFor, nameOf } from "./layouts.ts";
import { parseMark, type Mark } from "./mark.ts";
import type { Remembered } from "./memory.ts";

/** Which object in parts an answer is of, by what is kept beside it. */
export function markOf(x: Exchange, answer: IncomingMessage): Mark | undefined {
  return parseMark(answer.headers[x.gateway.tools.dialect.factsField]);
}

/** What clients are shown as its tag. */
export function tagOf({ layout, tag }: Remembered): Tag {
  return tagOfParts(layout.parts) ?? (tag === "" ? undefined : tag);
}

/** A range of an object that is remembered: true where it was answered. Asks for no more than the range needs. */
export async function readRemembered(x: Exchange, conditions: Conditions): Promise<boolean> {
  const isDated = x.asked.headers.some(([name]) => /^if-(?:un)?modified-since$/i.test(name));
  const remembered =
    conditions.range === undefined || isDated ? undefined : x.gateway.multipart.layoutOf(nameOf(x.asked));
  if (remembered === undefined || remembered.layout.parts.length < (conditions.part ?? 0)) return false;
  return readPart(x, remembered, conditions);
}

/** A range of an object that `answer` has some of: true where it was answered. */
export async function readRangeOfParts(
  x: Exchange,
  answer: IncomingMessage,
  mark: Mark,
  conditions: Conditions,
): Promise<boolean> {
  return readPart(x, await layoutFor(x, answer, mark), conditions);
}

/** One range of it; false where it has to be looked at as a whole. */
async function readPart(x: Exchange, remembered: Remembered, given: Conditions): Promise<boolean> {
  const { layout, tag } = remembered;
  const conditions = withParts(given, layout.parts);
  const wanted = readRange(conditions.range, layout.plain);
  const range = wanted.kind === "ranges" && wanted.ranges.length === 1 ? wanted.ranges[0] : undefined;
  if (range === undefined) return false;
  const needed = layout.needed(range.first, range.last + 1);
  const asking = askRange(x, x.asked, needed.from, needed.to, tag);
  const answer = await asking;
  const isIt = answer.statusCode === 206 && (answer.headers.etag ?? "") === tag;
  if (isIt && parseContentRange(answer.headers["content-range"] ?? "")?.range.first !== needed.from)
    throw new Trouble("upstream_broken", "the storage sent a range that nobody asked for");
  if (!isIt || !holdsIfRange(conditions.ifRange, tagOf(remembered), answer.headers["last-modified"])) {
    answer.destroy();
    if (!isIt) x.gateway.multipart.drop(nameOf(x.asked));
    return false;
  }
  try {
    const verdict = judge(conditions, answer, tagOf(remembered), layout.plain);
    if (verdict.status !== 206) {
      answer.destroy();
      answerHead(x, answer, verdict, tagOf(remembered), layout.plain);
    } else {
      const opener = openerOf(x, remembered);
      const front = needed.needsFront ? await frontOf(x, x.asked, remembered, needed.index) : undefined;
      opener.begin(needed.index, needed.chunk, front);
      tell(x, remembered);
      await hand(
        x,
        answer,
        verdict,
        remembered,
        piecesOf(answer, opener, needed.skip, range.last + 1 - range.first, false),
        range.last + 1 - range.first,
      );
    }
  } catch (error) {
    answer.destroy();
    throw error;
  }
  return true;
}

/** The plaintext from `start` to before `end`, which are not none, of an object that the proxy itself reads. */
export async function* piecesOfRange(
  x: Exchange,
  place: Place,
  remembered: Remembered,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const { layout, tag } = remembered;
  if (end > layout.plain) throw new ObjectError("truncated", "the object is shorter than it was said to be");
  const needed = layout.needed(start, end);
  const opener = openerOf(x, remembered);
  const front = needed.needsFront ? await frontOf(x, place, remembered, needed.index) : undefined;
  opener.begin(needed.index, needed.chunk, front);
  const answer = await askRange(x, place, needed.from, needed.to, tag);
  if (answer.statusCode === 206) yield* piecesOf(answer, opener, needed.skip, end - start, false);
  else throw new Trouble("upstream_broken", `the storage gives no range of the object: status ${answer.statusCode}`);
}

async function frontOf(
  x: Exchange,
  place: Place,
  { layout, tag, fronts }: Remembered,
  index: number,
): Promise<Uint8Array> {
  const known = fronts.get(index);
  if (known !== undefined) return known;
  const front = await frontAt(x, place, layout.parts[index]!.at, tag);
  fronts.set(index, front);
  return front;
}

/** `answer` has all of the object, and nothing of it was read. `tries`: a range is asked for by itself, where that may be. */
export async function readParts(
  x: Exchange,
  answer: IncomingMessage,
  mark: Mark,
  conditions: Conditions,
  tries = true,
): Promise<void> {
  const remembered = await layoutFor(x, answer, mark);
  const { layout } = remembered;
  if (tries && conditions.range !== undefined && (await readPart(x, remembered, conditions))) {
    answer.destroy();
    return;
  }
  const asked = withParts(conditions, layout.parts);
  const verdict = judge(asked, answer, tagOf(remembered), layout.plain);
  if (asked.part !== undefined && asked.range === undefined) {
    answer.destroy();
    if (answerHead(x, answer, verdict, tagOf(remembered), 0)) x.end();
    return;
  }
  if (verdict.status === 304 || verdict.status === 416) {
    answer.destroy();
    answerHead(x, answer, verdict, tagOf(remembered), layout.plain);
    return;
  }
  tell(x, remembered);
  const { first, last }: ByteRange = verdict.range ?? { first: 0, last: layout.plain - 1 };
  const isAll = verdict.range === undefined;
  const pieces = piecesOf(answer, openerOf(x, remembered), first, last + 1 - first, isAll);
  await hand(x, answer, verdict, remembered, pieces, last + 1 - first);
  if (!isAll) answer.destroy();
}

function openerOf(x: Exchange, { layout }: Remembered): PartsOpener {
  const { objectId, keyId } = layout;
  const key = x.gateway.keys.get(keyId);
  if (key === undefined) throw new ObjectError("unknown_key", `the keyring has no key ${keyId}`);
  return new PartsOpener(x.gateway.tools.engine, { objectId, keyId, key }, layout, () => createHash("md5"));
}

function tell(x: Exchange, { layout }: Remembered): void {
  x.told.format = "v3";
  x.told.keyId = layout.keyId;
  x.told.end = layout.proven ? "proven" : "unproven";
  x.gateway.counts.opened("v3");
  if (layout.proven) return;
  x.gateway.counts.unproven++;
  x.gateway.tools.log.warn("an object in parts has no manifest: nothing shows that they are all there", {
    path: x.asked.path,
    session: x.client.session,
  });
}

/**
 * The plaintext behind the first `skip` bytes, `length` of it, each piece good until the next is asked for; `isAll`: up to
 * the end, which must be as it should.
 */
async function* piecesOf(answer: IncomingMessage, opener: PartsOpener, skip: number, length: number, isAll: boolean) {
  let [ahead, left] = [skip, length];
  try {
    for await (const sealed of iterate(answer)) {
      const plain = opener.push(sealed);
      const piece = plain.subarray(Math.min(ahead, plain.length), ahead + left);
      ahead = Math.max(0, ahead - plain.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
      if (left === 0 && !isAll) return;
    }
  } catch (error) {
    if (error instanceof ObjectError) throw error;
    throw broken();
  }
  if (!answer.complete) throw broken();
  if (isAll) opener.finish();
  if (left > 0) throw new ObjectError("truncated", "the object ends before its range does");
}

function broken(): Trouble {
  return new Trouble("upstream_broken", "the answer of the storage broke off");
}

/** The answer begins when something authentic is there to begin it with. */
async function hand(
  x: Exchange,
  answer: IncomingMessage,
  verdict: Verdict,
  remembered: Remembered,
  pieces: AsyncGenerator<Uint8Array>,
  length: number,
): Promise<void> {
  const begin = () => answerHead(x, answer, verdict, tagOf(remembered), remembered.layout.plain);
  await writeHeldBack(x, counted(x, pieces), length, begin);
  x.end();
}

async function* counted({ gateway }: Exchange, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    gateway.counts.decrypted += piece.length;
    yield piece;
  }
}
