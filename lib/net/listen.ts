/** Listening sockets: TCP, UNIX and inherited ones, all yielding `Conn`s. Knows no protocol. */
import { lstatSync, unlinkSync } from "node:fs";
import { EXIT, PortailError } from "../command/errors.ts";
import { libc } from "../ffi/libc.ts";
import type { Conn, SocketAddress } from "./conn.ts";
import { formatEndpoint, type Endpoint } from "./endpoint.ts";
import { gated } from "./gate.ts";
import { boundAddress, inheritedSocket } from "./inherited.ts";
import type { KeepAlive } from "./keep-alive.ts";
import { acceptHandlers, type NativeConn } from "./native-conn.ts";

export interface ListenOptions {
  keepAlive: KeepAlive;
  /** Receives each accepted connection and attaches to it before it returns. */
  accept: (conn: Conn) => void;
  /** Every connection is put below TLS before it is read, by `accept` or once it is no longer paused. */
  layered?: boolean;
  /**
   * Shares a TCP port with other processes that ask for it too (SO_REUSEPORT): two versions overlap at an upgrade, and
   * the system spreads new connections over them. A port that is held without it stays taken.
   */
  reusePort?: boolean;
  /** Who may connect to a UNIX socket that is made: the permissions of its path. Without it, what the umask leaves. */
  mode?: number;
  /** Also accepts while the gate is shut (lib/net/gate.ts): for those who look after the daemon. */
  always?: boolean;
}

export interface Listener {
  readonly endpoint: Endpoint;
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: SocketAddress;
  /** Stops accepting; what was accepted goes on. A UNIX socket path that we made is removed. */
  close(): void;
  /** Of TCP: gives the listening socket to the caller, with its clients to be; undefined where the system has none to give. */
  giveUp?(): number | undefined;
}

/** Listens on `endpoint`. Throws `PortailError` (`listen.*`) when the system refuses. */
export async function openListener(endpoint: Endpoint, env: Environment, options: ListenOptions): Promise<Listener> {
  const accept = options.always ? options.accept : gated(options.accept);
  const socket = acceptHandlers(options.keepAlive, accept, options.layered ?? false);
  const common = { socket, allowHalfOpen: true };
  try {
    switch (endpoint.kind) {
      case "tcp": {
        const { host: hostname, port } = endpoint;
        // The runtime's type lists do not name the option.
        const shared: object = { reusePort: options.reusePort ?? false };
        const server = Bun.listen<NativeConn>({ ...common, hostname, port, ...shared });
        // What was asked for may be a name, or one of many spellings of every address.
        const address = boundAddress((server as { fd?: number }).fd) ?? { ip: server.hostname, port: server.port };
        const giveUp = () => {
          const fd = libc()?.dup((server as { fd?: number }).fd ?? -1) ?? -1;
          if (fd < 0) return undefined;
          server.stop();
          return fd;
        };
        return { endpoint, address, close: () => server.stop(), giveUp };
      }
      case "unix": {
        await removeStale(endpoint.path);
        const server = withMode(options.mode, () => Bun.listen<NativeConn>({ ...common, unix: endpoint.path }));
        return {
          endpoint,
          address: { path: endpoint.path },
          close: () => {
            server.stop();
            removeSocket(endpoint.path);
          },
        };
      }
      case "systemd":
      case "fd": {
        const inherited = inheritedSocket(endpoint, env);
        const server = Bun.listen<NativeConn>({ ...common, fd: inherited.fd } as never);
        return { endpoint, address: inherited.address, close: () => server.stop() };
      }
      case "stdio":
        throw new PortailError("stdio is not a place to listen on", {
          code: "listen.stdio",
          exit: EXIT.usage,
          hint: "give HOST:PORT, unix:PATH or systemd:NAME",
        });
    }
  } catch (error) {
    throw error instanceof PortailError ? error : refused(endpoint, error);
  }
}

/** The path is made with its permissions, since changed afterwards would be too late for who is quick. */
function withMode<T>(mode: number | undefined, make: () => T): T {
  if (mode === undefined) return make();
  const before = process.umask(0o777 & ~mode);
  try {
    return make();
  } finally {
    process.umask(before);
  }
}

export type Environment = Readonly<Record<string, string | undefined>>;

function refused(endpoint: Endpoint, error: unknown): PortailError {
  if (endpoint.kind === "fd") {
    return new PortailError(`descriptor ${endpoint.fd} is no listening socket`, {
      code: "listen.not_a_socket",
      exit: EXIT.os,
      hint: "pass one as that descriptor, or name a socket of the service manager: systemd:NAME",
      cause: error,
    });
  }
  const code = (error as { code?: string }).code ?? "unknown";
  const [why, hint] = REASONS[code] ?? [
    `${code}: ${(error as Error).message}`,
    "check that the address exists and is free",
  ];
  return new PortailError(`cannot listen on ${formatEndpoint(endpoint)}: ${why}`, {
    code: `listen.${code.toLowerCase()}`,
    exit: code === "EACCES" || code === "EPERM" ? EXIT.noPrivilege : EXIT.os,
    hint,
    cause: error,
  });
}

const REASONS: Record<string, [string, string] | undefined> = {
  EADDRINUSE: ["the address is in use", "another process listens there; `ss -ltnp` names it"],
  EADDRNOTAVAIL: ["this machine does not have that address", "list the addresses with `ip address`"],
  EACCES: ["permission denied", "ports below 1024 need CAP_NET_BIND_SERVICE; a UNIX path needs a writable folder"],
  ENOENT: ["no such folder", "make the folder first"],
};

/** A socket file that nobody listens on is left from an unclean end; anything else stays where it is. */
async function removeStale(path: string): Promise<void> {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined || !status.isSocket()) return;
  const alive = await Bun.connect({ unix: path, socket: { data() {} } }).then(
    (socket) => (socket.terminate(), true),
    () => false,
  );
  if (!alive) removeSocket(path);
}

function removeSocket(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Already gone, or not ours to remove; the next bind says so.
  }
}
