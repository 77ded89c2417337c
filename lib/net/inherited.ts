/** Listening sockets that the service manager opened for us: sd_listen_fds(3). Opens none itself. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { SocketAddress } from "./conn.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Environment } from "./listen.ts";

const FIRST = 3;

/**
 * The descriptor of `systemd:NAME` (LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES) or `fd:N`.
 * Exactly one socket may bear the name; throws `PortailError` (`systemd.*`) otherwise.
 */
export function inheritedSocket(
  endpoint: Extract<Endpoint, { kind: "systemd" | "fd" }>,
  env: Environment,
): { fd: number; address: SocketAddress } {
  if (endpoint.kind === "fd") return { fd: endpoint.fd, address: { path: `fd:${endpoint.fd}` } };
  const names = listenNames(env);
  const matching = names.flatMap((name, i) => (name === endpoint.name ? [FIRST + i] : []));
  if (matching.length === 1) return { fd: matching[0]!, address: { path: `systemd:${endpoint.name}` } };
  const seen = names.length === 0 ? "the service manager passed no sockets" : `it passed ${names.join(", ")}`;
  throw new PortailError(
    matching.length === 0
      ? `no inherited socket is named ${JSON.stringify(endpoint.name)}: ${seen}`
      : `${matching.length} inherited sockets are named ${JSON.stringify(endpoint.name)}`,
    {
      code: "systemd.no_socket",
      exit: EXIT.config,
      hint: "start from a socket unit whose FileDescriptorName= has that name, or with systemd-socket-activate --fdname",
    },
  );
}

function listenNames(env: Environment): string[] {
  if (env["LISTEN_PID"] !== String(process.pid)) return [];
  const count = Number(env["LISTEN_FDS"] ?? "0");
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: Number.isInteger(count) ? count : 0 }, (_, i) => names[i] || "unknown");
}
