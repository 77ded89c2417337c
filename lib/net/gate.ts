/** Whether clients are taken: while somebody in the process has to hold them off, accepted connections wait unread. Knows no listener. */
import type { Conn } from "./conn.ts";

type Accept = (conn: Conn) => void;

/** Who holds the gate shut. */
const holders = new Set<object>();
let waiting: { conn: Conn; accept: Accept }[] = [];
/** Connections that wait; what comes beyond is closed, and counted by nobody: the client may come again. */
const MOST_WAITING = 1024;

/** `accept` for as long as the gate is open; what comes while it is shut is given to it later, in order. */
export function gated(accept: Accept): Accept {
  return (conn) => {
    if (holders.size === 0) {
      accept(conn);
      return;
    }
    if (waiting.length >= MOST_WAITING) waiting = waiting.filter(({ conn: { closed } }) => !closed);
    if (waiting.length >= MOST_WAITING) {
      conn.destroy();
      return;
    }
    conn.pause();
    waiting.push({ conn, accept });
  };
}

/** Shuts the gate for `holder`. */
export function shutGate(holder: object): void {
  holders.add(holder);
}

/** Opens it, unless another still holds it. */
export function openGate(holder: object): void {
  if (!holders.delete(holder) || holders.size > 0) return;
  const all = waiting;
  waiting = [];
  for (const { conn, accept } of all) {
    if (conn.closed) continue;
    conn.resume();
    accept(conn);
  }
}

/** Connections that wait. */
export function heldConnections(): number {
  return waiting.length;
}
