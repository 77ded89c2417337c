/** What a tunnel counts, in the notions of ghostunnel's metrics. How they are shown is metrics.ts. */

export interface Meters {
  /** A connection was taken from the listener. */
  accepted(): void;
  /** One that there was no room for. */
  acceptError(): void;
  /** The client's side stands; milliseconds since the connection was accepted. */
  handshaken(ms: number): void;
  handshakeFailed(late: boolean): void;
  /** Both sides are connected. */
  opened(): void;
  /** A connection that was open is not any more; milliseconds since it was accepted. */
  closed(ms: number): void;
  /** Its lifetime was over. */
  expired(): void;
}

export const NO_METERS: Meters = {
  accepted() {},
  acceptError() {},
  handshaken() {},
  handshakeFailed() {},
  opened() {},
  closed() {},
  expired() {},
};
