/** What of S3 is about multipart uploads, and who does it. For requests that are verified. */
import type { S3Request } from "../../../../lib/wire/s3-request.ts";
import { sourceSubject } from "../s3-copy.ts";
import type { Asked, Expected, Meant } from "../dialect.ts";
import type { Exchange } from "../exchange.ts";
import type { S3Settings } from "../s3-settings.ts";
import { S3Trouble } from "../s3-trouble.ts";
import { isSide } from "./ask.ts";
import { complete } from "./complete.ts";
import { abort, create } from "./create.ts";
import { deleteBucket } from "./delete-bucket.ts";
import { uploadPart } from "./part.ts";
import { uploadPartCopy } from "./part-copy.ts";
import { listParts, listUploads } from "./parts.ts";

/** Undefined for what is about one object as a whole. `content` is what the request is said to carry. */
export function multipartAction(
  policy: S3Settings["multipart"],
  asked: Asked,
  request: S3Request,
  content: Expected | undefined,
): Meant | undefined {
  if ("key" in request && request.key !== undefined && isSide(request.key))
    return refuse("denied", "AccessDenied", "keys that begin with .s3crypt/ are the proxy's own");
  if ("source" in request && isSide(request.source.key))
    return refuse("denied", "AccessDenied", "keys that begin with .s3crypt/ are the proxy's own");
  switch (request.operation) {
    case "CreateMultipartUpload":
      if (policy === "deny") return refuse("unsupported", "NotImplemented", "multipart uploads are not allowed here");
      return own((x) => create(x, request));
    case "UploadPart":
      return {
        ...own((x) => uploadPart(x, request, request.uploadId, request.partNumber, content!)),
        writes: partName(request),
      };
    case "CompleteMultipartUpload":
      return { ...own((x) => complete(x, request, request.uploadId, content!)), writes: "" };
    case "AbortMultipartUpload":
      return own((x) => abort(x, request, request.uploadId));
    case "ListParts":
      return own((x) => listParts(x, request, request.uploadId));
    case "ListMultipartUploads":
      return own((x) => listUploads(x, request.bucket));
    case "UploadPartCopy":
      return {
        ...own((x) => uploadPartCopy(x, request, request.uploadId, request.partNumber, request.source)),
        reads: sourceSubject(baseOf(asked), request.source),
        writes: partName(request),
      };
    case "Untouched":
      return request.name === "DeleteBucket" ? own(deleteBucket) : undefined;
    default:
      return undefined;
  }
}

/** All attempts at a part have it, and no part of another upload. */
function partName({ uploadId, partNumber }: { uploadId: string; partNumber: number }): string {
  return `${partNumber} ${uploadId}`;
}

/** What stands in front of all paths at the storage. */
function baseOf({ path, rest }: Asked): string {
  return path.slice(0, path.length - rest.length);
}

function own(answer: (x: Exchange) => Promise<void>): Extract<Meant, { kind: "own" }> {
  return { kind: "own", answer };
}

function refuse(code: "denied" | "unsupported", s3Code: string, message: string): Meant {
  return { kind: "refuse", trouble: new S3Trouble(code, s3Code, message) };
}
