/** Which parts an object has: by its manifest, or, where there is none, by their headers. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { parseContentRange } from "../../../../lib/wire/http-range.ts";
import { ObjectError } from "../../object/error.ts";
import { Layout, PART_FRONT, type Part } from "../../object/layout.ts";
import { LONGEST_MANIFEST, openManifest } from "../../object/manifest.ts";
import { requiresManifest } from "../../object/open.ts";
import { readPartFront, type Whole } from "../../object/parts.ts";
import { partLength, partPlainLength } from "../../object/v3.ts";
import type { Exchange } from "../exchange.ts";
import { lengthOf } from "../incoming.ts";
import { Trouble } from "../trouble.ts";
import { contentOf } from "../answers.ts";
import { ask, manifestPath, readingFields, type Place } from "./ask.ts";
import type { Mark } from "./mark.ts";
import type { Remembered } from "./memory.ts";

const MOST_PARTS = 10_000;

/** Of the object that `answer` is of, any answer of the storage to GET or HEAD. Throws `ObjectError`, `Trouble`. */
export async function layoutFor(
  x: Exchange,
  answer: IncomingMessage,
  mark: Mark,
  place: Place = x.asked,
): Promise<Remembered> {
  const { multipart, keys } = x.gateway;
  const name = nameOf(place);
  const [tag, size] = [answer.headers.etag ?? "", sizeOf(answer)];
  const remembered = multipart.layoutOf(name);
  if (remembered?.tag === tag && tag !== "" && remembered.layout.sealed === size) return remembered;
  const key = keys.get(mark.keyId);
  if (key === undefined) throw new ObjectError("unknown_key", `the keyring has no key ${mark.keyId}`);
  const whole = { ...mark, key };
  const layout = (await byManifest(x, whole, place)) ?? (await byHeaders(x, whole, size, tag, place));
  if (size !== undefined && layout.sealed !== size)
    throw new ObjectError("truncated", `the object has ${size} bytes, and its parts have ${layout.sealed}`);
  const found = { tag, layout, fronts: new Map<number, Uint8Array>() };
  if (tag !== "") multipart.remember(name, found);
  return found;
}

/** What an object is remembered by: two that have it in common are told apart by their tags. */
export function nameOf({ path, query }: Place): string {
  return `${path}?${/(?:^|&)(versionId=[^&]*)/.exec(query)?.[1] ?? ""}`;
}

/** Bytes of the whole that is stored. */
function sizeOf(answer: IncomingMessage): number | undefined {
  return answer.statusCode === 206 ? parseContentRange(answer.headers["content-range"] ?? "")?.size : lengthOf(answer);
}

async function byManifest(x: Exchange, whole: Whole, place: Place): Promise<Layout | undefined> {
  const path = manifestPath(x, place.path, whole.objectId);
  const answer = await ask(x, { method: "GET", path, query: "", fields: readingFields(x) });
  const { statusCode: status } = answer;
  if (status === 200)
    return openManifest(await contentOf(answer, LONGEST_MANIFEST), whole.objectId, whole.keyId, whole.key);
  answer.resume();
  if (status === 404 || status === 403 || status === 401) return undefined;
  throw new Trouble("upstream_broken", `the storage does not give the manifest of the object: status ${status}`);
}

/** Nothing shows that these are all the parts. */
async function byHeaders(
  x: Exchange,
  whole: Whole,
  size: number | undefined,
  tag: string,
  place: Place,
): Promise<Layout> {
  if (requiresManifest(whole, x.gateway.settings.demands))
    throw new ObjectError(
      "unproven_end",
      "the manifest of the object is missing: nothing shows that its parts are all there",
    );
  if (size === undefined) throw new Trouble("upstream_broken", "the storage does not tell the size of the object");
  const { engine } = x.gateway.tools;
  const partAt = async (at: number) => readPartFront(engine, whole, await frontAt(x, place, at, tag));
  const first = await partAt(0);
  const parts = (await asUniform(first, size, partAt)) ?? (await oneByOne(first, size, partAt));
  return new Layout(whole.objectId, whole.keyId, false, parts);
}

type PartAt = (at: number) => Promise<Part>;

/** All as long as the first but the last, which must be where it then is: two headers tell of all of them. */
async function asUniform(first: Part, size: number, partAt: PartAt): Promise<Part[] | undefined> {
  const sealed = partLength(first.plain);
  const count = Math.ceil(size / sealed);
  if (count === 1 || count > MOST_PARTS) return count === 1 ? [first] : undefined;
  const lastAt = (count - 1) * sealed;
  const plain = partPlainLength(size - lastAt);
  const last = await partAt(lastAt).catch((error: unknown) => {
    if (error instanceof ObjectError) return undefined;
    throw error;
  });
  if (last === undefined || last.plain !== plain) return undefined;
  const between = Array.from({ length: count - 2 }, (): Part => ({ number: undefined, plain: first.plain }));
  return [first, ...between, last];
}

async function oneByOne(first: Part, size: number, partAt: PartAt): Promise<Part[]> {
  const parts = [first];
  for (let at = partLength(first.plain); at < size; at += partLength(parts.at(-1)!.plain)) {
    if (parts.length === MOST_PARTS) throw new ObjectError("header", `an object has at most ${MOST_PARTS} parts`);
    parts.push(await partAt(at));
  }
  return parts;
}

/** What a part begins with, of the object as it was when it had this tag. Throws `ObjectError`, `Trouble`. */
export async function frontAt(x: Exchange, place: Place, at: number, tag: string): Promise<Uint8Array> {
  const answer = await askRange(x, place, at, at + PART_FRONT, tag);
  if (answer.statusCode !== 206) {
    answer.destroy();
    if (answer.statusCode === 412) throw new Trouble("upstream_broken", "the object became another one meanwhile");
    throw new Trouble("upstream_broken", `the storage gives no range of the object: status ${answer.statusCode}`);
  }
  const front = await contentOf(answer, PART_FRONT);
  if (front.length < PART_FRONT) throw new ObjectError("truncated", "the object ends within the header of a part");
  return front;
}

/** The stored bytes from `from` to before `to`, while they are of the object that has this tag. */
export function askRange(
  x: Exchange,
  { path, query }: Place,
  from: number,
  to: number,
  tag: string,
): Promise<IncomingMessage> {
  const fields: Field[] = [...readingFields(x), ["Range", `bytes=${from}-${to - 1}`]];
  if (tag !== "") fields.push(["If-Match", tag.startsWith('"') ? tag : `"${tag}"`]);
  return ask(x, { method: "GET", path, query, fields });
}
