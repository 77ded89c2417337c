/** The content of a message of node:http, piece by piece. Long content comes straight from the connection once the head was read. */
import type { IncomingMessage } from "node:http";
import { ConnDuplex } from "../../../lib/net/duplex.ts";

/** Bytes of content that are worth it: what follows on the connection is read by a new parser. */
const LONG = 1024 * 1024;

/** As it comes out of the parser. */
export function iterateParsed(message: IncomingMessage): AsyncIterableIterator<Uint8Array> {
  return message.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>;
}

/**
 * Its pieces, each good until the next is asked for. Throws where the content breaks off, or ends with the message not
 * `complete`. Whoever stops early leaves its connection as it is.
 */
export function iterate(message: IncomingMessage): AsyncIterableIterator<Uint8Array> {
  const pieces = iterateParsed(message);
  const length = "transfer-encoding" in message.headers ? undefined : lengthOf(message);
  const duplex: unknown = message.socket;
  return length === undefined || length < LONG || !(duplex instanceof ConnDuplex)
    ? pieces
    : divert(message, duplex, pieces, length);
}

async function* divert(
  message: IncomingMessage,
  duplex: ConnDuplex,
  pieces: AsyncIterableIterator<Uint8Array>,
  length: number,
): AsyncGenerator<Uint8Array> {
  let left = length;
  for (;;) {
    // What the parser was given already comes out of it.
    const isBetween = left < length && message.readableLength === 0 && duplex.readableLength === 0;
    if (isBetween && left > 0 && !message.destroyed && !duplex.destroyed) break;
    const next = await pieces.next();
    if (next.done) return;
    left -= next.value.length;
    if (left > 0) duplex.hold();
    else duplex.unhold();
    yield next.value;
  }
  const diversion = duplex.divert(left, () => (message.complete = true));
  for (let piece = await diversion.next(); piece !== undefined; piece = await diversion.next()) yield piece;
}

/** Of the content of a message, where it is told. */
export function lengthOf({ headers }: Pick<IncomingMessage, "headers">): number | undefined {
  const text = headers["content-length"];
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
