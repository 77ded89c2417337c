/** What an S3 request means, from its method, raw path, query and headers. What could carry bytes of an object unseen is refused. */
import { pathOf, percentDecoded } from "./s3-path.ts";
import { MODIFIERS, operationOf, OWN, SUBRESOURCES } from "./s3-operations.ts";
import { decodeParameter, parseQuery, type RequestHead } from "./sigv4-canonical.ts";

/** What a request's body may be: nothing, a document for the storage, or bytes of an object. */
type Carries = "nothing" | "document" | "object";

interface InBucket {
  /** As the API reference of S3 says. */
  name: string;
  carries: Carries;
  bucket: string;
}

interface OfObject extends InBucket {
  /** Decoded; never normalised. */
  key: string;
  versionId: string | undefined;
}

interface OfUpload extends OfObject {
  uploadId: string;
}

/** What is copied, from `x-amz-copy-source`. */
export interface CopySource {
  bucket: string;
  key: string;
  versionId: string | undefined;
}

/** `partNumber` of a read asks for one part of an object. */
export type S3Request =
  | (OfObject & { operation: "PutObject" | "DeleteObject" | "GetObjectAttributes" | "CreateMultipartUpload" })
  | (OfObject & { operation: "GetObject" | "HeadObject"; partNumber: number | undefined })
  | (OfObject & { operation: "CopyObject"; source: CopySource })
  | (OfUpload & { operation: "CompleteMultipartUpload" | "AbortMultipartUpload" | "ListParts" })
  | (OfUpload & { operation: "UploadPart"; partNumber: number })
  | (OfUpload & { operation: "UploadPartCopy"; partNumber: number; source: CopySource })
  | (InBucket & {
      operation: "DeleteObjects" | "ListObjects" | "ListObjectsV2" | "ListObjectVersions" | "ListMultipartUploads";
    })
  | { operation: "ListBuckets"; name: "ListBuckets"; carries: "nothing" }
  /** Passed on as it is; `key` is undefined for what is a bucket's. */
  | (InBucket & { operation: "Untouched"; key: string | undefined })
  /** Never passed on. */
  | { operation: "Refused"; name: string; carries: "nothing"; reason: string };

const METHODS = new Set(["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"]);
const LAST_PART = 10_000;

/** Reads a request in path style. Nothing is normalised; whoever passes it on sends path and query as they came. */
export function readS3Request(head: RequestHead): S3Request {
  if (!METHODS.has(head.method)) return refused("the method is not one of S3");
  const parameters = parametersOf(head);
  if (typeof parameters === "string") return refused(parameters);
  if (head.path === "/") return service(head, parameters);
  const path = pathOf(head.path);
  if (typeof path === "string") return refused(path);
  const { bucket, key } = path;
  const { subresource } = parameters;
  const level = key === "" ? "bucket" : "object";
  const name = operationOf(level, head.method, subresource);
  const shown = subresource === undefined ? "" : ` with ?${subresource}`;
  if (name === undefined && head.method === "POST" && subresource === undefined)
    return refused("uploads by form are not encrypted", "PostObject");
  if (name === undefined)
    return refused(`no operation is ${head.method} of ${level === "bucket" ? "a bucket" : "an object"}${shown}`);
  if (parameters.unknown !== undefined && name !== "GetObject" && name !== "HeadObject")
    return refused(`the parameter ${JSON.stringify(parameters.unknown)} is not known`);
  const request =
    level === "bucket"
      ? ofBucket(name, head, bucket, parameters)
      : ofObject(name, head, { bucket, key, versionId: parameters.values.get("versionId") }, parameters);
  if (request.carries === "nothing" && request.operation !== "Refused" && hasBody(head))
    return refused(`${request.name} has no body`);
  return request;
}

function refused(reason: string, name = "unknown"): S3Request {
  return { operation: "Refused", name, carries: "nothing", reason };
}

interface Parameters {
  subresource: string | undefined;
  /** Of sub-resources and modifiers, decoded. */
  values: ReadonlyMap<string, string>;
  /** A parameter that is neither, nor one that S3 ignores. */
  unknown: string | undefined;
}

const IN_SMALL_LETTERS = new Set([...SUBRESOURCES].map((name) => name.toLowerCase()));

/** S3 takes most of its headers as parameters of presigned URLs; these change the operation. */
const NEVER_IN_QUERY = /^x-amz-(?:copy-source|rename-source|write-offset-bytes|decoded-content-length|trailer)/i;

/**
 * Takes the query apart. A storage that decodes names, or ignores their case, must not see another sub-resource than
 * is seen here: such spellings are refused, and so is more than one.
 */
function parametersOf({ query }: RequestHead): Parameters | string {
  const values = new Map<string, string>();
  let subresource: string | undefined;
  let unknown: string | undefined;
  for (const parameter of parseQuery(query)) {
    const name = decodeParameter(parameter.name);
    const isSubresource = SUBRESOURCES.has(name);
    if (isSubresource ? parameter.name !== name : IN_SMALL_LETTERS.has(name.trim().toLowerCase()))
      return `the sub-resource ${JSON.stringify(parameter.name)} is misspelt`;
    if (isSubresource || MODIFIERS.has(name)) {
      if (values.has(name)) return `the parameter ${name} is given twice`;
      values.set(name, utf8(decodeParameter(parameter.value)));
      if (isSubresource && subresource !== undefined) return `there are two sub-resources, ${subresource} and ${name}`;
      if (isSubresource) subresource = name;
    } else if (NEVER_IN_QUERY.test(name)) return `${name} is a header, not a parameter`;
    else if (!name.toLowerCase().startsWith("x-")) unknown ??= name;
  }
  return { subresource, values, unknown };
}

function utf8(binary: string): string {
  return Buffer.from(binary, "latin1").toString();
}

function service(head: RequestHead, { subresource, unknown }: Parameters): S3Request {
  if (head.method !== "GET" || subresource !== undefined || unknown !== undefined || hasBody(head))
    return refused("no operation is without a bucket but ListBuckets");
  return { operation: "ListBuckets", name: "ListBuckets", carries: "nothing" };
}

function ofBucket(name: string, { method }: RequestHead, bucket: string, { values }: Parameters): S3Request {
  const carries = method === "PUT" || method === "POST" ? "document" : "nothing";
  if (name === "ListObjectsV2" && values.get("list-type") !== "2") return refused("list-type is not 2");
  return isOwn(name)
    ? ({ operation: name, name, carries, bucket } as S3Request)
    : { operation: "Untouched", name, carries, bucket, key: undefined };
}

type Own = (typeof OWN)[number];

function isOwn(name: string): name is Own {
  return (OWN as readonly string[]).includes(name);
}

type Target = Pick<OfObject, "bucket" | "key" | "versionId">;

function ofObject(name: string, head: RequestHead, target: Target, { values }: Parameters): S3Request {
  const { method } = head;
  if (!isOwn(name)) {
    const carries = method === "PUT" || method === "POST" ? "document" : "nothing";
    if (carries === "document" && HEADERS_OF_OBJECTS.some((header) => headerOf(head, header) !== undefined))
      return refused(`${name} with a header of uploads`);
    return { operation: "Untouched", name, carries, bucket: target.bucket, key: target.key };
  }
  const partNumber = partNumberOf(values.get("partNumber"));
  if (partNumber === null) return refused(`partNumber is not between 1 and ${LAST_PART}`);
  if (name === "GetObject" || name === "HeadObject")
    return { operation: name, name, carries: "nothing", ...target, partNumber };
  if (partNumber !== undefined && name !== "UploadPart") return refused(`${name} has no partNumber`);
  if (name === "PutObject") return write(head, target);
  if (name === "UploadPart") return part(head, target, values.get("uploadId")!, partNumber);
  if (name === "CompleteMultipartUpload" || name === "AbortMultipartUpload" || name === "ListParts") {
    const uploadId = values.get("uploadId")!;
    if (uploadId === "") return refused("uploadId is empty");
    const carries = name === "CompleteMultipartUpload" ? "document" : "nothing";
    return { operation: name, name, carries, ...target, uploadId };
  }
  return { operation: name, name, carries: "nothing", ...target } as S3Request;
}

/** The number, undefined where there is none, null where it is none of a part. */
function partNumberOf(text: string | undefined): number | undefined | null {
  if (text === undefined) return undefined;
  const number = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= LAST_PART ? number : null;
}

const HEADERS_OF_OBJECTS = ["x-amz-copy-source", "x-amz-write-offset-bytes", "x-amz-decoded-content-length"];

/** Uploads that a storage would take apart or add to others, which it cannot with what is encrypted. */
const NOT_ENCRYPTED = ["x-amz-write-offset-bytes", "x-amz-meta-snowball-auto-extract", "x-amz-rename-source"];

function write(head: RequestHead, target: Target): S3Request {
  const trouble = NOT_ENCRYPTED.find((name) => headerOf(head, name) !== undefined);
  if (trouble !== undefined) return refused(`objects with ${trouble} are not encrypted`);
  const source = copySourceOf(head);
  if (typeof source === "string") return refused(source);
  return source === undefined
    ? { operation: "PutObject", name: "PutObject", carries: "object", ...target }
    : { operation: "CopyObject", name: "CopyObject", carries: "nothing", ...target, source };
}

function part(head: RequestHead, target: Target, uploadId: string, partNumber: number | undefined): S3Request {
  if (partNumber === undefined || uploadId === "") return refused("a part without its number or upload");
  const source = copySourceOf(head);
  if (typeof source === "string") return refused(source);
  const upload = { ...target, uploadId, partNumber };
  return source === undefined
    ? { operation: "UploadPart", name: "UploadPart", carries: "object", ...upload }
    : { operation: "UploadPartCopy", name: "UploadPartCopy", carries: "nothing", ...upload, source };
}

function headerOf({ headers }: RequestHead, name: string): string | undefined {
  return headers.find(([given]) => given.toLowerCase() === name)?.[1];
}

/** `[/]BUCKET/KEY[?versionId=ID]`, percent-encoded; or what is wrong with it. */
function copySourceOf(head: RequestHead): CopySource | undefined | string {
  const values = head.headers.filter(([name]) => name.toLowerCase() === "x-amz-copy-source");
  if (values.length === 0) return undefined;
  if (values.length > 1) return "x-amz-copy-source is given twice";
  const [, path, versionId] = /^\/?([^?]*)(?:\?versionId=([^&?]+))?$/.exec(values[0]![1].trim()) ?? [];
  const source = path === undefined ? "" : pathOf(`/${path.replace(/^([^/%]+)%2f/i, "$1/")}`);
  if (typeof source === "string" || source.key === "") return "x-amz-copy-source names no object";
  return { ...source, versionId: versionId === undefined ? undefined : percentDecoded(versionId) };
}

function hasBody(head: RequestHead): boolean {
  const length = headerOf(head, "content-length");
  return headerOf(head, "transfer-encoding") !== undefined || (length !== undefined && !/^ *0+ *$/.test(length));
}
