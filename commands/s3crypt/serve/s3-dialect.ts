/** S3 mode: whoever asks has signed, and is verified here; what goes to the storage is signed again. */
import type { BodyDecoder, ChunkVerifier } from "../../../lib/wire/aws-chunked.ts";
import { openBody } from "../../../lib/wire/aws-chunked.ts";
import { readPayload, UNSIGNED_PAYLOAD, type Payload } from "../../../lib/wire/s3-payload.ts";
import { readS3Request, type S3Request } from "../../../lib/wire/s3-request.ts";
import { decodeParameter, parseQuery, type RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { verifyChunks } from "../../../lib/wire/sigv4-chunks.ts";
import { TOLERANCE, verifySignature } from "../../../lib/wire/sigv4-verify.ts";
import { type Credentials, type Signing } from "../../../lib/wire/sigv4.ts";
import { checksumOfHeader, claimedChecksums, type ChecksumName } from "../checksums.ts";
import { NATIVE_SHA256 } from "../sha256.ts";
import type { Action, Asked, Dialect, Expected, Explained, Meant, Store, Subject } from "./dialect.ts";
import { hasDots } from "./dots.ts";
import { queryExpiry } from "./expiry.ts";
import type { Loaded } from "./load.ts";
import { sendDocument } from "./documents.ts";
import type { Exchange } from "./exchange.ts";
import { attributes } from "./s3-attributes.ts";
import { withoutObjectChecksums } from "./multipart/object-checksum.ts";
import { copy, sourceSubject } from "./s3-copy.ts";
import { deleteObjects } from "./s3-delete.ts";
import { list } from "./s3-list.ts";
import { asksForTag, storedMatch } from "./s3-match.ts";
import { Sizes } from "./s3-sizes.ts";
import { store } from "./store.ts";
import { FACTS_FIELD, isOfOneSide, signOutgoing, SIZE_FIELD } from "./s3-outgoing.ts";
import type { S3Settings } from "./s3-settings.ts";
import { explainToS3, S3Trouble } from "./s3-trouble.ts";
import type { Trouble } from "./trouble.ts";

/** What is done beside storing and reading: undefined leaves it to others. */
export interface S3Parts {
  /** Multipart uploads, and objects that came of them. Of requests that are verified. */
  readonly multipart?:
    ((asked: Asked, request: S3Request, content: Expected | undefined) => Meant | undefined) | undefined;
}

/** What the signature of a request says of its content; `signing` is undefined where nobody verified it. */
interface Proved {
  readonly payload: string;
  readonly signing: Signing | undefined;
}

export class S3Dialect implements Dialect {
  readonly name = "s3";
  readonly factsField = FACTS_FIELD;
  readonly sizeField = SIZE_FIELD;
  readonly #settings: S3Settings;
  readonly #parts: S3Parts;
  readonly #now: () => number;
  #credentials: Credentials;
  readonly #sizes = new Sizes();

  constructor(settings: S3Settings, secretAccessKey: string, parts: S3Parts = {}, now: () => number = Date.now) {
    this.#settings = settings;
    this.#parts = parts;
    this.#now = now;
    this.#credentials = { ...settings, secretAccessKey };
  }

  use({ s3Secret }: Loaded): void {
    if (s3Secret !== undefined) this.#credentials = { ...this.#credentials, secretAccessKey: s3Secret };
  }

  isOurs(lower: string): boolean {
    return isOfOneSide(lower);
  }

  outgoing(head: RequestHead, hasContent: boolean): RequestHead {
    return signOutgoing(head, { credentials: this.#credentials, date: this.#now(), hasContent }, NATIVE_SHA256);
  }

  explain(trouble: Trouble, asked: Asked): Explained {
    return explainToS3(trouble, asked);
  }

  /** Of the form that multipart uploads have, which no client takes for an MD5. */
  tagFrom(stored: string): string | undefined {
    const [, text] = /^"([!#-~]{1,200})"$/.exec(stored) ?? [];
    return text === undefined ? undefined : `"${text}-1"`;
  }

  classify(asked: Asked): Action {
    const request = readS3Request(asked);
    const subject = subjectOf(asked, request);
    const proved = this.#verify(asked);
    if (proved instanceof S3Trouble) return { ...subject, kind: "refuse", trouble: proved };
    return { ...subject, ...this.#meant(asked, request, proved) };
  }

  /** A presigned URL is taken for as long as clocks may differ beyond its end. */
  expiryOf({ query }: Asked): number | undefined {
    const expiry = queryExpiry(query);
    return expiry === undefined ? undefined : expiry + TOLERANCE;
  }

  #verify(asked: Asked): Proved | S3Trouble {
    if (this.#settings.bypass) return { payload: claimedPayload(asked), signing: undefined };
    if (isPreflight(asked)) return { payload: UNSIGNED_PAYLOAD, signing: undefined };
    const seen = { ...asked, path: `${asked.root}${asked.rest}` };
    const verified = verifySignature(seen, this.#credentials, this.#now(), NATIVE_SHA256);
    if (verified.kind === "bad") return new S3Trouble("unsigned", verified.code, verified.reason);
    return { payload: verified.claim.payload, signing: verified.signing };
  }

  #meant(asked: Asked, request: S3Request, proved: Proved): Meant {
    if (request.operation === "Refused") return refuse("NotImplemented", request.reason);
    const headers =
      request.operation === "CompleteMultipartUpload" ? withoutObjectChecksums(asked.headers) : asked.headers;
    const upload = request.carries === "nothing" ? undefined : this.#upload(headers, proved);
    if (upload instanceof S3Trouble) return { kind: "refuse", trouble: upload };
    const multipart = this.#parts.multipart?.(asked, request, upload);
    if (multipart !== undefined) return multipart;
    switch (request.operation) {
      case "PutObject":
        if (!asksForTag({ asked })) return { kind: "store", ...upload! };
        return own(async (x) => store(x, upload!, [await storedMatch(x)]));
      case "GetObject":
      case "HeadObject":
        if (request.partNumber !== undefined && asked.headers.some(([name]) => name.toLowerCase() === "range")) {
          const message = "a range and a part number exclude each other";
          return { kind: "refuse", trouble: new S3Trouble("bad_request", "InvalidRequest", message) };
        }
        return { kind: request.operation === "GetObject" ? "read" : "head", part: request.partNumber };
      case "DeleteObject":
        if (!asksForTag({ asked })) return { kind: "pass", content: false };
        return own(async (x) =>
          x.passOn(await x.ask("DELETE", [...x.fieldsWithout("if-match"), await storedMatch(x)])),
        );
      case "CopyObject": {
        const { source } = request;
        return { ...own((x) => copy(x, source)), reads: sourceSubject(baseOf(asked), source) };
      }
      case "ListBuckets":
        return { kind: "pass", content: false };
      case "ListObjects":
      case "ListObjectsV2":
      case "ListObjectVersions":
        return own((x) => list(x, this.#settings.listSizes === "exact" ? this.#sizes : undefined));
      case "GetObjectAttributes":
        return own(attributes);
      case "DeleteObjects":
        return { ...own((x) => deleteObjects(x, upload!)), decidesKeys: true };
      case "Untouched":
        if (request.carries === "nothing") return { kind: "pass", content: false };
        return own((x) => sendDocument(x, upload!));
      default:
        return refuse("NotImplemented", `${request.name} is not served here`);
    }
  }

  #upload(headers: Asked["headers"], { payload: mode, signing }: Proved): Expected | S3Trouble {
    const payload = readPayload(mode, headers);
    if (payload.kind === "bad") return new S3Trouble("bad_request", "InvalidRequest", payload.reason);
    const claimed = claimedChecksums(headers);
    if (claimed.kind === "bad") return new S3Trouble("bad_digest", "InvalidDigest", claimed.reason);
    const claims = claimed.value.map((each) => ({ ...each, wrong: wrongDigest(each.name) }));
    if (payload.value.mode.kind === "chunked") {
      const announced = payload.value.trailers.flatMap((name) => checksumOfHeader(name) ?? []);
      return { length: payload.value.length, claims, announced, ...framed(payload.value, signing) };
    }
    const { sha256 } = payload.value.mode;
    const wrong = new S3Trouble(
      "bad_digest",
      "XAmzContentSHA256Mismatch",
      "the content is not that of x-amz-content-sha256",
    );
    const signed =
      sha256 === undefined
        ? []
        : [{ name: "SHA256" as const, value: Uint8Array.from(Buffer.from(sha256, "hex")), wrong }];
    return { length: payload.value.length, claims: [...claims, ...signed] };
  }
}

function own(answer: (x: Exchange) => Promise<void>): Extract<Meant, { kind: "own" }> {
  return { kind: "own", answer };
}

/** What stands in front of all paths at the storage. */
function baseOf({ path, rest }: Asked): string {
  return path.slice(0, path.length - rest.length);
}

function refuse(s3Code: string, message: string): Meant {
  return { kind: "refuse", trouble: new S3Trouble("unsupported", s3Code, message) };
}

function wrongDigest(name: ChecksumName): S3Trouble {
  return new S3Trouble("bad_digest", "BadDigest", `the content is not that of its ${name}`);
}

/** Without `signing` the signatures of chunks are believed, as that of the request is. */
function framed(payload: Payload, signing: Signing | undefined): Pick<Store, "decode" | "wrong"> {
  let forged = false;
  const watched = ({ chunk, trailer }: ChunkVerifier): ChunkVerifier => ({
    chunk: (digest, signature) => chunk(digest, signature) || ((forged = true), false),
    trailer: (canonical, signature) => trailer(canonical, signature) || ((forged = true), false),
  });
  const isSigned = payload.mode.kind === "chunked" && payload.mode.signed;
  const verifier = signing === undefined ? BELIEVING : watched(verifyChunks(signing, NATIVE_SHA256));
  return {
    decode: (): BodyDecoder => openBody(payload, NATIVE_SHA256, isSigned ? verifier : undefined),
    wrong: ({ reason }) =>
      forged
        ? new S3Trouble("unsigned", "SignatureDoesNotMatch", reason)
        : new S3Trouble("bad_request", "IncompleteBody", reason),
  };
}

const BELIEVING: ChunkVerifier = { chunk: () => true, trailer: () => true };

/** Browsers ask like this before they send what a page has signed. */
function isPreflight({ method, headers, length }: Asked): boolean {
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  return method === "OPTIONS" && length === 0 && names.has("origin") && names.has("access-control-request-method");
}

function claimedPayload({ headers, query }: Asked): string {
  const name = "x-amz-content-sha256";
  const inQuery = parseQuery(query).find((each) => decodeParameter(each.name).toLowerCase() === name);
  const text = headers.find(([each]) => each.toLowerCase() === name)?.[1];
  return text ?? (inQuery === undefined ? UNSIGNED_PAYLOAD : decodeParameter(inQuery.value));
}

/** Where a storage resolves dots, what it means cannot be told from here: a policy that asks gets no answer. */
function subjectOf({ path }: Asked, request: S3Request): Subject {
  const operation = request.name;
  if (!("bucket" in request) || hasDots(path)) return { operation };
  const key = "key" in request ? request.key : undefined;
  return { operation, bucket: request.bucket, key };
}
