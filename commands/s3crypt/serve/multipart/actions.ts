/** What of S3 is about multipart uploads, and who does it. For requests that are verified. */
import type { S3Request } from "../../../../lib/wire/s3-request.ts";
import type { Expected, Meant } from "../dialect.ts";
import type { Exchange } from "../exchange.ts";
import type { S3Settings } from "../s3-settings.ts";
import { S3Trouble } from "../s3-trouble.ts";
import { isSide } from "./ask.ts";
import { complete } from "./complete.ts";
import { abort, create } from "./create.ts";
import { uploadPart } from "./part.ts";
import { listParts, listUploads } from "./parts.ts";

/** Undefined for what is about one object as a whole. `content` is what the request is said to carry. */
export function multipartAction(
  policy: S3Settings["multipart"],
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
      return own((x) => uploadPart(x, request, request.uploadId, request.partNumber, content!));
    case "CompleteMultipartUpload":
      return own((x) => complete(x, request, request.uploadId, content!));
    case "AbortMultipartUpload":
      return own((x) => abort(x, request, request.uploadId));
    case "ListParts":
      return own((x) => listParts(x, request, request.uploadId));
    case "ListMultipartUploads":
      return own((x) => listUploads(x, request.bucket));
    case "UploadPartCopy":
      return refuse("unsupported", "NotImplemented", "parts cannot be copied: their keys are their own");
    default:
      return undefined;
  }
}

function own(answer: (x: Exchange) => Promise<void>): Meant {
  return { kind: "own", answer };
}

function refuse(code: "denied" | "unsupported", s3Code: string, message: string): Meant {
  return { kind: "refuse", trouble: new S3Trouble(code, s3Code, message) };
}
