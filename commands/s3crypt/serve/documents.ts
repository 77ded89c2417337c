/** Requests whose content is a document for the storage, and answers that are one: held in memory, and verified before they go on. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { Content } from "./content.ts";
import type { Expected } from "./dialect.ts";
import type { Exchange } from "./exchange.ts";
import { S3Trouble } from "./s3-trouble.ts";

/** A thousand of the longest keys, with all around them. */
const LONGEST = 4 * 1024 * 1024;

/** Sends it on once it is what the client says that it is, and hands the answer back. */
export async function sendDocument(x: Exchange, expected: Expected): Promise<void> {
  await x.passOn(await sendBytes(x, await readDocument(x, expected)));
}

/** Sends a document in the place of the client's, with an MD5 of ours, which storages ask for. */
export async function sendBytes(x: Exchange, bytes: Uint8Array): Promise<IncomingMessage> {
  const { method } = x.asked;
  const fields = x.fieldsWithout("content-md5");
  if (bytes.length === 0) return x.ask(method, fields);
  const md5: Field = ["Content-MD5", createHash("md5").update(bytes).digest("base64")];
  const sent = x.gateway.upstream.send({ ...x.outgoing(method, [...fields, md5], true), length: bytes.length });
  x.breakWithClient(sent);
  sent.end(bytes);
  const answer = await sent.answer();
  answer.on("error", () => {});
  return answer;
}

/** All of it, verified. Throws `Trouble`, `Gone`. */
export async function readDocument(x: Exchange, expected: Expected): Promise<Uint8Array> {
  const content = new Content(x, expected);
  const bytes = await content.gather(LONGEST);
  if (!content.isWhole)
    throw new S3Trouble("bad_request", "MaxMessageLengthExceeded", `a document has at most ${LONGEST} bytes`);
  content.verify();
  return bytes;
}

/** An answer of the storage with another body. */
export function replyWith(x: Exchange, answer: IncomingMessage, body: Uint8Array): void {
  const fields = x.answerFields(answer, "content-length", "content-md5", "etag");
  x.begin(answer.statusCode!, [...fields, ["Content-Length", String(body.length)]]);
  void x.write(body).catch(() => {});
  x.end();
}
