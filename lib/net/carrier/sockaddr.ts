/** Addresses as the system has them, for carriers. */
import { socketAddress } from "../../ffi/send-datagram.ts";
import type { Ip } from "../../wire/ip.ts";
import { decodeSockaddr } from "../inherited.ts";

/** Of a client that came by TCP; IPv4 in its own form also at a socket for both families. */
export function addressOf(sockaddr: Uint8Array): { ip: string; port: number } {
  const { ip, port } = decodeSockaddr(sockaddr) as { ip: string; port: number };
  return { ip: ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip, port };
}

export function encodeAddress({ ip, port }: { ip: Ip; port: number }): Uint8Array {
  return socketAddress(ip, port);
}
