/** The system asked about its sockets: netlink(7), NETLINK_SOCK_DIAG. Undefined where there is none to ask. */
import { libc, MSG_DONTWAIT, openLibc } from "./libc.ts";

const SYMBOLS = {
  socket: { args: ["int", "int", "int"], returns: "int" },
  send: { args: ["int", "ptr", "usize", "int"], returns: "int" },
} as const;

/** Of Linux. */
const AF_NETLINK = 16;
const NETLINK_SOCK_DIAG = 4;
/** SOCK_RAW, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const RAW = 0o2004003;
const LONGEST = 4096;

/** Sends one request and gives its answer, which is there at once; undefined where there is none. */
export type AskSockets = (request: Uint8Array) => Uint8Array | undefined;

let opened: AskSockets | undefined | "no";

/** Opened once, with one descriptor for good. */
export function socketDiag(): AskSockets | undefined {
  opened ??= open() ?? "no";
  return opened === "no" ? undefined : opened;
}

function open(): AskSockets | undefined {
  const symbols = openLibc(SYMBOLS);
  const system = libc();
  if (symbols === undefined || system === undefined) return undefined;
  const fd = symbols.socket(AF_NETLINK, RAW, NETLINK_SOCK_DIAG);
  if (fd < 0) return undefined;
  const answer = new Uint8Array(LONGEST);
  return (request) => {
    if (symbols.send(fd, request, request.length, MSG_DONTWAIT) !== request.length) return undefined;
    const length = system.recv(fd, answer, answer.length, MSG_DONTWAIT);
    return length > 0 ? answer.slice(0, length) : undefined;
  };
}
