/** A free TCP port, for programs that cannot choose one themselves. */

/** Below those that Linux gives to connections and to listeners without a port of their own (`ip_local_port_range`). */
const FIRST = 16_384;
const LAST = 32_767;

/** What was given is not given again: a program may not have taken it yet. */
const given = new Set<number>();

/** One of 127.0.0.1 that was free a moment ago. */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST + 1));
    if (given.has(port) || !isFree(port)) continue;
    given.add(port);
    return port;
  }
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
    return true;
  } catch {
    return false;
  }
}
