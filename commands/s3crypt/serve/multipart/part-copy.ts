/** UploadPartCopy: the storage cannot copy what is encrypted into a part, so it is read, and encrypted anew. */
import { createHash } from "node:crypto";
import { encodeXml } from "../../../../lib/wire/xml.ts";
import type { CopySource } from "../../../../lib/wire/s3-request.ts";
import { partLength } from "../../object/v3.ts";
import { makePartSealer } from "../../seal.ts";
import type { Exchange } from "../exchange.ts";
import { formatTag } from "../read-head.ts";
import { holdsSource, sourcePlace, valueOf } from "../s3-copy.ts";
import { lookAt } from "../s3-look.ts";
import { S3Trouble, troubleOfStatus } from "../s3-trouble.ts";
import { bareTag } from "../tags.ts";
import { Trouble } from "../trouble.ts";
import { isDone } from "../upstream.ts";
import { commonFields, outgoingOf } from "./ask.ts";
import { OF_ANSWER, uploadOf, uploadQuery } from "./create.ts";
import { plaintextOf } from "./plaintext.ts";
import type { UploadPlace } from "./upload-id.ts";

export async function uploadPartCopy(
  x: Exchange,
  place: UploadPlace,
  uploadId: string,
  part: number,
  source: CopySource,
): Promise<void> {
  const upload = uploadOf(x, place, uploadId);
  x.told.format = "v3";
  x.told.keyId = upload.keyId;
  const from = sourcePlace(x.gateway.settings.upstream.base, source);
  const looked = await lookAt(x, from);
  if (typeof looked === "number") throw troubleOfStatus(looked, "the source of the copy");
  if (!holdsSource(x, looked)) throw new Trouble("precondition_failed", "the source of the copy is another one");
  if (looked.size === undefined) throw new Trouble("upstream_broken", "the source of the copy cannot be read");
  const { start, end } = rangeOf(valueOf(x.asked, "x-amz-copy-source-range"), looked.size);
  const plain = end - start;
  const { keyId: id, key, objectId } = upload;
  const sealer = makePartSealer(x.gateway.tools.engine, { id, key }, objectId, { part, plain });
  const query = uploadQuery(upload, `partNumber=${part}&`);
  const outgoing = outgoingOf(x, { method: "PUT", path: x.asked.path, query, fields: commonFields(x) }, true);
  const sent = x.gateway.upstream.send({ ...outgoing, length: partLength(plain) });
  x.breakWithClient(sent);
  const md5 = createHash("md5");
  try {
    if (plain > 0)
      for await (const piece of plaintextOf(x, from, looked.stored ?? "", start, end)) {
        if (sent.isOver) break;
        md5.update(piece);
        x.gateway.counts.encrypted += piece.length;
        await sent.write(sealer.push(piece));
      }
    if (!sent.isOver) sent.end(sealer.finish());
    const answer = await sent.answer();
    answer.on("error", () => {});
    if (!isDone(answer)) {
      await x.passOn(answer);
      if (!sent.isComplete) sent.destroy();
      return;
    }
    answer.resume();
    if (!sent.isComplete) throw new Trouble("upstream_broken", "the storage took a part that it has not got whole");
    const digest = Uint8Array.from(md5.digest());
    const { commitment } = sealer;
    const { etag } = answer.headers;
    const receipt = { plain, md5: digest, commitment, checksums: [] };
    if (etag !== undefined) x.gateway.multipart.keep(objectId, part, bareTag(etag), receipt);
    const result = encodeXml([
      "CopyPartResult",
      [
        ["LastModified", new Date().toISOString()],
        ["ETag", formatTag(digest)],
      ],
    ]);
    const fields = x.answerFields(answer, ...OF_ANSWER, "content-type");
    x.reply(200, [...fields, ["Content-Type", "application/xml"]], Buffer.from(result).toString());
  } catch (error) {
    sent.destroy();
    throw error;
  }
}

/** Throws `Trouble` for one that the source has not: S3 takes it as it is, or not at all. */
function rangeOf(text: string | undefined, size: number): { start: number; end: number } {
  if (text === undefined) return { start: 0, end: size };
  const [, first, last] = /^bytes=([0-9]{1,15})-([0-9]{1,15})$/.exec(text.trim()) ?? [];
  const [start, end] = [Number(first), Number(last) + 1];
  if (first === undefined || start >= end || end > size)
    throw new S3Trouble("bad_request", "InvalidArgument", "the source of the copy has no such range");
  return { start, end };
}
