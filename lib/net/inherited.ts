/** Listening sockets that the service manager opened for us: sd_listen_fds(3). Opens none itself. */
import { EXIT, PortailError } from "../command/errors.ts";
import type { SocketAddress } from "./conn.ts";
import { libc } from "../ffi/libc.ts";
import { formatIpBytes } from "../wire/ip-bytes.ts";
import { formatEndpoint, type Endpoint } from "./endpoint.ts";
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
  if (endpoint.kind === "fd") return inherited(endpoint.fd, endpoint);
  const names = listenNames(env);
  const matching = names.flatMap((name, i) => (name === endpoint.name ? [FIRST + i] : []));
  if (matching.length === 1) return inherited(matching[0]!, endpoint);
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

/** Where the system has no call for it, the address is what the operator wrote. */
function inherited(fd: number, endpoint: Endpoint): { fd: number; address: SocketAddress } {
  return { fd, address: boundAddress(fd) ?? { path: formatEndpoint(endpoint) } };
}

/** Where the socket `fd` is bound; undefined where the system cannot be asked. */
export function boundAddress(fd: number | undefined): SocketAddress | undefined {
  const raw = fd === undefined ? undefined : libc()?.getsockname(fd);
  return raw && decodeSockaddr(raw);
}

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

/** A sockaddr of Linux: family in host order, port and address in network order (ip(7), ipv6(7), unix(7)). */
export function decodeSockaddr(raw: Uint8Array): SocketAddress | undefined {
  const family = raw[0]! + raw[1]! * 256;
  const port = raw[2]! * 256 + raw[3]!;
  if (family === AF_INET && raw.length >= 8) return { ip: formatIpBytes(raw.subarray(4, 8)), port };
  if (family === AF_INET6 && raw.length >= 24) return { ip: formatIpBytes(raw.subarray(8, 24)), port };
  if (family !== AF_UNIX) return undefined;
  const path = raw.subarray(2);
  const zero = path.indexOf(0);
  return { path: Buffer.from(zero === -1 ? path : path.subarray(0, zero)).toString() };
}

/** The names of the sockets that the service manager passed, in order; `unknown` for one without. */
export function listenNames(env: Environment): string[] {
  if (env["LISTEN_PID"] !== String(process.pid)) return [];
  const count = Number(env["LISTEN_FDS"] ?? "0");
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  return Array.from({ length: Number.isInteger(count) ? count : 0 }, (_, i) => names[i] || "unknown");
}
