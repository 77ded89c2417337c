/** HEAD of an object: the size and the tag of its plaintext, from what is kept beside it, or else from its header. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { parseContentRange, type ByteRange } from "../../../lib/wire/http-range.ts";
import type { Place } from "../object/layout.ts";
import { gather } from "./answers.ts";
import { holdsIfMatch, holdsIfNoneMatch, type Tag } from "./conditions.ts";
import { ds2Length } from "../object/ds2.ts";
import { ObjectError } from "../object/error.ts";
import { decodeHeader, LONGEST_HEADER } from "../object/header.ts";
import { isPart } from "../object/parts.ts";
import { v3Length } from "../object/v3.ts";
import type { Exchange } from "./exchange.ts";
import { lengthOf } from "./incoming.ts";
import { plainLengthOf } from "./object-answer.ts";
import { layoutFor } from "./multipart/layouts.ts";
import type { Mark } from "./multipart/mark.ts";
import { markOf, tagOf } from "./multipart/read.ts";
import { placeOfPart } from "./part-number.ts";
import {
  conditionsOf,
  datesBesideTags,
  formatTag,
  isManifest,
  lengthFields,
  OF_CIPHERTEXT,
  partsFields,
} from "./read-head.ts";
import { openFacts } from "./sealed-facts.ts";
import { Trouble } from "./trouble.ts";
import { conditionsToday } from "./written-tags.ts";

const OURS = ["range", "if-range", "if-match", "if-none-match"];
const DATES = ["if-modified-since", "if-unmodified-since"];

/** What of an object can be told without reading it; undefined is not known. */
interface Known {
  readonly size: number | undefined;
  readonly tag: Tag;
  /** Where it was written in parts. */
  readonly parts?: readonly Place[];
}

const UNKNOWN: Known = { size: undefined, tag: undefined };

/** `part`: only that part of it is asked for. */
export async function head(x: Exchange, part?: number): Promise<void> {
  const conditions = conditionsOf(x);
  const asking = x.fieldsWithout("accept-encoding", ...OURS, ...datesBesideTags(conditions));
  const answer = await x.ask("HEAD", [...asking, ["Accept-Encoding", "identity"]]);
  answer.resume();
  if (answer.statusCode !== 200) {
    await x.passOn(answer, [], answer.statusCode === 304 ? ["etag"] : []);
    return;
  }
  const mark = markOf(x, answer);
  const { size, tag, parts } =
    mark !== undefined
      ? await knownOfParts(x, answer, mark)
      : isManifest(answer)
        ? UNKNOWN
        : (known(x, answer) ?? (await look(x, answer)));
  const { match, noneMatch } = conditionsToday(x, conditions, answer, tag);
  if (!holdsIfMatch(match, tag)) throw new Trouble("precondition_failed", "the object is another one");
  const fields: Field[] = [
    ...x.answerFields(answer, ...OF_CIPHERTEXT),
    ...(tag === undefined ? [] : [["ETag", tag] as const]),
  ];
  const isAsked = holdsIfNoneMatch(noneMatch, tag);
  const range = part !== undefined && isAsked ? rangeOfPart(part, size, parts) : undefined;
  const shown = part !== undefined && parts !== undefined && range === undefined ? 0 : size;
  const sizes = [...lengthFields(range, shown), ...partsFields(part === undefined ? undefined : parts?.length)];
  x.begin(isAsked ? (range === undefined ? 200 : 206) : 304, isAsked ? [...fields, ...sizes] : fields);
  x.end();
}

/** Undefined for a part of nothing. Throws `Trouble`. */
function rangeOfPart(part: number, size: number | undefined, parts: Known["parts"]): ByteRange | undefined {
  const { plainAt, plain } = placeOfPart(part, parts ?? [{ plainAt: 0, plain: size ?? 0 }]);
  return plain === 0 ? undefined : { first: plainAt, last: plainAt + plain - 1 };
}

async function knownOfParts(x: Exchange, answer: IncomingMessage, mark: Mark): Promise<Known> {
  const remembered = await layoutFor(x, answer, mark);
  const { plain: size, parts } = remembered.layout;
  return { size, tag: tagOf(remembered), parts };
}

/** From what is kept beside it: it must be of an object of this size. */
function known(x: Exchange, answer: IncomingMessage): Known | undefined {
  const sealed = lengthOf(answer);
  if (sealed === 0) return { size: 0, tag: answer.headers.etag };
  const text = answer.headers[x.gateway.tools.dialect.factsField];
  const facts = typeof text === "string" ? openFacts(text, x.gateway.keys) : undefined;
  if (facts?.size === undefined || (ds2Length(facts.size) !== sealed && v3Length(facts.size) !== sealed))
    return undefined;
  return { size: facts.size, tag: facts.md5 === undefined ? unknownTag(x, answer) : formatTag(facts.md5) };
}

/** Asks for its first bytes: one request more. What the storage does not let us have is not known. */
async function look(x: Exchange, answer: IncomingMessage): Promise<Known> {
  const range: Field = ["Range", `bytes=0-${LONGEST_HEADER - 1}`];
  const asking = x.fieldsWithout("accept-encoding", ...OURS, ...DATES);
  const fields = [...asking, ["Accept-Encoding", "identity"] as const, range];
  const begun = await x.ask("GET", fields);
  try {
    const sealed = begun.statusCode === 206 ? sizeOf(begun) : begun.statusCode === 200 ? lengthOf(begun) : undefined;
    if (sealed === undefined) return UNKNOWN;
    const kind = decodeHeader(await gather(begun, LONGEST_HEADER), true);
    if (kind === undefined) return UNKNOWN;
    if (kind === "plaintext") return { size: sealed, tag: answer.headers.etag };
    if (isPart(kind)) return await knownOfParts(x, begun, kind);
    return { size: plainLengthOf(kind, sealed), tag: unknownTag(x, answer) };
  } catch (error) {
    if (error instanceof ObjectError) return UNKNOWN;
    throw error;
  } finally {
    if (!begun.complete) begun.destroy();
  }
}

/** Of an object that is encrypted. */
function unknownTag(x: Exchange, { headers }: IncomingMessage): Tag {
  return x.gateway.tools.dialect.tagFrom?.(headers.etag ?? "");
}

function sizeOf({ headers }: IncomingMessage): number | undefined {
  return parseContentRange(headers["content-range"] ?? "")?.size;
}
