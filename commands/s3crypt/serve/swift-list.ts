/** Listings of a container of Swift, in JSON or XML, with the sizes and the MD5s that objects have for clients. The text form has neither. */
import type { Field } from "../../../lib/wire/http-forward.ts";
import { childOf, editXml, parseXml, type XmlEdit } from "../../../lib/wire/xml.ts";
import { contentOf } from "./answers.ts";
import { replyWith } from "./documents.ts";
import type { Exchange } from "./exchange.ts";
import { placeOf, type Shown } from "./s3-look.ts";
import type { Listed, Sizes } from "./s3-sizes.ts";

/** A listing has at most 10,000 objects. */
const LONGEST = 32 * 1024 * 1024;

/** What a listing says of an object. */
interface Entry {
  readonly name: unknown;
  readonly bytes: unknown;
  readonly hash: unknown;
}

/** What is to be said in its place. */
interface Said {
  readonly bytes: number;
  readonly hash: string;
}

export async function listContainer(x: Exchange, sizes: Sizes): Promise<void> {
  const identity: Field = ["Accept-Encoding", "identity"];
  const answer = await x.ask("GET", [...x.fieldsWithout("accept-encoding"), identity]);
  const rewrite = answer.statusCode === 200 ? formOf(answer.headers["content-type"] ?? "") : undefined;
  if (rewrite === undefined) {
    await x.passOn(answer);
    return;
  }
  const body = await contentOf(answer, LONGEST);
  replyWith(x, answer, await rewrite(body, (entries) => saidOf(x, entries, sizes)));
}

type Find = (entries: readonly Entry[]) => Promise<(Said | undefined)[]>;
type Rewrite = (body: Uint8Array, find: Find) => Promise<Uint8Array>;

function formOf(type: string): Rewrite | undefined {
  if (/^application\/json *(?:;|$)/i.test(type)) return rewriteJson;
  return /^(?:application|text)\/xml *(?:;|$)/i.test(type) ? rewriteXml : undefined;
}

/** What is no listing stays as it is. */
async function rewriteJson(body: Uint8Array, find: Find): Promise<Uint8Array> {
  let listing: unknown;
  try {
    listing = JSON.parse(Buffer.from(body).toString());
  } catch {
    return body;
  }
  if (!Array.isArray(listing)) return body;
  const entries = listing.filter((each): each is Entry => typeof each === "object" && each !== null);
  const said = await find(entries);
  for (const [i, entry] of entries.entries()) Object.assign(entry, said[i]);
  return Buffer.from(JSON.stringify(listing));
}

async function rewriteXml(body: Uint8Array, find: Find): Promise<Uint8Array> {
  const parsed = parseXml(body, LONGEST);
  if (parsed.kind === "bad") return body;
  const objects = parsed.value.root.children.filter(({ name }) => name === "object");
  const fields = objects.map((object) => {
    const [name, bytes, hash] = ["name", "bytes", "hash"].map((each) => childOf(object, each));
    return { name, bytes, hash };
  });
  const number = (text: string | undefined) => (/^[0-9]{1,15}$/.test(text ?? "") ? Number(text) : undefined);
  const entries = fields.map(({ name, bytes, hash }) => ({
    name: name?.text,
    bytes: number(bytes?.text),
    hash: hash?.text,
  }));
  const said = await find(entries);
  const edits = fields.flatMap(({ bytes, hash }, i): XmlEdit[] => {
    const each = said[i];
    if (each === undefined || bytes === undefined || hash === undefined) return [];
    return [
      { element: bytes, text: String(each.bytes) },
      { element: hash, text: each.hash },
    ];
  });
  return editXml(parsed.value, edits);
}

/** Undefined for what stays as it is: folders, what is not encrypted, what cannot be looked at. */
async function saidOf(x: Exchange, entries: readonly Entry[], sizes: Sizes): Promise<(Said | undefined)[]> {
  const containerPath = x.asked.path.replace(/\/$/, "");
  const found = await sizes.findAll(
    x,
    entries.map((entry) => listedOf(entry, containerPath)),
  );
  return entries.map((entry, i) => said(entry, found[i]));
}

function listedOf({ name, bytes, hash }: Entry, containerPath: string): Listed | undefined {
  if (typeof name !== "string" || name === "" || typeof bytes !== "number" || typeof hash !== "string")
    return undefined;
  return { place: placeOf(containerPath, name), tag: hash, size: bytes };
}

/** No MD5 is better than that of the ciphertext, which clients would hold against their files. */
function said({ hash }: Entry, shown: Shown | undefined): Said | undefined {
  if (shown?.size === undefined) return undefined;
  const tag = shown.tag?.replaceAll('"', "") ?? "";
  return tag === hash ? undefined : { bytes: shown.size, hash: tag };
}
