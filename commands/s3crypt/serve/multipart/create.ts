/** CreateMultipartUpload: the storage's upload, under an id that carries what the proxy must know of it; and its end without an object. */
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { changeAnswer } from "../../../../lib/wire/s3-xml.ts";
import { random } from "../../seal.ts";
import type { Exchange } from "../exchange.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { ask, commonFields, documentOf } from "./ask.ts";
import { formatMark } from "./mark.ts";
import { openUploadId, sealUploadId, type Upload, type UploadPlace } from "./upload-id.ts";

/** What the storage would compute over what it gets, or hold against it. */
const OF_PLAINTEXT =
  /^(?:x-amz-checksum-.*|x-amz-sdk-checksum-algorithm|x-amz-content-sha256|content-md5|content-type-md5)$/;

export async function create(x: Exchange, place: UploadPlace): Promise<void> {
  const { id: keyId, key } = x.gateway.keys.newest;
  const objectId = random(16);
  x.told.format = "v3";
  x.told.keyId = keyId;
  const { factsField } = x.gateway.tools.dialect;
  const kept = x.fieldsWithout("content-length").filter(([name]) => !OF_PLAINTEXT.test(name.toLowerCase()));
  const fields: Field[] = [...kept, [factsField, formatMark({ keyId, objectId })]];
  const answer = await ask(x, { method: "POST", path: x.asked.path, query: "uploads", fields }, new Uint8Array(0));
  if (!isDone(answer)) {
    await x.passOn(answer);
    return;
  }
  const document = await documentOf(answer);
  const upstreamId = document.root.fields.get("UploadId");
  if (upstreamId === undefined || upstreamId === "")
    throw new Trouble("upstream_broken", "the storage began an upload without a name");
  const id = sealUploadId({ upstreamId, objectId, keyId, key }, place, random(24));
  const changed = changeAnswer(document, [{ entry: document.root, fields: { UploadId: id } }]);
  x.reply(200, x.answerFields(answer, ...OF_ANSWER), Buffer.from(changed).toString());
}

/** Fields of an answer whose content is not handed on as it is, or that speak of ciphertext. */
export const OF_ANSWER = [
  "content-length",
  "content-md5",
  "etag",
  "x-amz-checksum-algorithm",
  "x-amz-checksum-type",
  ...["crc32", "crc32c", "crc64nvme", "sha1", "sha256"].map((name) => `x-amz-checksum-${name}`),
];

export async function abort(x: Exchange, place: UploadPlace, uploadId: string): Promise<void> {
  const upload = uploadOf(x, place, uploadId, true);
  const query = uploadQuery(upload);
  const answer = await ask(x, { method: "DELETE", path: x.asked.path, query, fields: commonFields(x) });
  await x.passOn(answer);
}

/** Of uploads that are only known from the storage's list: no part can be added to them, and no object made of them. */
export const UNKNOWN_OBJECT = new Uint8Array(16);

/** Throws `Trouble` for an id that this proxy did not give, or gave for another object; `listed` takes those of lists too. */
export function uploadOf(x: Exchange, place: UploadPlace, uploadId: string, listed = false): Upload {
  const upload = openUploadId(uploadId, place, x.gateway.keys);
  if (upload === undefined || (!listed && Buffer.from(upload.objectId).equals(UNKNOWN_OBJECT)))
    throw new Trouble("no_such_upload", "there is no such upload of this object");
  return upload;
}

/** The storage's own id, behind what else is asked. */
export function uploadQuery({ upstreamId }: Upload, more = ""): string {
  return `${more}uploadId=${encodeURIComponent(upstreamId)}`;
}
