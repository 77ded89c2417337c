/** The C library's calls on descriptors that the runtime does not offer: whose socket it is, its half-close, what it is replaced with. Nothing may depend on it. */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  getpeername: { args: ["int", "ptr", "ptr"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
  shutdown: { args: ["int", "int"], returns: "int" },
  dup2: { args: ["int", "int"], returns: "int" },
  fcntl: { args: ["int", "int", "int"], returns: "int" },
} as const;

/** Numbers of Linux on x64 and arm64. */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
/** Since Linux 4.13. */
const SO_PEERGROUPS = 59;
/** Supplementary groups that a process can have (NGROUPS_MAX). */
const MOST_GROUPS = 65_536;
const SOL_IP = 0;
const SOL_IPV6 = 41;
/** Of both: IP6T_SO_ORIGINAL_DST has the same number. */
const SO_ORIGINAL_DST = 80;
const SHUT_WR = 1;
const F_GETFL = 3;
const F_SETFL = 4;

/** Who connected to a UNIX socket, or made the pair; the ids are those of our namespaces, `pid` 0 for a stranger to them. */
export interface PeerCredentials {
  pid: number;
  uid: number;
  gid: number;
}

interface DescriptorCalls {
  /** getpeername(2): the raw sockaddr, or undefined for what is no connected socket. */
  getpeername(fd: number): Uint8Array | undefined;
  /** SO_PEERCRED (unix(7)), or undefined for what is no UNIX socket. */
  peerCredentials(fd: number): PeerCredentials | undefined;
  /** SO_PEERGROUPS (unix(7)): supplementary groups as they were at the connect(2); undefined for what is no UNIX socket. */
  peerGroups(fd: number): number[] | undefined;
  /** SO_ORIGINAL_DST: the raw sockaddr that a connection was made to before the firewall redirected it; undefined for one that it did not track. */
  originalDestination(fd: number, family: 4 | 6): Uint8Array | undefined;
  /** shutdown(2) of the direction that is written, for every descriptor of the socket. */
  shutdownWrite(fd: number): void;
  /** dup2(2): `fd` becomes another descriptor of what `source` is; what it was is closed. */
  replace(fd: number, source: number): void;
  /** The status flags of fcntl(2), which all descriptors of one opening share; -1 for a bad descriptor. */
  flags(fd: number): number;
  setFlags(fd: number, flags: number): void;
}

let opened: DescriptorCalls | undefined | "no";

/** Opens them once; undefined on a system that is not Linux. */
export function descriptorCalls(): DescriptorCalls | undefined {
  opened ??= open() ?? "no";
  return opened === "no" ? undefined : opened;
}

function open(): DescriptorCalls | undefined {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { getpeername, getsockopt, shutdown, dup2, fcntl } = symbols;
  const addressLength = new Uint32Array(1);
  return {
    getpeername(fd) {
      const address = new Uint8Array(128);
      const length = Uint32Array.of(address.length);
      return getpeername(fd, address, length) === 0 ? address.subarray(0, length[0]) : undefined;
    },
    peerCredentials(fd) {
      // struct ucred: pid_t, uid_t, gid_t; of a socket that is not AF_UNIX the ids are -1.
      const ucred = new Uint32Array(3);
      const length = Uint32Array.of(ucred.byteLength);
      if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ucred, length) !== 0 || length[0] !== ucred.byteLength)
        return undefined;
      const [pid, uid, gid] = ucred as unknown as [number, number, number];
      return uid === NOBODY || gid === NOBODY ? undefined : { pid, uid, gid };
    },
    peerGroups(fd) {
      // A buffer that is too small is refused: most peers have few groups.
      for (const room of [64, MOST_GROUPS]) {
        const groups = new Uint32Array(room);
        const length = Uint32Array.of(groups.byteLength);
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, length) === 0)
          return [...groups.subarray(0, length[0]! / groups.BYTES_PER_ELEMENT)];
      }
      return undefined;
    },
    originalDestination(fd, family) {
      const [level, size] = family === 4 ? [SOL_IP, 16] : [SOL_IPV6, 28];
      const address = new Uint8Array(size);
      addressLength[0] = size;
      return getsockopt(fd, level, SO_ORIGINAL_DST, address, addressLength) === 0 ? address : undefined;
    },
    shutdownWrite: (fd) => void shutdown(fd, SHUT_WR),
    replace: (fd, source) => void dup2(source, fd),
    flags: (fd) => fcntl(fd, F_GETFL, 0),
    setFlags: (fd, flags) => void fcntl(fd, F_SETFL, flags),
  };
}

const NOBODY = 0xffff_ffff;
