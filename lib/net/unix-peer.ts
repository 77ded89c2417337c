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
  const fd = descriptorOf(conn);
  return fd === undefined ? undefined : descriptorCalls()?.peerCredentials(fd);
}

/** Its ids with all of its groups, the primary first: SO_PEERGROUPS too. Undefined where either is not told. */
export function unixCaller(conn: Conn): UnixCaller | undefined {
  const fd = descriptorOf(conn);
  const calls = fd === undefined ? undefined : descriptorCalls();
  const credentials = calls?.peerCredentials(fd!);
  const groups = calls?.peerGroups(fd!);
  if (credentials === undefined || groups === undefined) return undefined;
  return { ...credentials, groups: [credentials.gid, ...groups] };
}

export interface UnixCaller extends PeerCredentials {
  readonly groups: readonly number[];
}

function descriptorOf(conn: Conn): number | undefined {
  if (conn.closed || !("path" in conn.remote)) return undefined;
  if (!(conn instanceof NativeConn) && !(conn instanceof StdioConn)) return undefined;
  return conn.fd < 0 ? undefined : conn.fd;
}
