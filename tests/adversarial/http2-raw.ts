/** Frames of HTTP/2 written by hand (RFC 9113 section 4.1), and read. Uses no code of the product. */
import type { RawClient } from "./raw-client.ts";

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export function frame(type: number, flags: number, stream: number, payload: Uint8Array | number[] = []): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, Uint8Array.from(payload)]);
}

export const literal = (name: string, value: string) =>
  Buffer.concat([Buffer.of(0, name.length), Buffer.from(name), Buffer.of(value.length), Buffer.from(value)]);
export const SETTINGS = frame(4, 0, 0);
export const DATA = (stream: number, text: string, flags = 0) => frame(0, flags, stream, Buffer.from(text));
export const uint32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

async function nextFrame(client: RawClient): Promise<Frame | undefined> {
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
