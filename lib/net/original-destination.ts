/** Where a redirected connection was going: what the firewall remembers of it. Redirects nothing. */
import { descriptorCalls } from "../ffi/descriptor.ts";
import { formatAddress, type Conn, type SocketAddress } from "./conn.ts";
import { decodeSockaddr } from "./inherited.ts";
import { NativeConn } from "./native-conn.ts";

export interface TcpAddress {
  ip: string;
  port: number;
}

/** Undefined for a connection that was made to our own address, which nobody redirected, and for one that is closed. */
export function originalDestination(conn: Conn): TcpAddress | undefined {
  if (!(conn instanceof NativeConn) || conn.fd < 0) return undefined;
  return originalDestinationOf(conn.fd, conn.local);
}

/** The same of a descriptor, whose own address is `local`. */
export function originalDestinationOf(fd: number, local: SocketAddress): TcpAddress | undefined {
  if (!("ip" in local)) return undefined;
  const raw = descriptorCalls()?.originalDestination(fd, local.ip.includes(":") ? 6 : 4);
  const found = raw && decodeSockaddr(raw);
  if (found === undefined || !("ip" in found) || formatAddress(found) === formatAddress(local)) return undefined;
  return found;
}
