/** Our own listeners and this machine's addresses, as the address guard asks for them. Decides nothing. */
import { networkInterfaces } from "node:os";
import type { Guard } from "../acl/guard.ts";
import { type Ip, ipClass, parseIp, sameIp } from "../wire/ip.ts";
import type { SocketAddress } from "./conn.ts";

/** For listeners that are bound to `addresses`. UNIX sockets are led back to by no address. */
export function ownListeners(addresses: readonly SocketAddress[]): Pick<Guard, "own" | "isLocal"> {
  const own = addresses.flatMap((address) => {
    const ip = "ip" in address ? parseIp(address.ip) : undefined;
    return "ip" in address && ip !== undefined ? [{ ip, port: address.port }] : [];
  });
  return { own, isLocal };
}

/**
 * Whether `ip` is an address of this machine. Read anew each time (some 50 µs), since interfaces come and go; the whole
 * loopback range is, though its interface names one address only.
 */
export function isLocal(ip: Ip): boolean {
  if (ipClass(ip) === "loopback") return true;
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) {
      const local = parseIp(address);
      if (local !== undefined && sameIp(local, ip)) return true;
    }
  }
  return false;
}
