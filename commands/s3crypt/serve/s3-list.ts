/** Listings of S3, with the sizes and the tags that objects have for clients. Every other byte is the storage's. */
import type { Field } from "../../../lib/wire/http-forward.ts";
import { changeAnswer, keyOf, readAnswer, type Answer, type Change, type Entry } from "../../../lib/wire/s3-xml.ts";
import { contentOf } from "./answers.ts";
import { replyWith } from "./documents.ts";
import type { Exchange } from "./exchange.ts";
import { hiding, isHidden } from "./multipart/hide.ts";
import { placeOf, type Shown } from "./s3-look.ts";
import type { Listed, Sizes } from "./s3-sizes.ts";
import { Trouble } from "./trouble.ts";

/** A listing has at most 1000 objects. */
const LONGEST = 16 * 1024 * 1024;

/** `sizes` is undefined where the storage's are shown. What is the proxy's own is left out. */
export async function list(x: Exchange, sizes: Sizes | undefined): Promise<void> {
  const identity: Field = ["Accept-Encoding", "identity"];
  const answer = await x.ask("GET", [...x.fieldsWithout("accept-encoding"), identity]);
  if (answer.statusCode !== 200) {
    await x.passOn(answer);
    return;
  }
  const body = await contentOf(answer, LONGEST);
  const read = readAnswer(body);
  if (read.kind === "bad")
    throw new Trouble("upstream_broken", `the listing of the storage is malformed: ${read.reason}`);
  const sized = sizes === undefined ? [] : await changesOf(x, read.value, sizes);
  replyWith(x, answer, changeAnswer(read.value, [...hiding(read.value), ...sized]));
}

async function changesOf(x: Exchange, answer: Answer, sizes: Sizes): Promise<Change[]> {
  const bucketPath = x.asked.path.replace(/\/$/, "");
  const entries = answer.entries.filter((entry) => !isHidden(answer, entry));
  const listed = entries.map((entry) => listedOf(answer, entry, bucketPath));
  const found = await sizes.findAll(x, listed);
  return entries.flatMap((entry, i) => changeOf(entry, listed[i], found[i]) ?? []);
}

function changeOf(entry: Entry, listed: Listed | undefined, shown: Shown | undefined): Change | undefined {
  if (shown?.size === undefined) return undefined;
  const size = String(shown.size);
  const fields = {
    ...(size === entry.fields.get("Size") ? {} : { Size: size }),
    ...(shown.tag === undefined || shown.tag === listed?.tag ? {} : { ETag: shown.tag }),
  };
  return { entry, fields };
}

function listedOf(answer: Answer, entry: Entry, bucketPath: string): Listed | undefined {
  const key = keyOf(answer, entry);
  const size = entry.fields.get("Size") ?? "";
  const tag = entry.fields.get("ETag");
  if (key === undefined || tag === undefined || !/^[0-9]{1,15}$/.test(size)) return undefined;
  const versionId = entry.name === "Version" ? entry.fields.get("VersionId") : undefined;
  const place = placeOf(bucketPath, key, versionId);
  return { place, tag: `"${tag.replace(/^"(.*)"$/, "$1")}"`, size: Number(size) };
}
