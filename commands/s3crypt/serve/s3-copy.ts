/** CopyObject: the storage copies what is encrypted as it is; what is known of it, conditions and tags are those of the plaintext. */
import type { Field } from "../../../lib/wire/http-forward.ts";
import { changeAnswer, readAnswer } from "../../../lib/wire/s3-xml.ts";
import { pathOf } from "../../../lib/wire/s3-path.ts";
import type { CopySource } from "../../../lib/wire/s3-request.ts";
import { contentOf } from "./answers.ts";
import { holdsIfMatch, holdsIfNoneMatch, type Tag } from "./conditions.ts";
import type { Asked, Subject } from "./dialect.ts";
import { replyWith } from "./documents.ts";
import { hasDots } from "./dots.ts";
import type { Exchange } from "./exchange.ts";
import type { Place } from "./multipart/ask.ts";
import { carryManifest } from "./multipart/carry.ts";
import { lookAt, placeOf, type Looked } from "./s3-look.ts";
import { troubleOfStatus } from "./s3-trouble.ts";
import { Trouble } from "./trouble.ts";

const LONGEST = 64 * 1024;
const SOURCE = "x-amz-copy-source";

/** What of a copy is read. `base` is what stands in front of all paths at the storage. */
export function sourceSubject(base: string, source: CopySource): Subject {
  const { path } = sourcePlace(base, source);
  const read = hasDots(path) ? "" : pathOf(path);
  return typeof read === "string" ? { operation: "GetObject" } : { operation: "GetObject", ...read };
}

export function sourcePlace(base: string, { bucket, key, versionId }: CopySource): Place {
  return placeOf(`${base}${bucket}`, key, versionId);
}

export async function copy(x: Exchange, source: CopySource): Promise<void> {
  const { base } = x.gateway.settings.upstream;
  const looked = await lookAt(x, sourcePlace(base, source));
  if (typeof looked === "number") throw troubleOfStatus(looked, "the source of the copy");
  if (!holdsSource(x, looked)) throw new Trouble("precondition_failed", "the source of the copy is another one");
  const match = valueOf(x.asked, `${SOURCE}-if-match`);
  await carryManifest(x, sourcePlace(base, source), looked);
  const answer = await x.ask("PUT", [
    ...x.fieldsWithout(SOURCE, `${SOURCE}-if-match`, `${SOURCE}-if-none-match`, "content-md5"),
    [SOURCE, `${base.slice(1)}${valueOf(x.asked, SOURCE)!.trim().replace(/^\//, "")}`],
    ...sameSource(x.asked, looked, match),
    ...(valueOf(x.asked, "x-amz-metadata-directive")?.trim().toUpperCase() === "REPLACE" ? looked.kept : []),
  ]);
  if (answer.statusCode !== 200) {
    await x.passOn(answer);
    return;
  }
  const body = await contentOf(answer, LONGEST);
  const read = readAnswer(body);
  // Errors may come behind a status of 200, as of CompleteMultipartUpload.
  if (read.kind === "ok" && read.value.root.name === "Error") await x.right?.give();
  replyWith(x, answer, retagged(x, body, looked));
}

/** Whether the conditions on the source hold, as far as they are on its tag. */
export function holdsSource({ asked }: Exchange, { tag }: Looked): boolean {
  const [match, noneMatch] = [valueOf(asked, `${SOURCE}-if-match`), valueOf(asked, `${SOURCE}-if-none-match`)];
  return holdsIfMatch(match, tag) && holdsIfNoneMatch(noneMatch, tag);
}

/**
 * What was looked at is what is copied; unless the client asks by date, which a tag would override. Swift takes no tag of an
 * object in parts there: such a copy has the tag of what was looked at, and the bytes of what is there by then.
 */
function sameSource(asked: Asked, { stored }: Looked, match: string | undefined): Field[] {
  const byDate = match === undefined && valueOf(asked, `${SOURCE}-if-unmodified-since`) !== undefined;
  return stored === undefined || byDate || /-[0-9]{1,5}"?$/.test(stored) ? [] : [[`${SOURCE}-if-match`, stored]];
}

/** The storage tells its own tag of the copy, and checksums of what lies there. */
function retagged(x: Exchange, body: Uint8Array, { tag, stored }: Looked): Uint8Array {
  const read = readAnswer(body);
  const given = read.kind === "ok" ? read.value.root.fields.get("ETag") : undefined;
  if (read.kind === "bad" || given === undefined) return body;
  const quoted = `"${given.trim().replace(/^"(.*)"$/, "$1")}"`;
  const isDerived = stored !== undefined && tag === x.gateway.tools.dialect.tagFrom?.(stored);
  const shown: Tag = isDerived ? x.gateway.tools.dialect.tagFrom?.(quoted) : tag === stored ? quoted : tag;
  const checksums = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "Type"].map((name) => `Checksum${name}`);
  const gone = Object.fromEntries(checksums.map((name) => [name, undefined]));
  return changeAnswer(read.value, [{ entry: read.value.root, fields: { ETag: shown ?? quoted, ...gone } }]);
}

export function valueOf({ headers }: Asked, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}
