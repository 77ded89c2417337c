/** Frames of HTTP/2 (RFC 9113 sections 4 and 6): their numbers, and the encoding of those that are sent. Keeps no state. */

/** What a client that speaks HTTP/2 begins with (section 3.4). */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

export const FRAME_HEAD = 9;

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  /** RFC 8441 section 3. */
  enableConnectProtocol: 8,
} as const;

/** Section 7. */
export const H2_ERROR = {
  none: 0x0,
  protocol: 0x1,
  internal: 0x2,
  flowControl: 0x3,
  settingsTimeout: 0x4,
  streamClosed: 0x5,
  frameSize: 0x6,
  refusedStream: 0x7,
  cancel: 0x8,
  compression: 0x9,
  connect: 0xa,
  enhanceYourCalm: 0xb,
  inadequateSecurity: 0xc,
  http11Required: 0xd,
} as const;

/** Of a window that no SETTINGS changed (section 6.9.2). */
export const DEFAULT_WINDOW = 65_535;
export const MOST_WINDOW = 2 ** 31 - 1;
/** Of a frame, where no SETTINGS changed it (section 6.5.2). */
export const DEFAULT_FRAME_SIZE = 16_384;
export const MOST_FRAME_SIZE = 2 ** 24 - 1;

/** Writes the head of a frame at `at`. */
function putFrameHead(into: Uint8Array, at: number, length: number, type: number, flags: number, stream: number): void {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  putUint32(into, at + 5, stream);
}

export function encodeFrame(type: number, flags: number, stream: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEAD + payload.length);
  putFrameHead(frame, 0, payload.length, type, flags, stream);
  frame.set(payload, FRAME_HEAD);
  return frame;
}

export function encodeSettings(settings: readonly (readonly [setting: number, value: number])[]): Uint8Array {
  const payload = new Uint8Array(6 * settings.length);
  settings.forEach(([setting, value], i) => {
    payload[6 * i + 1] = setting;
    putUint32(payload, 6 * i + 2, value);
  });
  return encodeFrame(FRAME.settings, 0, 0, payload);
}

export function encodeReset(stream: number, code: number): Uint8Array {
  return encodeFrame(FRAME.reset, 0, stream, uint32s(code));
}

export function encodeWindowUpdate(stream: number, increment: number): Uint8Array {
  return encodeFrame(FRAME.windowUpdate, 0, stream, uint32s(increment));
}

/** `reason` is for people who read traces. */
export function encodeGoAway(lastStream: number, code: number, reason: string): Uint8Array {
  return encodeFrame(FRAME.goAway, 0, 0, Buffer.concat([uint32s(lastStream, code), Buffer.from(reason)]));
}

/** A header block as HEADERS with `flags`, and CONTINUATION where it is larger than a frame. */
export function encodeHeaders(stream: number, flags: number, block: Uint8Array, frameSize: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < block.length; at += frameSize) {
    const last = at + frameSize >= block.length ? FLAG.endHeaders : 0;
    const type = at === 0 ? FRAME.headers : FRAME.continuation;
    frames.push(encodeFrame(type, last | (at === 0 ? flags : 0), stream, block.subarray(at, at + frameSize)));
  }
  return frames;
}

/** Writes `content` as DATA frames at `at`, and answers where they end. */
export function putDataFrames(
  into: Uint8Array,
  at: number,
  stream: number,
  frameSize: number,
  content: Uint8Array,
): number {
  for (let from = 0; from < content.length; from += frameSize) {
    const size = Math.min(content.length - from, frameSize);
    putFrameHead(into, at, size, FRAME.data, 0, stream);
    into.set(content.subarray(from, from + size), at + FRAME_HEAD);
    at += FRAME_HEAD + size;
  }
  return at;
}

function uint32s(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  values.forEach((value, i) => putUint32(bytes, 4 * i, value));
  return bytes;
}

function putUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}

export function uint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}
