/** A filter on a socket that lets nothing in (socket(7), SO_ATTACH_FILTER): what comes is dropped by the system, what is queued stays. Undefined where there is none to have. */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const;

/** Numbers of Linux on x64 and arm64. */
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;

interface SocketFilter {
  /** False where the system does not do it. */
  shut(fd: number): boolean;
  open(fd: number): void;
}

let opened: SocketFilter | undefined | "no";

/** Made once; undefined on a system that is not Linux. */
export function socketFilter(): SocketFilter | undefined {
  opened ??= make() ?? "no";
  return opened === "no" ? undefined : opened;
}

function make(): SocketFilter | undefined {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { setsockopt } = symbols;
  // One struct sock_filter, BPF_RET | BPF_K with 0: of every packet, keep nothing. Buffers of their own do not move.
  const instruction = new Uint8Array(new ArrayBuffer(8));
  instruction[0] = 0x06;
  // struct sock_fprog: how many, and where.
  const program = new BigUint64Array(new ArrayBuffer(16));
  program[0] = 1n;
  program[1] = BigInt(ptr(instruction));
  return {
    // `instruction` is named so that it lives as long as this does.
    shut: (fd) => setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, 8 + instruction.length) === 0,
    open: (fd) => void setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, program, 4),
  };
}
