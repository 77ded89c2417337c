/** One look at an object of the storage, by its first bytes: how large it is for clients, and what its tag is. Hands out no content. */
import type { IncomingMessage } from "node:http";
import { asSent, pairs, type Field } from "../../../lib/wire/http-forward.ts";
import { parseContentRange } from "../../../lib/wire/http-range.ts";
import { encodeUri } from "../../../lib/wire/sigv4-canonical.ts";
import { ObjectError } from "../object/error.ts";
import { decodeHeader, LONGEST_HEADER } from "../object/header.ts";
import type { ObjectKind } from "../object/open.ts";
import { isPart } from "../object/parts.ts";
import { gather } from "./answers.ts";
import type { Tag } from "./conditions.ts";
import type { Exchange } from "./exchange.ts";
import { readingFields, type Place } from "./multipart/ask.ts";
import { layoutFor } from "./multipart/layouts.ts";
import type { Mark } from "./multipart/mark.ts";
import { markOf, tagOf as tagOfLayout } from "./multipart/read.ts";
import { lengthOf } from "./incoming.ts";
import { plainLengthOf } from "./object-answer.ts";
import { isManifest, tagOf } from "./read-head.ts";
import { isKept } from "./s3-outgoing.ts";

/** What clients are shown of an object; undefined is not known. */
export interface Shown {
  readonly size: number | undefined;
  readonly tag: Tag;
}

export interface Looked extends Shown {
  /** As the storage tags it. */
  readonly stored: string | undefined;
  /** What the proxy keeps beside it. */
  readonly kept: readonly Field[];
}

/** What must be said of an object whatever is done to it. */
const ALWAYS = /^x-amz-(?:request-payer|expected-bucket-owner|server-side-encryption-customer-.*)$/i;

/** Of the object `key` in the bucket at `bucketPath`. */
export function placeOf(bucketPath: string, key: string, versionId?: string): Place {
  const path = bytesOf(key).split("/").map(encodeUri).join("/");
  return {
    path: `${bucketPath}/${path}`,
    query: versionId === undefined ? "" : `versionId=${encodeUri(bytesOf(versionId))}`,
  };
}

/** The object that the request is about. */
export function placeAsked({ asked }: Exchange): Place {
  const versionId = asked.query.split("&").find((part) => part.startsWith("versionId="));
  return { path: asked.path, query: versionId ?? "" };
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** The status that the storage has in its place, where it is not to be seen. Throws `Trouble`. */
export async function lookAt(x: Exchange, place: Place): Promise<Looked | number> {
  const headers: Field[] = [...fieldsOf(x), ["Range", `bytes=0-${LONGEST_HEADER - 1}`]];
  const answer = await x.askFor(x.outgoingTo({ method: "GET", headers, ...place }, false, false));
  try {
    const { statusCode: status = 0 } = answer;
    const stored = answer.headers.etag;
    const kept = pairs(answer.rawHeaders.map(asSent)).filter(([name]) => isKept(name.toLowerCase()));
    if (status === 416) return { size: 0, tag: stored, stored, kept };
    if (status !== 200 && status !== 206) return status;
    const sealed = status === 200 ? lengthOf(answer) : parseContentRange(answer.headers["content-range"] ?? "")?.size;
    return { ...(await shownOf(x, place, answer, await gather(answer, LONGEST_HEADER), sealed)), stored, kept };
  } finally {
    if (!answer.complete) answer.destroy();
  }
}

/** Swift has to know who asks; S3 is asked in our name. */
function fieldsOf(x: Exchange): Field[] {
  if (x.gateway.tools.dialect.name === "plain") return readingFields(x);
  const always = x.asked.headers.filter(([name]) => ALWAYS.test(name));
  return [["Host", x.gateway.settings.upstream.authority], ...always, ["Accept-Encoding", "identity"]];
}

async function shownOf(
  x: Exchange,
  place: Place,
  answer: IncomingMessage,
  begun: Uint8Array,
  sealed: number | undefined,
): Promise<Shown> {
  const kind = kindOf(begun);
  if (kind === undefined || sealed === undefined) return { size: undefined, tag: undefined };
  const mark = markOf(x, answer) ?? (isPart(kind) ? kind : undefined);
  if (mark !== undefined) return partsShown(x, place, answer, mark);
  if (isManifest(answer)) return { size: undefined, tag: undefined };
  if (typeof kind === "string") return { size: sealed, tag: answer.headers.etag };
  const size = plainLengthOf(kind, sealed);
  return { size, tag: tagOf(x, answer, kind, begun, size) };
}

/** Of an object in parts. */
async function partsShown(x: Exchange, place: Place, answer: IncomingMessage, mark: Mark): Promise<Shown> {
  try {
    const remembered = await layoutFor(x, answer, mark, place);
    return { size: remembered.layout.plain, tag: tagOfLayout(remembered) };
  } catch (error) {
    if (error instanceof ObjectError) return { size: undefined, tag: undefined };
    throw error;
  }
}

function kindOf(begun: Uint8Array): ObjectKind | undefined {
  try {
    return begun.length === 0 ? "empty" : decodeHeader(begun, true);
  } catch (error) {
    if (error instanceof ObjectError) return undefined;
    throw error;
  }
}
