/** Requests for the storage that are not the client's own: other targets, fields and contents, and answers that are read whole. */
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../../lib/wire/http-forward.ts";
import { percentDecoded } from "../../../../lib/wire/s3-path.ts";
import { readAnswer, type Answer } from "../../../../lib/wire/s3-xml.ts";
import { contentOf } from "../answers.ts";
import type { Exchange } from "../exchange.ts";
import { Trouble } from "../trouble.ts";

export interface Request {
  readonly method: string;
  readonly path: string;
  /** Without question mark; empty for none. */
  readonly query: string;
  readonly fields: readonly Field[];
}

/** As the dialect has it sent. */
export function outgoingOf(x: Exchange, { method, path, query, fields: headers }: Request, hasContent: boolean) {
  return x.outgoingTo({ method, path, query, headers }, query !== "", hasContent);
}

/** The answer's content is the caller's to read. Throws `Trouble`. */
export async function ask(x: Exchange, request: Request, body?: Uint8Array): Promise<IncomingMessage> {
  const outgoing = outgoingOf(x, request, body !== undefined);
  if (body === undefined) return x.askFor(outgoing);
  const sent = x.gateway.upstream.send({ ...outgoing, length: body.length });
  sent.end(body);
  const answer = await sent.answer();
  answer.on("error", () => {});
  x.endWithClient(answer, request.method);
  return answer;
}

const LARGEST_XML = 8 << 20;

/** An answer that is a document. Throws `Trouble`. */
export async function documentOf(answer: IncomingMessage): Promise<Answer> {
  const read = readAnswer(await contentOf(answer, LARGEST_XML));
  if (read.kind === "bad") throw new Trouble("upstream_broken", `the storage answered with ${read.reason}`);
  return read.value;
}

/** Of the client's fields those that every request of an upload may have. */
const COMMON =
  /^(?:host|user-agent|x-amz-request-payer|x-amz-expected-bucket-owner|x-amz-server-side-encryption-customer-.*)$/;

export function commonFields(x: Exchange): Field[] {
  return x.fieldsWithout().filter(([name]) => COMMON.test(name.toLowerCase()));
}

/** Of an object at the storage. */
export interface Place {
  readonly path: string;
  readonly query: string;
}

/** For what is read beside what the client asks for: as the client, where the storage has to know who that is. */
export function readingFields(x: Exchange): Field[] {
  const identity = ["Accept-Encoding", "identity"] as const;
  if (x.gateway.tools.dialect.name === "s3") return [...commonFields(x), identity];
  return [...x.fieldsWithout(...CONDITIONAL, "accept-encoding", "te"), identity];
}

/** Of the client's, held by the proxy against the plaintext. */
const CONDITIONAL = ["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];

/** The path of the bucket that a path is in, as it was written. */
function bucketPath({ gateway }: Exchange, path: string): string {
  const { base } = gateway.settings.upstream;
  const rest = path.slice(base.length);
  const swift = gateway.tools.dialect.name === "plain" ? /^v1(?:\.0)?\/[^/]*\//.exec(rest)?.[0] : undefined;
  const slash = rest.indexOf("/", (swift ?? "").length);
  return `${base}${slash === -1 ? rest : rest.slice(0, slash)}`;
}

/** The folder of manifests in a bucket. */
export const SIDE = ".s3crypt/";

/** Whether a key is one of the proxy's own, which clients neither see nor touch. */
export function isSide(key: string): boolean {
  return key.startsWith(SIDE) || (percentDecoded(key)?.startsWith(SIDE) ?? false);
}

/** Where the manifest is of the object with this id, at `path` or in the same bucket. */
export function manifestPath(x: Exchange, path: string, objectId: Uint8Array): string {
  return `${bucketPath(x, path)}/${SIDE}${Buffer.from(objectId).toString("hex")}`;
}
