/** `Conn`: the one way that the rest of the program sees a socket. Adapters implement it; nothing else names a socket class. */

/** A TCP address, or the path of a UNIX socket ("" where the peer has none). */
export type SocketAddress = { ip: string; port: number } | { path: string };

/** What a TLS layer knows of its peer. */
export interface TlsInfo {
  /** The server name that the client sent (SNI), lower case. */
  readonly serverName?: string;
  /** The negotiated protocol id (ALPN). */
  readonly protocolId?: string;
  /** `TLSv1.2` or `TLSv1.3`. */
  readonly version: string;
  /** Whether a former session was resumed: no certificate was exchanged, that of the former session counts. */
  readonly resumed: boolean;
  /** The certificate that the peer proved to own, DER (RFC 5280); absent when it gave none. */
  readonly certificate?: Uint8Array;
}

/** Receives what happens on a `Conn`. One receiver at a time; see `Conn.attach`. */
export interface ConnEvents {
  /** Bytes from the peer. The receiver may keep them: they are never written again. */
  data(chunk: Uint8Array): void;
  /** After a `write` that answered false: everything written so far is with the system. */
  drain(): void;
  /** The peer ended its direction; ours stays open until `end` or `destroy`. */
  end(): void;
  /** Nothing more will come. Exactly once, with the error if it was not an orderly end. */
  close(error?: Error): void;
}

export interface Conn {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  readonly tls: TlsInfo | undefined;
  /** Bytes received and bytes accepted for sending, since the start. */
  readonly received: number;
  readonly sent: number;
  /** Bytes accepted for sending that the system has not taken yet. */
  readonly buffered: number;
  readonly closed: boolean;
  /**
   * Hands all further events to `events`, in place of the former receiver. What came before the first receiver is kept
   * for it; one that attaches after the close is told so at once.
   */
  attach(events: ConnEvents): void;
  /** Takes all of `bytes`. False asks to wait for `drain`; the bytes must not be changed afterwards. */
  write(bytes: Uint8Array): boolean;
  /**
   * Where it can: moves what has arrived straight to `to`, without handing it out. False asks to wait for the `drain` of
   * `to`. What is left comes as `data`. `passed` is what came before it and was written to `to`; it may be empty afterwards.
   */
  pumpTo?(to: Conn, passed: Uint8Array): boolean;
  /**
   * Where it can: fills `bytes` with what has arrived, without handing it out, and answers how much that is. For a receiver
   * that has paused it. Of the end and of errors the receiver is told as ever.
   */
  readInto?(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Ends our direction (FIN, close_notify) once everything written is out. Closes when both directions ended. */
  end(): void;
  /** Ends both directions at once; what is not out yet is lost. */
  destroy(): void;
}

/** What a peer sent ahead of the receiver that it is meant for: its first bytes, and whether it ended its direction. */
export interface Early {
  bytes: Uint8Array;
  ended: boolean;
}

/** `ip:port`, `[ip]:port`, `unix:path` or `unix:`. */
export function formatAddress(address: SocketAddress): string {
  if ("path" in address) return `unix:${address.path}`;
  return address.ip.includes(":") ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

/** A receiver that drops everything. */
export const IGNORE: ConnEvents = { data() {}, drain() {}, end() {}, close() {} };
