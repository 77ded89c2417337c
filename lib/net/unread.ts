/** Puts what was read of a connection back, for whoever reads it next. */
import type { Conn, Early } from "./conn.ts";
import { ReceiveBuffer } from "./receive-buffer.ts";

/** The next receiver of `conn` gets `early` first. */
export function unread(conn: Conn, { bytes, ended }: Early): void {
  if (bytes.length === 0 && !ended) return;
  const buffer = new ReceiveBuffer(conn);
  if (bytes.length > 0) buffer.data(bytes);
  conn.attach(buffer);
  if (ended) buffer.end();
}
