/** UploadPart: each attempt is encrypted under a key of its own, so that two with one number have nothing in common. */
import { partLength } from "../../object/v3.ts";
import { makePartSealer } from "../../seal.ts";
import type { Expected } from "../dialect.ts";
import type { Exchange } from "../exchange.ts";
import { Content } from "../content.ts";
import { SMALL, upload as send } from "../store.ts";
import { formatTag } from "../read-head.ts";
import { bareTag } from "../tags.ts";
import { Trouble } from "../trouble.ts";
import { commonFields, outgoingOf } from "./ask.ts";
import { OF_ANSWER, uploadOf, uploadQuery } from "./create.ts";
import type { UploadPlace } from "./upload-id.ts";

export async function uploadPart(
  x: Exchange,
  place: UploadPlace,
  uploadId: string,
  part: number,
  expected: Expected,
): Promise<void> {
  const upload = uploadOf(x, place, uploadId);
  x.told.format = "v3";
  x.told.keyId = upload.keyId;
  const { length: plain } = expected;
  if (plain === undefined) throw new Trouble("length_required", "a part comes with its length");
  const content = new Content(x, expected);
  const first = await content.gather(SMALL);
  x.gateway.counts.encrypted += first.length;
  if (content.isWhole) content.verify();
  const { keyId: id, key, objectId } = upload;
  const sealer = makePartSealer(x.gateway.tools.engine, { id, key }, objectId, { part, plain });
  const begun = sealer.push(first).slice();
  const query = uploadQuery(upload, `partNumber=${part}&`);
  const outgoing = outgoingOf(x, { method: "PUT", path: x.asked.path, query, fields: commonFields(x) }, true);
  await send(x, content, sealer, begun, { ...outgoing, length: partLength(plain) }, (answer) => {
    const { etag } = answer.headers;
    const { commitment } = sealer;
    if (etag !== undefined)
      x.gateway.multipart.keep(objectId, part, bareTag(etag), {
        plain,
        md5: content.md5,
        commitment,
        checksums: content.claimed,
      });
    return x.passOn(answer, [["ETag", formatTag(content.md5)]], OF_ANSWER_PART);
  });
}

const OF_ANSWER_PART = OF_ANSWER.filter((name) => name !== "content-length");
