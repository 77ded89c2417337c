/** Happy Eyeballs v2 (RFC 8305): several addresses of one target, the first to answer wins. For one address see dial.ts. */
import { createConnection, type Socket } from "node:net";
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
        settle(() => resolve(new NodeConn(socket, keepAlive)));
      });
      if (next < candidates.length) stagger = setTimeout(start, STAGGER);
    }

    start();
  });
}
