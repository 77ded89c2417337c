/** CompleteMultipartUpload: first the manifest says which parts count, then the storage makes an object of them. */
import type { IncomingMessage } from "node:http";
import {
  encodeCompleteMultipartUpload,
  readCompleteMultipartUpload,
  type CompletedPart,
} from "../../../../lib/wire/s3-xml.ts";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { encodeXml } from "../../../../lib/wire/xml.ts";
import { sealManifest, type ListedPart } from "../../object/manifest.ts";
import { partPlainLength } from "../../object/v3.ts";
import { random } from "../../seal.ts";
import type { Expected } from "../dialect.ts";
import type { Exchange } from "../exchange.ts";
import { Content } from "../content.ts";
import { asksForTag, storedMatch } from "../s3-match.ts";
import { tagOfParts } from "../tags.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { ask, commonFields, documentOf, manifestPath, readingFields } from "./ask.ts";
import { OF_ANSWER, uploadOf, uploadQuery } from "./create.ts";
import { layoutFor } from "./layouts.ts";
import type { MultipartMemory } from "./memory.ts";
import { markOf, tagOf } from "./read.ts";
import { wrongChecksum } from "./object-checksum.ts";
import { storedParts, type StoredPart } from "./parts.ts";
import type { Upload, UploadPlace } from "./upload-id.ts";

/** Bytes: 10,000 parts, each with a checksum or two. */
const LARGEST_BODY = 4 << 20;

export async function complete(x: Exchange, place: UploadPlace, uploadId: string, expected: Expected): Promise<void> {
  const upload = uploadOf(x, place, uploadId);
  x.told.format = "v3";
  x.told.keyId = upload.keyId;
  const wanted = await wantedOf(x, expected);
  // Two at a time could each write the other's manifest.
  await x.gateway.multipart.alone(upload.objectId, async () => {
    if (!(await isRepeated(x, place, upload, wanted))) await make(x, place, upload, wanted);
  });
}

async function make(x: Exchange, place: UploadPlace, upload: Upload, wanted: readonly CompletedPart[]): Promise<void> {
  const { multipart } = x.gateway;
  const stored = await storedParts(x, upload);
  const listed = wanted.map((part) => listedOf(part, stored.get(part.partNumber), upload, multipart));
  const receipts = wanted.map(({ partNumber }) =>
    multipart.receipt(upload.objectId, partNumber, stored.get(partNumber)!.tag),
  );
  const wrong = wrongChecksum(x.asked.headers, receipts);
  if (wrong !== undefined) throw new Trouble("bad_digest", `the object is not that of its ${wrong}`);
  const conditions = await conditionsOf(x);
  await writeManifest(x, upload, listed);
  const body = encodeCompleteMultipartUpload(
    wanted.map(({ partNumber }) => ({ partNumber, etag: stored.get(partNumber)!.tag, checksums: {} })),
  );
  const fields = [...commonFields(x), ["Content-Type", "application/xml"] as const, ...conditions];
  const request = { method: "POST", path: x.asked.path, query: uploadQuery(upload), fields };
  const answer = await ask(x, request, body);
  const done = isDone(answer) ? await documentOf(answer) : undefined;
  // Errors may come behind a status of 200, sent ahead so that the client goes on waiting.
  if (done?.root.name !== "CompleteMultipartUploadResult") {
    await refused(x, upload, answer, done?.root.fields);
    return;
  }
  multipart.forget(
    upload.objectId,
    Array.from(stored.values(), ({ number, tag }) => [number, tag] as const),
  );
  replyDone(x, place, answer, tagOfParts(listed) ?? done.root.fields.get("ETag") ?? "");
}

function replyDone(x: Exchange, { bucket, key }: UploadPlace, answer: IncomingMessage, tag: string): void {
  const result = encodeXml(
    [
      "CompleteMultipartUploadResult",
      [
        ["Location", locationOf(x)],
        ["Bucket", bucket],
        ["Key", key],
        ["ETag", tag],
      ],
    ],
    "http://s3.amazonaws.com/doc/2006-03-01/",
  );
  x.reply(200, x.answerFields(answer, ...OF_ANSWER, "content-type").concat([XML]), Buffer.from(result).toString());
}

/**
 * Clients that did not get the answer ask again: where the object is there by now, of these parts, it is the same answer.
 * Its manifest is never written again, whatever the storage thinks of the upload (Swift lists its parts on). Throws `Trouble`
 * where it is of other parts.
 */
async function isRepeated(
  x: Exchange,
  place: UploadPlace,
  upload: Upload,
  wanted: readonly CompletedPart[],
): Promise<boolean> {
  const answer = await ask(x, { method: "HEAD", path: x.asked.path, query: "", fields: readingFields(x) });
  answer.resume();
  const mark = isDone(answer) ? markOf(x, answer) : undefined;
  if (mark === undefined || !Buffer.from(mark.objectId).equals(upload.objectId)) return false;
  const found = await layoutFor(x, answer, mark);
  const { parts, proven } = found.layout;
  const isSame =
    proven &&
    parts.length === wanted.length &&
    parts.every(({ number, md5 }, i) => {
      const { partNumber, etag } = wanted[i]!;
      return number === partNumber && (md5 === undefined || Buffer.from(md5).toString("hex") === etag.toLowerCase());
    });
  if (!isSame) throw new Trouble("no_such_upload", "the upload is an object by now, of other parts");
  replyDone(x, place, answer, tagOf(found) ?? "");
  return true;
}

const XML = ["Content-Type", "application/xml"] as const;

async function wantedOf(x: Exchange, expected: Expected): Promise<CompletedPart[]> {
  const content = new Content(x, expected);
  const body = await content.gather(LARGEST_BODY);
  if (!content.isWhole) throw new Trouble("malformed", "the list of parts is too long");
  content.verify();
  const read = readCompleteMultipartUpload(body);
  if (read.kind === "bad") throw new Trouble("malformed", read.reason);
  return read.value;
}

/** What is known of a part that the client wants. Throws `Trouble` where it is not the one that the storage has. */
function listedOf(
  { partNumber: number, etag, checksums }: CompletedPart,
  stored: StoredPart | undefined,
  { objectId }: Upload,
  memory: MultipartMemory,
): ListedPart {
  const invalid = (message: string) => new Trouble("invalid_part", `part ${number} ${message}`);
  if (stored === undefined) throw invalid("was not uploaded");
  const plain = partPlainLength(stored.sealed);
  if (plain === undefined) throw invalid("is not one that was uploaded here");
  const receipt = memory.receipt(objectId, number, stored.tag);
  if (receipt === undefined) {
    // Some other proxy, or this one before it was started anew: the client's word is held against what is read.
    if (etag === stored.tag) return { number, plain };
    if (!/^[0-9a-f]{32}$/i.test(etag)) throw invalid("has another ETag");
    return { number, plain, md5: Uint8Array.from(Buffer.from(etag, "hex")) };
  }
  const { md5, commitment } = receipt;
  if (receipt.plain !== plain) throw invalid("is at the storage in another size than it was sent");
  if (etag !== Buffer.from(md5).toString("hex") && etag !== stored.tag) throw invalid("has another ETag");
  for (const { name, value } of receipt.checksums) {
    const claimed = checksums[`Checksum${name}`];
    if (claimed !== undefined && claimed !== Buffer.from(value).toString("base64"))
      throw invalid(`has another ${name}`);
  }
  return { number, plain, md5, commitment };
}

async function writeManifest(x: Exchange, { objectId, keyId: id, key }: Upload, parts: readonly ListedPart[]) {
  const bytes = sealManifest(objectId, parts, { id, key }, random(24));
  const fields = [...commonFields(x), ["Content-Type", "application/octet-stream"] as const];
  const answer = await ask(
    x,
    { method: "PUT", path: manifestPath(x, x.asked.path, objectId), query: "", fields },
    bytes,
  );
  answer.resume();
  if (isDone(answer)) return;
  const message = `the storage does not take the manifest: status ${answer.statusCode}`;
  throw new Trouble(answer.statusCode === 403 ? "denied" : "upstream_broken", message);
}

/** Codes of S3 after which there may be an object all the same, made by another request of the same kind. */
const UNDECIDED = new Set(["NoSuchUpload", "InternalError", "SlowDown", "ServiceUnavailable"]);

/** Hands the storage's refusal on. Its manifest goes as well, unless there may be an object that needs it. */
async function refused(
  x: Exchange,
  { objectId }: Upload,
  answer: IncomingMessage,
  fields: ReadonlyMap<string, string> | undefined,
): Promise<void> {
  const read = fields ?? (await documentOf(answer).catch(() => undefined))?.root.fields;
  const [code, message] = [read?.get("Code") ?? "", read?.get("Message") ?? "the storage made no object of it"];
  const { statusCode: status = 502 } = answer;
  if (!UNDECIDED.has(code) && (isDone(answer) || status < 500)) {
    const gone = await ask(x, {
      method: "DELETE",
      path: manifestPath(x, x.asked.path, objectId),
      query: "",
      fields: commonFields(x),
    });
    gone.resume();
  }
  const error = encodeXml([
    "Error",
    [
      ["Code", code === "" ? "InternalError" : code],
      ["Message", message],
    ],
  ]);
  x.told.trouble = new Trouble("upstream_refused", `the storage made no object of the parts: ${JSON.stringify(code)}`);
  x.reply(isDone(answer) ? 500 : status, [XML], Buffer.from(error).toString());
}

/** `*` is about whether there is an object, which the storage knows; of a tag it is asked for its own. Throws `Trouble` (412). */
async function conditionsOf(x: Exchange): Promise<Field[]> {
  const known = x.asked.headers.filter(
    ([name, value]) => /^if-(?:none-)?match$/.test(name.toLowerCase()) && value.trim() === "*",
  );
  return asksForTag(x) ? [...known, await storedMatch(x)] : known;
}

/** Where the client asked. */
function locationOf({ asked, client }: Exchange): string {
  const host = asked.headers.find(([name]) => name.toLowerCase() === "host")?.[1] ?? "localhost";
  return `${client.conn.tls === undefined ? "http" : "https"}://${host}${asked.root}${asked.rest}`;
}
