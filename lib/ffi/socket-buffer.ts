/** How much of what comes the system holds for a socket until it is read (socket(7), SO_RCVBUF). Nothing happens where it cannot be asked. */
import { openLibc } from "./libc.ts";

const SYMBOLS = {
  setsockopt: { args: ["int", "int", "int", "ptr", "u32"], returns: "int" },
} as const;

/** Numbers of Linux on x64 and arm64. The second passes the limit of the system, and takes CAP_NET_ADMIN. */
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

let setsockopt: NonNullable<ReturnType<typeof openCalls>>["setsockopt"] | undefined | "no";

/** `bytes` of the system's own accounting, in which a small datagram counts as about a thousand. */
export function widenReceiveBuffer(fd: number, bytes: number): void {
  setsockopt ??= openCalls()?.setsockopt ?? "no";
  if (setsockopt === "no") return;
  // The system doubles what it is told.
  const half = Int32Array.of(bytes / 2);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, half, 4) !== 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, half, 4);
}

function openCalls() {
  return openLibc(SYMBOLS);
}
