/** Any `Conn` as one of the runtime's own sockets, by a pair of them: for layers that need a socket below. Costs a copy of every byte. */
import { libc } from "../ffi/libc.ts";
import { adoptDescriptor } from "./adopt.ts";
import type { Conn, Early } from "./conn.ts";
import type { KeepAlive } from "./keep-alive.ts";
import type { NativeConn } from "./native-conn.ts";
import { Relay, type RelayResult } from "./relay.ts";

interface Bridge {
  /** Gives what `conn` gives, `early` first, and takes what it takes. */
  readonly conn: NativeConn;
  /** Why `conn` broke off: a pair has no reset, its other end would pass for an orderly end. */
  readonly error: Error | undefined;
  /** Aborts `conn`, for the same reason. */
  abort(): void;
}

const NO_LIMITS = { idle: 0, lifetime: 0, halfClosed: 0 };

/** Bridges `conn`, of which `early` was read already. Undefined where the system has no socket pairs to give. */
export async function openBridge(conn: Conn, early: Early, keepAlive: KeepAlive): Promise<Bridge | undefined> {
  const pair = libc()?.socketpair();
  if (pair === undefined) return undefined;
  const [near, far] = await Promise.all([
    adoptDescriptor(pair[0], conn, keepAlive),
    adoptDescriptor(pair[1], conn, keepAlive),
  ]);
  const bridge: { -readonly [K in keyof Bridge]: Bridge[K] } = {
    conn: near,
    error: undefined,
    abort: () => conn.destroy(),
  };
  const relayEnded = ({ error }: RelayResult) => (bridge.error = error);
  // The relay runs on its own until both ends are closed.
  void new Relay(conn, far, NO_LIMITS, early, { relayEnded });
  return bridge;
}
