/** One stream of an HTTP/2 connection, and what is told of it and of the connection. Does nothing by itself. */
import type { HeaderField } from "../wire/hpack.ts";

/** What a stream may send ahead of its reader: all that we hold of it at most. */
export const STREAM_WINDOW = 256 * 1024;

export interface Http2Limits {
  /** Streams at a time. */
  streams: number;
  /** Bytes of the fields of a request, or of an answer. */
  head: number;
}

/** Told what a stream does. */
export interface StreamEvents {
  onData(chunk: Uint8Array): void;
  /** The peer ended its direction. */
  onEnd(): void;
  /** It may send more. */
  onWindow(): void;
  /** It is gone, by the peer or for a mistake of the peer. */
  onReset(code: number): void;
}

export interface Http2Events {
  /** To be sent, in this order. */
  send(bytes: Uint8Array): void;
  /**
   * Of a server: a request, on a new stream; to set `stream.events`. Of a client: an answer, of which a final one that is
   * taken sets `stream.opened`. `fields` is undefined where they are larger than allowed. `ended`: nothing follows.
   */
  head(stream: Http2Stream, fields: readonly HeaderField[] | undefined, ended: boolean): void;
  /** The window of the connection has grown. */
  window(): void;
  /** The peer broke the protocol, and was told so: nothing more is taken. */
  failed(reason: string): void;
}

/** One stream that is not closed yet, in both directions. */
export class Http2Stream {
  readonly id: number;
  events: StreamEvents | undefined;
  /** Bytes that we may send; below zero after a change of settings. */
  sendWindow: number;
  receiveWindow = STREAM_WINDOW;
  /** Bytes that were read and not given back yet. */
  read = 0;
  /** Whether a head has come; of a server, which makes its streams of them, never. */
  headed = false;
  /** The last head is there, and what follows is content. */
  opened = false;
  ended = false;
  /** Whether the peer may end with fields. */
  takesTrailers = false;
  weEnded = false;
  closed = false;

  constructor(id: number, sendWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
  }
}
