/** What can be said of an HTTP/2 frame without regard to its stream: its length, its place, its settings (RFC 9113 section 6). */
import type { HeaderField } from "../wire/hpack.ts";
import { DEFAULT_FRAME_SIZE, FLAG, FRAME, MOST_FRAME_SIZE, MOST_WINDOW, SETTING, uint32 } from "../wire/http2.ts";
import { broken, overflow, wrongSize } from "./http2-error.ts";

const LENGTHS: Record<number, number | undefined> = {
  [FRAME.priority]: 5,
  [FRAME.reset]: 4,
  [FRAME.ping]: 8,
  [FRAME.windowUpdate]: 4,
};
const OF_CONNECTION: ReadonlySet<number> = new Set([FRAME.settings, FRAME.ping, FRAME.goAway]);
const OF_STREAM: ReadonlySet<number> = new Set([FRAME.headers, FRAME.priority, FRAME.reset, FRAME.continuation]);

/** Throws `ConnectionError` for a frame other than DATA that is wrong whatever came before. */
export function checkFrame(type: number, flags: number, id: number, length: number): void {
  if (type === FRAME.pushPromise) throw broken("a promise, which nobody makes or takes here");
  if (OF_CONNECTION.has(type) && id !== 0) throw broken("a frame of the connection on a stream");
  if (OF_STREAM.has(type) && id === 0) throw broken("a frame of a stream on the connection");
  if (type === FRAME.headers && id % 2 === 0) throw broken("HEADERS on a stream that is not a client's");
  const exact = LENGTHS[type];
  if (exact !== undefined && length !== exact) throw wrongSize(`a frame of type ${type} has a wrong length`);
  if (type === FRAME.goAway && length < 8) throw wrongSize("GOAWAY is too short");
  if (type !== FRAME.settings) return;
  if (length % 6 !== 0) throw wrongSize("SETTINGS of a wrong length");
  if ((flags & FLAG.ack) !== 0 && length > 0) throw wrongSize("an acknowledgement with settings");
}

/** Of a peer's settings, what we go by. */
export interface PeerSettings {
  frameSize?: number;
  initialWindow?: number;
  maxStreams?: number;
  /** Of servers it must be 0. */
  push?: number;
}

/** The last one of a kind counts. Throws `ConnectionError`. */
export function decodeSettings(payload: Uint8Array): PeerSettings {
  const settings: PeerSettings = {};
  for (let at = 0; at < payload.length; at += 6) {
    const setting = (payload[at]! << 8) | payload[at + 1]!;
    const value = uint32(payload, at + 2);
    if (setting === SETTING.enablePush) {
      if (value > 1) throw broken("ENABLE_PUSH is 0 or 1");
      settings.push = value;
    }
    if (setting === SETTING.maxConcurrentStreams) settings.maxStreams = value;
    if (setting === SETTING.maxFrameSize) {
      if (value < DEFAULT_FRAME_SIZE || value > MOST_FRAME_SIZE) throw broken("MAX_FRAME_SIZE is out of range");
      settings.frameSize = value;
    }
    if (setting === SETTING.initialWindowSize) {
      if (value > MOST_WINDOW) throw overflow("INITIAL_WINDOW_SIZE is out of range");
      settings.initialWindow = value;
    }
  }
  return settings;
}

/** Whether these fields may stand behind content (section 8.1): too large ones were not decoded, and pseudo-fields have no place there. */
export function areTrailers(fields: readonly HeaderField[] | undefined): boolean {
  return fields !== undefined && !fields.some(([name]) => name.startsWith(":"));
}
