/** PUT of an object: encrypted on its way. The last piece is held back until the plaintext is what the client says that it is. */
import { randomFillSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { ds2Length } from "../object/ds2.ts";
import { decodeHeader } from "../object/header.ts";
import { v3Length } from "../object/v3.ts";
import type { Sealer } from "../object/stream.ts";
import { makeSealer } from "../seal.ts";
import { Content } from "./content.ts";
import type { Expected } from "./dialect.ts";
import type { Exchange } from "./exchange.ts";
import { formatTag } from "./read-head.ts";
import { identifyingLength, sealFacts } from "./sealed-facts.ts";
import { Trouble } from "./trouble.ts";
import { isDone, type Outgoing, type Sent } from "./upstream.ts";

/** Bytes up to which an object is checked before the storage is asked at all; of those the MD5 is always kept beside it. */
export const SMALL = 64 * 1024;
/** What the client says of the plaintext, or would have the storage do to it. */
const OURS = ["content-md5", "etag", "digest"];

/** `conditions` are for the storage, in place of the client's. */
export async function store(x: Exchange, action: Expected, conditions?: readonly Field[]): Promise<void> {
  const content = new Content(x, action);
  const first = await content.gather(SMALL);
  if (content.isWhole) content.verify();
  const { counts } = x.gateway;
  counts.encrypted += first.length;
  const { format } = x.gateway.settings;
  const { newest } = x.gateway.keys;
  const sealer = makeSealer(format, x.gateway.tools.engine, newest);
  x.told.format = format;
  x.told.keyId = newest.id;
  const length = content.isWhole ? first.length : action.length;
  // The sealer uses its memory again, while this waits for the storage.
  const begun = sealer.push(first).slice();
  const md5 = content.isWhole ? content.md5 : content.claimedMd5;
  const facts = factsFields(x, begun, { size: length, md5 });
  const sealedLength = length === undefined ? undefined : format === "v3" ? v3Length(length) : ds2Length(length);
  const kept =
    conditions === undefined ? x.fieldsWithout(...OURS) : [...x.fieldsWithout(...OURS, "if-match"), ...conditions];
  const outgoing = x.outgoing("PUT", [...kept, ...facts], true);
  await upload(x, content, sealer, begun, { ...outgoing, length: sealedLength }, (answer) => {
    const tag = formatTag(content.md5);
    x.gateway.written.remember(x.asked.path, answer.headers.etag, tag);
    return x.passOn(answer, [["ETag", tag]], ["etag", "content-md5"]);
  });
}

/** Sends the rest of the content behind `begun`; `done` answers the client once the storage has all of it. */
export async function upload(
  x: Exchange,
  content: Content,
  sealer: Sealer,
  begun: Uint8Array,
  outgoing: Outgoing,
  done: (answer: IncomingMessage) => Promise<void>,
): Promise<void> {
  const sent = x.gateway.upstream.send(outgoing);
  x.breakWithClient(sent);
  try {
    // Of memory that stays as it is: what follows need not wait for it.
    void sent.write(begun);
    for (;;) {
      // The storage may answer while the client is slow to send.
      const piece = await sent.unlessOver(content.next());
      if (piece === undefined || sent.isOver) break;
      x.gateway.counts.encrypted += piece.length;
      await sent.write(sealer.push(piece));
    }
    if (content.isWhole && !sent.isOver) {
      content.verify();
      sent.end(sealer.finish());
    }
    await respond(x, sent, done);
  } catch (error) {
    // An upload that lacks its end is none to the storage.
    sent.destroy();
    throw error;
  }
}

async function respond(x: Exchange, sent: Sent, done: (answer: IncomingMessage) => Promise<void>): Promise<void> {
  const answer = await sent.answer();
  answer.on("error", () => {});
  if (!isDone(answer)) {
    await x.passOn(answer, [], ["etag"]);
    // Nobody knows what the storage would do with the rest.
    if (!sent.isComplete) sent.destroy();
    return;
  }
  if (!sent.isComplete) throw new Trouble("upstream_broken", "the storage took an object that it has not got whole");
  await done(answer);
}

/** What is known now of the plaintext, for whoever asks for the object later. */
function factsFields(
  x: Exchange,
  begun: Uint8Array,
  facts: { size: number | undefined; md5: Uint8Array | undefined },
): Field[] {
  const { factsField, sizeField } = x.gateway.tools.dialect;
  const size: Field[] = sizeField === undefined || facts.size === undefined ? [] : [[sizeField, String(facts.size)]];
  const header = begun.length === 0 ? undefined : decodeHeader(begun, true);
  if (header === undefined || header === "plaintext") return size;
  const beginning = begun.subarray(0, identifyingLength(header));
  const text = sealFacts(facts, x.gateway.keys.newest, beginning, randomFillSync(new Uint8Array(24)));
  return [...size, [factsField, text]];
}
