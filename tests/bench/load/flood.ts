/** Writes the pattern into a socket for as long as it takes it. It opens no socket and counts nothing but what was written. */
import { patternFrom } from "./pattern.ts";

export interface Flood {
  /** Bytes of the pattern that the socket has taken. */
  sent: number;
}

/** To be called once, and again on each drain. One write per turn of the event loop, so that other connections are not starved. */
export function flood(socket: { write(bytes: Uint8Array): number }, state: Flood): void {
  const bytes = patternFrom(state.sent);
  const written = socket.write(bytes);
  if (written < 0) return;
  state.sent += written;
  if (written === bytes.length) setImmediate(flood, socket, state);
}
