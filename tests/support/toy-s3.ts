/** A storage of S3 in memory, over TLS, that is made of the codecs of lib/wire alone and refuses what they do. For clients to try; keeps no version. */
import { createHash } from "node:crypto";
import { createServer } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { claimedChecksums, startChecksum } from "../../commands/s3crypt/checksums.ts";
import { openBody } from "../../lib/wire/aws-chunked.ts";
import { pairs, type Field } from "../../lib/wire/http-forward.ts";
import { formatContentRange, formatUnsatisfied, readRange } from "../../lib/wire/http-range.ts";
import { readPayload } from "../../lib/wire/s3-payload.ts";
import { readS3Request, type S3Request } from "../../lib/wire/s3-request.ts";
import { encodeError, readCompleteMultipartUpload, readDeleteObjects } from "../../lib/wire/s3-xml.ts";
import { PLAIN_SHA256 as SHA256 } from "../../lib/wire/sha256.ts";
import type { RequestHead } from "../../lib/wire/sigv4-canonical.ts";
import { verifyChunks } from "../../lib/wire/sigv4-chunks.ts";
import { verifySignature } from "../../lib/wire/sigv4-verify.ts";
import type { Credentials } from "../../lib/wire/sigv4.ts";
import { encodeXml, type XmlNode } from "../../lib/wire/xml.ts";
import type { Certified } from "./pki.ts";
import type { Scene } from "./scene.ts";

/** What a client asked, and how its body came. */
export interface Seen {
  name: string;
  status: number;
  mode: string;
  checksums: string[];
}

interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: Uint8Array;
}

class Refusal extends Error {
  constructor(
    readonly code: string,
    reason: string,
    readonly status = 400,
  ) {
    super(reason);
  }
}

export class ToyS3 {
  readonly seen: Seen[] = [];
  readonly objects = new Map<string, Uint8Array>();
  readonly #parts = new Map<string, Uint8Array>();
  readonly #credentials: Credentials;
  port = 0;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  static async open(scene: Scene, { cert, key }: Certified, credentials: Credentials): Promise<ToyS3> {
    const toy = new ToyS3(credentials);
    const server = createServer({ cert, key }, (request, response) => void toy.#serve(request, response));
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    scene.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    toy.port = (server.address() as AddressInfo).port;
    return toy;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path, query = ""] = request.url!.split(/\?(.*)/s, 2);
    const head = { method: request.method!, path: path!, query, headers: pairs(request.rawHeaders) };
    const meant = readS3Request(head);
    const seen: Seen = { name: meant.name, status: 0, mode: "", checksums: [] };
    let answer: Answer;
    try {
      if (meant.operation === "Refused") throw new Refusal("NotImplemented", meant.reason, 501);
      answer = this.#answer(meant, head, await this.#body(head, request, seen));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer = { status: error.status, body: encodeError(error.code, error.message) };
    }
    this.seen.push({ ...seen, status: answer.status });
    const body = answer.body ?? new Uint8Array(0);
    response.writeHead(answer.status, { "content-length": body.length, ...answer.headers });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  /** The verified body. */
  async #body(head: RequestHead, request: IncomingMessage, seen: Seen): Promise<Buffer> {
    const verified = verifySignature(head, this.#credentials, Date.now(), SHA256);
    if (verified.kind === "bad") throw new Refusal(verified.code, verified.reason, 403);
    const payload = readPayload(verified.claim.payload, head.headers);
    if (payload.kind === "bad") throw new Refusal("InvalidRequest", payload.reason);
    const { mode } = payload.value;
    seen.mode = mode.kind === "plain" ? (mode.sha256 ? "hashed" : "unsigned") : verified.claim.payload;
    const isSigned = mode.kind === "chunked" && mode.signed;
    const decoder = openBody(payload.value, SHA256, isSigned ? verifyChunks(verified.signing, SHA256) : undefined);
    const pieces: Uint8Array[] = [];
    for await (const chunk of request) decoder.push(chunk as Buffer, (data) => pieces.push(data));
    const end = decoder.finish();
    if (end.kind === "bad") throw new Refusal("IncompleteBody", end.reason);
    const body = Buffer.concat(pieces);
    seen.checksums = verifyChecksums([...head.headers, ...end.trailers], body);
    return body;
  }

  #answer(meant: S3Request, head: RequestHead, body: Buffer): Answer {
    switch (meant.operation) {
      case "PutObject":
        this.objects.set(meant.key, body);
        return { status: 200, headers: { etag: etagOf(body) } };
      case "GetObject":
      case "HeadObject":
        return read(this.objects.get(meant.key), head);
      case "DeleteObject":
        this.objects.delete(meant.key);
        return { status: 204 };
      case "CopyObject": {
        const source = this.objects.get(meant.source.key);
        if (source === undefined) throw new Refusal("NoSuchKey", "there is no source", 404);
        this.objects.set(meant.key, source);
        return xml(["CopyObjectResult", [["ETag", etagOf(source)]]]);
      }
      case "CreateMultipartUpload":
        return xml(["InitiateMultipartUploadResult", [["UploadId", "up/1+2="]]]);
      case "UploadPart":
        this.#parts.set(`${meant.uploadId} ${meant.partNumber}`, body);
        return { status: 200, headers: { etag: etagOf(body) } };
      case "CompleteMultipartUpload":
        return this.#complete(meant.key, meant.uploadId, body);
      case "DeleteObjects": {
        const deletion = readDeleteObjects(body);
        if (deletion.kind === "bad") throw new Refusal("MalformedXML", deletion.reason);
        for (const { key } of deletion.value.objects) this.objects.delete(key);
        return xml(["DeleteResult", deletion.value.objects.map(({ key }): XmlNode => ["Deleted", [["Key", key]]])]);
      }
      case "ListObjectsV2":
        return this.#list();
      default:
        return xml([meant.name, body.toString()]);
    }
  }

  #complete(key: string, uploadId: string, body: Buffer): Answer {
    const parts = readCompleteMultipartUpload(body);
    if (parts.kind === "bad") throw new Refusal("MalformedXML", parts.reason);
    const data = parts.value.map(({ partNumber, etag }) => {
      const part = this.#parts.get(`${uploadId} ${partNumber}`);
      if (part === undefined || etagOf(part) !== `"${etag}"`) throw new Refusal("InvalidPart", "a part is another");
      return part;
    });
    this.objects.set(key, Buffer.concat(data));
    return xml(["CompleteMultipartUploadResult", [["ETag", `"etag-${data.length}"`]]]);
  }

  #list(): Answer {
    const contents = [...this.objects].map(([key, data]): XmlNode => {
      return [
        "Contents",
        [
          ["Key", key],
          ["Size", String(data.length)],
          ["ETag", etagOf(data)],
        ],
      ];
    });
    return xml(["ListBucketResult", [["KeyCount", String(contents.length)], ["IsTruncated", "false"], ...contents]]);
  }
}

/** Names of the checksums that were claimed, all of which are right. */
function verifyChecksums(fields: readonly Field[], body: Uint8Array): string[] {
  const claimed = claimedChecksums(fields);
  if (claimed.kind === "bad") throw new Refusal("InvalidRequest", claimed.reason);
  for (const { name, value } of claimed.value) {
    const checksum = startChecksum(name);
    checksum.update(body);
    if (!Buffer.from(checksum.digest()).equals(value)) throw new Refusal("BadDigest", `${name} is another`);
  }
  return claimed.value.map(({ name }) => name);
}

function read(object: Uint8Array | undefined, head: RequestHead): Answer {
  if (object === undefined) throw new Refusal("NoSuchKey", "there is no such object", 404);
  const value = head.headers.find(([name]) => name.toLowerCase() === "range")?.[1];
  const range = readRange(value, object.length);
  const headers = { etag: etagOf(object) };
  if (range.kind === "unsatisfiable")
    return { status: 416, headers: { "content-range": formatUnsatisfied(object.length) } };
  if (range.kind === "whole") return { status: 200, headers, body: object };
  const [one] = range.ranges;
  const contentRange = { "content-range": formatContentRange(one!, object.length) };
  return { status: 206, headers: { ...headers, ...contentRange }, body: object.subarray(one!.first, one!.last + 1) };
}

function etagOf(data: Uint8Array): string {
  return `"${createHash("md5").update(data).digest("hex")}"`;
}

function xml(node: XmlNode): Answer {
  return { status: 200, headers: { "content-type": "application/xml" }, body: encodeXml(node) };
}
