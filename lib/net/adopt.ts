/** A connected descriptor as a `Conn` of the runtime's own sockets. Connects nothing. */
import type { KeepAlive } from "./keep-alive.ts";
import { DIAL_HANDLERS, type Dialing, type Ends, type NativeConn } from "./native-conn.ts";

/** Takes over the stream socket `fd`, which is the connection's from now on; `ends` are its addresses. */
export function adoptDescriptor(fd: number, ends: Ends, keepAlive: KeepAlive): Promise<NativeConn> {
  return new Promise((resolve, reject) => {
    const data: Dialing = { keepAlive, ends, opened: resolve, refused: reject };
    void Bun.connect({ fd, allowHalfOpen: true, data, socket: DIAL_HANDLERS } as never);
  });
}
