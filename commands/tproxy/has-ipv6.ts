/** Whether this network namespace has IPv6. */
import { readFileSync } from "node:fs";

/** By its having ::1. */
export function hasIpv6(): boolean {
  try {
    return readFileSync("/proc/net/if_inet6", "utf8").includes("00000000000000000000000000000001 ");
  } catch {
    return false;
  }
}
