/** How much of what comes the system holds for a socket until it is read (socket(7), SO_RCVBUF). Nothing happens where it cannot be asked. */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
  getsockopt: { args: ["int", "int", "int", "ptr", "ptr"], returns: "int" },
} as const;

/** Numbers of Linux on x64 and arm64. The second passes the limit of the system, and takes CAP_NET_ADMIN. */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

let calls: ReturnType<typeof openCalls> | "no";

/** To `bytes` at least, of the system's own accounting, in which a small datagram counts as some 800 to 1,000. */
export function widenReceiveBuffer(fd: number, bytes: number): void {
  calls ??= openCalls() ?? "no";
  if (calls === "no") return;
  const { getsockopt, setsockopt } = calls;
  const word = new Int32Array(1);
  if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, word, Int32Array.of(4)) === 0 && word[0]! >= bytes) return;
  // The system doubles what it is told.
  word[0] = bytes / 2;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, word, 4) !== 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, word, 4);
}

function openCalls() {
  return openLibc(SYMBOLS);
}
