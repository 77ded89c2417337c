/** Happy Eyeballs v2 (RFC 8305): several addresses of one target, the first to answer wins. For one address see dial.ts. */
import { createConnection, type Socket } from "node:net";
import { libc } from "../ffi/libc.ts";
import { adoptDescriptor } from "./adopt.ts";
import type { Conn } from "./conn.ts";
import { diagnose, timedOut, type Candidate } from "./dial.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { NodeConn } from "./node-conn.ts";

/** Milliseconds between attempts (RFC 8305 section 8, Connection Attempt Delay). */
const STAGGER = 250;
/** Attempts under way at a time. */
const AT_ONCE = 3;
/** Addresses of one name that are tried. */
const MOST = 8;

/** Several candidates: started one after the other, at once when the one before has failed; the losers are given up. */
export function race(all: readonly Candidate[], timeout: number, keepAlive: KeepAlive): Promise<Conn> {
  const candidates = all.slice(0, MOST);
  return new Promise((resolve, reject) => {
    const attempts = new Set<Socket>();
    let next = 0;
    let stagger: ReturnType<typeof setTimeout> | undefined;
    const deadline = setTimeout(() => settle(() => reject(timedOut(timeout))), timeout);

    function settle(finish: () => void): void {
      clearTimeout(deadline);
      clearTimeout(stagger);
      next = candidates.length;
      for (const attempt of attempts) attempt.destroy();
      attempts.clear();
      finish();
    }

    function start(): void {
      if (attempts.size >= AT_ONCE) return;
      const candidate = candidates[next++];
      if (candidate === undefined) return;
      const socket = createConnection({ host: candidate.ip, port: candidate.port, allowHalfOpen: true });
      attempts.add(socket);
      const onError = (reason: Error) => {
        if (!attempts.delete(socket)) return;
        if (next < candidates.length) {
          clearTimeout(stagger);
          start();
        } else if (attempts.size === 0) settle(() => void diagnose(candidate, reason).then(reject));
      };
      socket.once("error", onError);
      socket.once("connect", () => {
        socket.off("error", onError);
        attempts.delete(socket);
        settle(() => void adopt(socket, keepAlive).then(resolve, reject));
      });
      if (next < candidates.length) stagger = setTimeout(start, STAGGER);
    }

    start();
  });
}

/** The winner as the runtime's own socket: cheaper per byte, and what TLS is put on. Stays as it is where there is no libc. */
function adopt(socket: Socket, keepAlive: KeepAlive): Promise<Conn> {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } };
  const fd = handle?.fd ?? -1;
  const own = fd < 0 ? -1 : (libc()?.dup(fd) ?? -1);
  if (own < 0) return Promise.resolve(new NodeConn(socket, keepAlive));
  const { remoteAddress = "", remotePort = 0, localAddress = "", localPort = 0 } = socket;
  const ends = { remote: { ip: remoteAddress, port: remotePort }, local: { ip: localAddress, port: localPort } };
  socket.destroy();
  return adoptDescriptor(own, ends, keepAlive);
}
