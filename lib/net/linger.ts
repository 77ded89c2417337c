/** The polite end of a `Conn` whose peer is still to read our last words. */
import { IGNORE, type Conn } from "./conn.ts";

/** Milliseconds in which the peer may take what was written and close. */
const LINGER = 2000;

/**
 * Sends `last`, ends our direction, and drops what the peer still sends, so that the system does not answer it with a
 * reset that would overtake `last`. The connection is gone after two seconds at most; `gone` is called then.
 */
export function endWith(conn: Conn, last: Uint8Array | undefined, gone: () => void): void {
  const timer = setTimeout(() => conn.destroy(), LINGER);
  const close = () => {
    clearTimeout(timer);
    gone();
  };
  conn.attach({ ...IGNORE, close });
  if (conn.closed) return;
  if (last !== undefined) conn.write(last);
  conn.end();
  conn.resume();
}
