/** How many files this process may have open: the bound of everything that holds a connection. */
import { readFileSync } from "node:fs";

/** Descriptors that are not for clients: libraries, listeners, logs, resolvers. */
const RESERVED = 64;

/** The soft limit of open files (RLIMIT_NOFILE); 1024 where the system does not tell. */
export function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === "unlimited" || soft === undefined ? 1_048_576 : Number(soft);
  } catch {
    return 1024;
  }
}

/** Clients that may be connected at all, each with one descriptor of its own. */
export function mostClients(): number {
  return Math.max(16, descriptorLimit() - RESERVED);
}

/** Tunnels, of two descriptors each, that fit under the limit. */
export function defaultTunnels(): number {
  return Math.floor(mostClients() / 2);
}
