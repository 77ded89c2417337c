/** Frames of HTTP/2 written by hand (RFC 9113 section 4.1), and a reader of them. Uses no code of the product. */
import { RawClient } from "./raw-client.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | number[] = []): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Uint8Array.from(payload)]);
}

/** A field that goes into no table (RFC 7541 section 6.2.2); name and value of 126 bytes at most. */
export const literal = (name: string, value: string) =>
  Buffer.concat([
    Buffer.of(0, name.length),
    Buffer.from(name, "latin1"),
    Buffer.of(value.length),
    Buffer.from(value, "latin1"),
  ]);
export const SETTINGS = frame(4, 0, 0);
export const DATA = (stream: number, text: string, flags = 0) => frame(0, flags, stream, Buffer.from(text));
export const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

export type Fields = readonly (readonly [name: string, value: string])[];

/** HEADERS that are whole; with flags 5 nothing follows. */
export const headers = (stream: number, fields: Fields, flags = 4) =>
  frame(1, flags, stream, Buffer.concat(fields.map(([name, value]) => literal(name, value))));

interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

export async function nextFrame(client: RawClient): Promise<Frame | undefined> {
  const head = await client.read(9);
  if (head.length < 9) return undefined;
  const payload = await client.read(head.readUIntBE(0, 3));
  return { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5), payload };
}

/** The next frame of a type, whatever comes before. */
export async function frameOf(client: RawClient, type: number): Promise<Frame> {
  for (;;) {
    const found = await nextFrame(client);
    if (found === undefined) throw new Error(`no frame of type ${type} came`);
    if (found.type === type) return found;
  }
}

/** A client that has said its preface, and these frames. */
export async function openHttp2(port: number, ...frames: Buffer[]): Promise<RawClient> {
  const client = await RawClient.open(port);
  client.write(Buffer.concat([PREFACE, SETTINGS, ...frames]));
  return client;
}

/** The error code of the next RST_STREAM. */
export const reset = async (client: RawClient) => (await frameOf(client, 3)).payload.readUInt32BE(0);

/** What comes on one stream up to its end: heads as their bytes, content, and how it ended (`end`, or the code of RST_STREAM). */
export interface StreamOutcome {
  heads: string[];
  content: Buffer;
  ended: "end" | "lost" | number;
}

/** Frames of other streams are read over. `told` is told of each frame of this one. */
export async function outcomeOf(
  client: RawClient,
  stream: number,
  told: (frame: Frame) => void = () => {},
): Promise<StreamOutcome> {
  const heads: string[] = [];
  const content: Buffer[] = [];
  for (;;) {
    const next = await nextFrame(client);
    if (next === undefined) return { heads, content: Buffer.concat(content), ended: "lost" };
    const { type, flags, payload } = next;
    if (next.stream !== stream) continue;
    told(next);
    if (type === 1) heads.push(statusOf(payload) + payload.toString("latin1"));
    if (type === 0) content.push(payload);
    const over = (type === 0 || type === 1) && (flags & 1) !== 0;
    if (type === 3 || over) {
      return { heads, content: Buffer.concat(content), ended: over ? "end" : payload.readUInt32BE(0) };
    }
  }
}

/** RFC 7541 appendix A: these are one byte. */
const STATUSES: Record<number, string> = { 8: "200", 9: "204", 10: "206", 11: "304", 12: "400", 13: "404", 14: "500" };

function statusOf(payload: Buffer): string {
  return STATUSES[payload[0]! - 0x80] ?? "";
}
