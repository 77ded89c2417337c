/** PUT of an object: encrypted on its way. The last piece is held back until the plaintext is what the client says that it is. */
import { createHash, randomFillSync } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Field } from "../../../lib/wire/http-forward.ts";
import { claimedChecksums, startChecksum, type Checksum, type Claimed } from "../checksums.ts";
import { ds2Length } from "../object/ds2.ts";
import { decodeHeader } from "../object/header.ts";
import { v3Length } from "../object/v3.ts";
import type { Sealer } from "../object/stream.ts";
import { makeSealer } from "../seal.ts";
import type { Store } from "./dialect.ts";
import type { Exchange } from "./exchange.ts";
import { formatTag } from "./tags.ts";
import { identifyingLength, sealFacts } from "./sealed-facts.ts";
import { Trouble } from "./trouble.ts";
import { isDone, type Outgoing, type Sent } from "./upstream.ts";

/** Bytes up to which an object is checked before the storage is asked at all; of those the MD5 is always kept beside it. */
export const SMALL = 64 * 1024;
/** What the client says of the plaintext, or would have the storage do to it. */
const OURS = ["content-md5", "etag", "digest"];

export async function store(x: Exchange, action: Store): Promise<void> {
  const content = new Content(x, action);
  const first = await content.gather(SMALL);
  if (content.isWhole) content.verify();
  const { format } = x.gateway.settings;
  const { newest } = x.gateway.keys;
  const sealer = makeSealer(format, x.gateway.tools.engine, newest);
  x.told.format = format;
  x.told.keyId = newest.id;
  const length = content.isWhole ? first.length : action.length;
  // The sealer uses its memory again, while what is written may wait for the storage.
  const begun = sealer.push(first).slice();
  const md5 = content.isWhole ? content.md5 : content.claimedMd5;
  const facts = factsFields(x, begun, { size: length, md5 });
  const sealedLength = length === undefined ? undefined : format === "v3" ? v3Length(length) : ds2Length(length);
  const outgoing = x.outgoing("PUT", [...x.fieldsWithout(...OURS), ...facts]);
  await upload(x, content, sealer, begun, { ...outgoing, length: sealedLength }, (answer) =>
    x.passOn(answer, [["ETag", formatTag(content.md5)]], ["etag", "content-md5"]),
  );
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
  x.onGone(() => sent.destroy());
  try {
    await sent.write(begun);
    for (;;) {
      // The storage may answer while the client is slow to send.
      const piece = await Promise.race([content.next(), sent.over]);
      if (piece === undefined || sent.isOver) break;
      await sent.write(sealer.push(piece).slice());
    }
    if (content.isWhole && !sent.isOver) {
      content.verify();
      sent.end(sealer.finish().slice());
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
  const header = begun.length === 0 ? undefined : decodeHeader(begun, true);
  if (header === undefined || header === "plaintext") return [];
  const beginning = begun.subarray(0, identifyingLength(header));
  const text = sealFacts(facts, x.gateway.keys.newest, beginning, randomFillSync(new Uint8Array(24)));
  return [[x.gateway.tools.dialect.factsField, text]];
}

/** The plaintext of a request, and what it is held against. */
export class Content {
  readonly #x: Exchange;
  readonly #action: Store;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #md5 = createHash("md5");
  /** Beside the MD5, which is always computed. */
  readonly #checksums: ReadonlyMap<string, Checksum>;
  #trailing: Store["claims"] = [];
  #verified = false;
  readonly #decoder: ReturnType<NonNullable<Store["decode"]>> | undefined;
  #digest: Uint8Array | undefined;
  #size = 0;
  /** All of it has come. */
  isWhole = false;

  constructor(x: Exchange, action: Store) {
    this.#x = x;
    this.#action = action;
    this.#source = x.content;
    this.#decoder = action.decode?.();
    const names = new Set([...action.claims.map(({ name }) => name), ...(action.announced ?? [])]);
    names.delete("MD5");
    this.#checksums = new Map(Array.from(names, (name) => [name, startChecksum(name)]));
  }

  /** What the client says that it is; `verify` tells. */
  get claimedMd5(): Uint8Array | undefined {
    return this.#action.claims.find(({ name }) => name === "MD5")?.value;
  }

  /** Of all of it. */
  get md5(): Uint8Array {
    return (this.#digest ??= Uint8Array.from(this.#md5.digest()));
  }

  /** The next piece; undefined at the end. Throws `Gone`, and `Trouble` for framing that is not right. */
  async next(): Promise<Uint8Array | undefined> {
    while (!this.isWhole) {
      const { done, value } = await this.#source.next();
      if (done) this.#end();
      else {
        const plain = this.#decoder === undefined ? value : this.#decode(value);
        if (plain.length > 0) return this.#take(plain);
      }
    }
    return undefined;
  }

  /** As much as `most` bytes and what comes with them; all of it, where it is no more. */
  async gather(most: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    while (size <= most) {
      const piece = await this.next();
      if (piece === undefined) break;
      pieces.push(piece);
      size += piece.length;
    }
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  /** What the client says, in front of the content and behind it. */
  get claimed(): readonly Claimed[] {
    return [...this.#action.claims, ...this.#trailing];
  }

  /** Throws `Trouble` where the plaintext is not what the client says. */
  verify(): void {
    if (this.#verified) return;
    this.#verified = true;
    const { length } = this.#action;
    if (length !== undefined && length !== this.#size)
      throw new Trouble("bad_request", "the content is not of the length that it was said to be");
    for (const { name, value, wrong } of [...this.#action.claims, ...this.#trailing]) {
      const digest = name === "MD5" ? this.md5 : this.#checksums.get(name)?.digest();
      if (digest === undefined || !same(value, digest)) throw wrong;
    }
  }

  #take(plain: Uint8Array): Uint8Array {
    this.#size += plain.length;
    this.#md5.update(plain);
    for (const checksum of this.#checksums.values()) checksum.update(plain);
    this.#x.gateway.counts.encrypted += plain.length;
    return plain;
  }

  #decode(framed: Uint8Array): Uint8Array {
    const pieces: Uint8Array[] = [];
    const bad = this.#decoder!.push(framed, (piece) => pieces.push(piece));
    if (bad !== undefined) throw new Trouble("bad_request", bad.reason);
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }

  #end(): void {
    this.isWhole = true;
    const end = this.#decoder?.finish();
    if (end === undefined) return;
    if (end.kind === "bad") throw new Trouble("bad_digest", end.reason);
    const claimed = claimedChecksums(end.trailers);
    if (claimed.kind === "bad") throw new Trouble("bad_digest", claimed.reason);
    const wrong = new Trouble("bad_digest", "the content is not that of the checksum behind it");
    this.#trailing = claimed.value.map((each) => ({ ...each, wrong }));
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(b);
}
