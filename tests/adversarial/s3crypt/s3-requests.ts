/** Requests of S3 clients as text, signed well, to be spoilt by the tests; and the proxy that they are for. Asserts nothing. */
import { NATIVE_SHA256 } from "../../../commands/s3crypt/sha256.ts";
import type { Field } from "../../../lib/wire/http-forward.ts";
import type { RequestHead } from "../../../lib/wire/sigv4-canonical.ts";
import { ChunkSigner } from "../../../lib/wire/sigv4-chunks.ts";
import { presign, signHeaders, type Credentials, type Signing } from "../../../lib/wire/sigv4.ts";
import { RawClient } from "../raw-client.ts";
import { startGateway, type Gateway } from "./gateway.ts";

export const CREDENTIALS: Credentials = { accessKeyId: "ID", secretAccessKey: "very/secret", region: "eu-test" };
const FLAGS = ["--s3-access-key", "ID", "--s3-secret-key", "very/secret", "--s3-region", "eu-test"];

/** `patience` is for answers of the storage. */
export async function startS3(flags: readonly string[] = [], patience = "300ms"): Promise<Gateway> {
  const times = ["--backend-response-timeout", patience, "--idle-timeout", "0"];
  return startGateway([...FLAGS, "--s3-listen", "127.0.0.1:0", ...times, ...flags]);
}

export interface Order {
  method?: string;
  /** As the client writes it. */
  path: string;
  query?: string;
  headers?: readonly Field[];
  /** Of `x-amz-content-sha256`. */
  payload?: string;
  /** Milliseconds since 1970. */
  date?: number;
  credentials?: Credentials;
}

const HOST: Field = ["Host", "store.example"];

export function signed(order: Order): { head: RequestHead; signing: Signing } {
  const { method = "GET", path, query = "", headers = [], payload = "UNSIGNED-PAYLOAD" } = order;
  const { date = Date.now(), credentials = CREDENTIALS } = order;
  const bare = { method, path, query, headers: [HOST, ...headers] };
  return signHeaders(bare, credentials, { date, payload }, NATIVE_SHA256);
}

export function presigned(order: Order, expires = 60): RequestHead {
  const { method = "GET", path, query = "", headers = [], date = Date.now(), credentials = CREDENTIALS } = order;
  return presign({ method, path, query, headers: [HOST, ...headers] }, credentials, { date, expires }, NATIVE_SHA256);
}

export function write({ method, path, query, headers }: RequestHead): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path}${query === "" ? "" : `?${query}`} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Frames of aws-chunked; each signed where `signing` is given, the trailers too. */
export function framed(
  pieces: readonly Uint8Array[],
  { signing, trailers }: { signing?: Signing; trailers?: readonly Field[] },
): Buffer {
  const signer = signing && new ChunkSigner(signing, NATIVE_SHA256);
  const line = (piece: Uint8Array) => {
    const extension = signer === undefined ? "" : `;chunk-signature=${signer.chunk(NATIVE_SHA256.hash(piece))}`;
    return `${piece.length.toString(16)}${extension}\r\n`;
  };
  const frames = pieces.flatMap((piece) => [line(piece), piece, "\r\n"]);
  const last = line(new Uint8Array(0));
  const canonical = (trailers ?? []).map(([name, value]) => `${name}:${value}\n`).join("");
  const signature = signer && trailers ? [`x-amz-trailer-signature:${signer.trailer(Buffer.from(canonical))}\r\n`] : [];
  const ends = (trailers ?? []).map(([name, value]) => `${name}:${value}\r\n`);
  const all = [...frames, last, ...ends, ...signature, "\r\n"];
  return Buffer.concat(all.map((each) => (typeof each === "string" ? Buffer.from(each) : each)));
}

export interface Told {
  status: number;
  body: string;
}

/** Sends it and reads the answer to the end of the connection, which it asks for. */
export async function ask(port: number, head: RequestHead, content: Uint8Array = new Uint8Array(0)): Promise<Told> {
  const client = await RawClient.open(port);
  client.write(write({ ...head, headers: [...head.headers, ["Connection", "close"]] }));
  client.write(content);
  const text = (await client.rest()).toString("latin1");
  const [top = "", body = ""] = text.split(/\r\n\r\n(.*)/s, 2);
  client.end();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(top)?.[1]), body };
}
