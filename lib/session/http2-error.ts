/** A mistake after which an HTTP/2 connection cannot go on (RFC 9113 section 5.4.1). */
import { H2_ERROR } from "../wire/http2.ts";

export class ConnectionError extends Error {
  /** Of section 7. */
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

export function broken(reason: string): ConnectionError {
  return new ConnectionError(H2_ERROR.protocol, reason);
}

export function wrongSize(reason: string): ConnectionError {
  return new ConnectionError(H2_ERROR.frameSize, reason);
}

export function overflow(reason: string): ConnectionError {
  return new ConnectionError(H2_ERROR.flowControl, reason);
}

/** Nothing that is forbidden, but too much of it. */
export function calm(reason: string): ConnectionError {
  return new ConnectionError(H2_ERROR.enhanceYourCalm, reason);
}
