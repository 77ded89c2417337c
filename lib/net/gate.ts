/** Whether clients are taken: while somebody in the process has to hold them off, accepted connections wait unread. Knows no listener. */
import type { Conn } from "./conn.ts";

type Accept = (conn: Conn) => void;

/** Who holds the gate shut. */
const holders = new Set<object>();
let waiting: { conn: Conn; accept: Accept }[] = [];
let closed = 0;
/** Those who accept by themselves. */
const watchers = new Set<(shut: boolean) => void>();
/** Connections that wait; what comes beyond is closed. */
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
      closed++;
      return;
    }
    conn.pause();
    waiting.push({ conn, accept });
  };
}

/** Shuts the gate for `holder`. */
export function shutGate(holder: object): void {
  holders.add(holder);
  if (holders.size === 1) for (const tell of watchers) tell(true);
}

/** Tells those who accept by themselves whether they may, now if it is shut and whenever that changes. The answer ends it. */
export function watchGate(tell: (shut: boolean) => void): () => void {
  watchers.add(tell);
  if (holders.size > 0) tell(true);
  return () => void watchers.delete(tell);
}

/** Opens it, unless another still holds it. */
export function openGate(holder: object): void {
  if (!holders.delete(holder) || holders.size > 0) return;
  for (const tell of watchers) tell(false);
  const all = waiting;
  waiting = [];
  for (const { conn, accept } of all) {
    if (conn.closed) continue;
    conn.resume();
    accept(conn);
  }
}

/** The same at the end of the daemon: those that wait are closed. */
export function closeHeld(holder: object): void {
  if (!holders.has(holder)) return;
  for (const { conn } of waiting) {
    if (conn.closed) continue;
    conn.destroy();
    closed++;
  }
  waiting = [];
  openGate(holder);
}

/** Connections that were closed since they could not wait, or not any longer. */
export function closedConnections(): number {
  return closed;
}

/** Connections that wait. */
export function heldConnections(): number {
  return waiting.length;
}
