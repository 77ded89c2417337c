/** Who is at the other end of a UNIX socket, as the system vouches for it: the facts client.uid and client.gid. Not for TCP. */
import { descriptorCalls, type PeerCredentials } from "../ffi/descriptor.ts";
import type { Conn } from "./conn.ts";
import { NativeConn } from "./native-conn.ts";
import { StdioConn } from "./stdio-conn.ts";

/**
 * The process that connected, with the ids that it had then: SO_PEERCRED (unix(7)). Undefined for any other connection, for
 * one that is closed, and on a system that does not tell.
 */
export function unixPeer(conn: Conn): PeerCredentials | undefined {
  if (conn.closed || !("path" in conn.remote)) return undefined;
  if (!(conn instanceof NativeConn) && !(conn instanceof StdioConn)) return undefined;
  return conn.fd < 0 ? undefined : descriptorCalls()?.peerCredentials(conn.fd);
}
