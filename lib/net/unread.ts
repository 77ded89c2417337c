/** Puts what was read of a connection back, for whoever reads it next. */
import type { Conn, Early } from "./conn.ts";
import { Held } from "./held.ts";

/** The next receiver of `conn` gets `early` first. */
export function unread(conn: Conn, { bytes, ended }: Early): void {
  if (bytes.length === 0 && !ended) return;
  const held = new Held(conn);
  if (bytes.length > 0) held.data(bytes);
  conn.attach(held);
  if (ended) held.end();
}
