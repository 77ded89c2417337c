/** The parts that the storage has of an upload, by its own list; and the lists of parts and of uploads that clients ask for. */
import { changeAnswer, keyOf, readAnswer, type Answer, type Change } from "../../../../lib/wire/s3-xml.ts";
import { partPlainLength } from "../../object/v3.ts";
import { random } from "../../seal.ts";
import type { Exchange } from "../exchange.ts";
import { formatTag } from "../read-head.ts";
import { bareTag } from "../tags.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { contentOf } from "../answers.ts";
import { ask, commonFields, documentOf } from "./ask.ts";
import { OF_ANSWER, UNKNOWN_OBJECT, uploadOf, uploadQuery } from "./create.ts";
import { sealUploadId, type Upload, type UploadPlace } from "./upload-id.ts";

/** As the storage has it. */
export interface StoredPart {
  readonly number: number;
  /** Without quotes. */
  readonly tag: string;
  readonly sealed: number;
}

const MOST_PAGES = 10_001;
const LARGEST_XML = 8 << 20;

/** All of them, by number. Throws `Trouble`. */
export async function storedParts(x: Exchange, upload: Upload): Promise<Map<number, StoredPart>> {
  const parts = new Map<number, StoredPart>();
  let marker = 0;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query = uploadQuery(upload, marker === 0 ? "" : `part-number-marker=${marker}&`);
    const answer = await ask(x, { method: "GET", path: x.asked.path, query, fields: commonFields(x) });
    if (!isDone(answer)) throw await refusalOf(answer);
    const { root, entries } = await documentOf(answer);
    for (const { name, fields } of entries) if (name === "Part") note(parts, fields);
    if (root.fields.get("IsTruncated") !== "true") return parts;
    const next = Number(root.fields.get("NextPartNumberMarker"));
    if (!Number.isInteger(next) || next <= marker) break;
    marker = next;
  }
  throw new Trouble("upstream_broken", "the storage's list of parts has no end");
}

function note(parts: Map<number, StoredPart>, fields: ReadonlyMap<string, string>): void {
  const [number, sealed] = [Number(fields.get("PartNumber")), Number(fields.get("Size"))];
  const tag = bareTag(fields.get("ETag") ?? "");
  if (!Number.isInteger(number) || !Number.isSafeInteger(sealed) || tag === "")
    throw new Trouble("upstream_broken", "the storage's list of parts is not one");
  parts.set(number, { number, tag, sealed });
}

/** What an error of the storage means. */
async function refusalOf(answer: Parameters<typeof contentOf>[0]): Promise<Trouble> {
  const { statusCode } = answer;
  const read = readAnswer(await contentOf(answer, LARGEST_XML));
  const code = read.kind === "bad" ? undefined : read.value.root.fields.get("Code");
  if (statusCode === 404 && (code === undefined || code === "NoSuchUpload"))
    return new Trouble("no_such_upload", "there is no such upload, or it is an object by now");
  if (statusCode === 404) return new Trouble("not_found", "there is no such bucket");
  if (statusCode === 403) return new Trouble("denied", "the storage does not allow it");
  return new Trouble("upstream_broken", `the storage lists no parts: status ${statusCode}`);
}

/** ListParts: sizes of the plaintext, and its MD5 where it is remembered. */
export async function listParts(x: Exchange, place: UploadPlace, uploadId: string): Promise<void> {
  const upload = uploadOf(x, place, uploadId, true);
  await list(x, withUploadId(x.asked.query, upload.upstreamId), ({ root, entries }) => [
    { entry: root, fields: { UploadId: uploadId, ...NO_CHECKSUMS } },
    ...entries.map((entry): Change => {
      const number = Number(entry.fields.get("PartNumber"));
      const receipt = x.gateway.multipart.receipt(upload.objectId, number, bareTag(entry.fields.get("ETag") ?? ""));
      const size = receipt?.plain ?? partPlainLength(Number(entry.fields.get("Size")));
      return {
        entry,
        fields: {
          ...(size !== undefined && { Size: String(size) }),
          ...(receipt !== undefined && { ETag: formatTag(receipt.md5) }),
          ...NO_CHECKSUMS,
        },
      };
    }),
  ]);
}

const NO_CHECKSUMS = Object.fromEntries(
  ["Algorithm", "Type", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"].map((name) => [`Checksum${name}`, undefined]),
);

/** ListMultipartUploads: the ids are good for ListParts and AbortMultipartUpload, whoever began the upload. */
export async function listUploads(x: Exchange, bucket: string): Promise<void> {
  const { id: keyId, key: dataKey } = x.gateway.keys.newest;
  const upload = { keyId, key: dataKey, objectId: UNKNOWN_OBJECT };
  await list(x, x.asked.query.replace(/((?:^|&)upload-id-marker=[^&]*)\.[A-Za-z0-9_-]{86}(?=&|$)/, "$1"), (answer) => [
    { entry: answer.root, fields: NO_CHECKSUMS },
    ...answer.entries.map((entry): Change => {
      const [key, upstreamId] = [keyOf(answer, entry), entry.fields.get("UploadId")];
      if (key === undefined || upstreamId === undefined) return { entry, fields: NO_CHECKSUMS };
      const id = sealUploadId({ ...upload, upstreamId }, { bucket, key }, random(24));
      return { entry, fields: { UploadId: id, ...NO_CHECKSUMS } };
    }),
  ]);
}

async function list(x: Exchange, query: string, changes: (answer: Answer) => Change[]): Promise<void> {
  const answer = await ask(x, { method: "GET", path: x.asked.path, query, fields: commonFields(x) });
  if (!isDone(answer)) {
    await x.passOn(answer);
    return;
  }
  const document = await documentOf(answer);
  const changed = changeAnswer(document, changes(document));
  x.reply(200, x.answerFields(answer, ...OF_ANSWER), Buffer.from(changed).toString());
}

/** The query with the storage's own id in it, and all else as it is. */
function withUploadId(query: string, upstreamId: string): string {
  const others = query.split("&").filter((each) => !/^uploadId(?:=|$)/.test(each));
  return [...others, `uploadId=${encodeURIComponent(upstreamId)}`].join("&");
}
