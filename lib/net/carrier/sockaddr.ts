/** Addresses as the system has them, for carriers. */
import { socketAddress } from "../../ffi/send-datagram.ts";
import type { Ip } from "../../wire/ip.ts";
import { decodeSockaddr } from "../inherited.ts";

/** Of a client that came by TCP; IPv4 in its own form also at a socket for both families. */
export function addressOf(sockaddr: Uint8Array): { ip: string; port: number } {
  return decodeSockaddr(sockaddr) as { ip: string; port: number };
}

export function encodeAddress({ ip, port }: { ip: Ip; port: number }): Uint8Array {
  return socketAddress(ip, port);
}
