/** Which user and which program of this machine hold the other end of a TCP connection. Decides nothing. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { socketDiag } from "../ffi/socket-diag.ts";
import { parseIp } from "../wire/ip.ts";
import { decodeOwner, encodeOwnerRequest, type SocketOwner } from "../wire/sock-diag.ts";

/** A process that holds the socket. */
export interface SocketProcess {
  pid: number;
  gid: number;
  /** All groups, the effective one first. */
  groups: readonly number[];
  /** Path of the program; absent where we may not look. */
  executable?: string;
  /** Path in the hierarchy of version 2, such as `/system.slice/app.service`. */
  cgroup?: string;
}

export interface TcpEnd {
  ip: string;
  port: number;
}

/**
 * The owner of the socket at `own` that is connected to `other`: two system calls, whatever the number of sockets.
 * Undefined where it is no socket of this network namespace, or is closed.
 */
export function socketOwner(own: TcpEnd, other: TcpEnd): SocketOwner | undefined {
  const [from, to] = [parseIp(own.ip), parseIp(other.ip)];
  if (from === undefined || to === undefined) return undefined;
  const end = { ip: from, port: own.port };
  const answer = socketDiag()?.(encodeOwnerRequest(end, { ip: to, port: other.port }));
  return answer && decodeOwner(answer, end);
}

/** Processes that were found last are looked at first. */
const REMEMBERED = 16;
const recent: number[] = [];

/**
 * A process that holds the socket. Costs a look at every descriptor of the user's processes, unless the process was found
 * before; where several hold it, it is the first that is found.
 */
export function processOf({ inode, uid }: SocketOwner): SocketProcess | undefined {
  const link = `socket:[${inode}]`;
  const known = recent.find((pid) => holds(pid, link));
  const pid = known ?? search(link, uid);
  if (pid === undefined) return undefined;
  const at = recent.indexOf(pid);
  if (at !== -1) recent.splice(at, 1);
  recent.unshift(pid);
  recent.length = Math.min(recent.length, REMEMBERED);
  return describe(pid);
}

/** Those of the user first; a program that changed its user is none of them. */
function search(link: string, uid: number): number | undefined {
  const others: number[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!(pid > 0)) continue;
    if (ownerOf(pid) !== uid) others.push(pid);
    else if (holds(pid, link)) return pid;
  }
  return others.find((pid) => holds(pid, link));
}

function ownerOf(pid: number): number | undefined {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return undefined;
  }
}

function holds(pid: number, link: string): boolean {
  try {
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((fd) => readlink(`${folder}/${fd}`) === link);
  } catch {
    return false;
  }
}

function readlink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function describe(pid: number): SocketProcess | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const numbers = (key: string) =>
      (new Map(status.split("\n").map((line) => line.split(":\t") as [string, string])).get(key) ?? "")
        .split(/\s+/)
        .filter((text) => text !== "")
        .map(Number);
    const gid = numbers("Gid")[1];
    if (gid === undefined) return undefined;
    const executable = readlink(`/proc/${pid}/exe`);
    const cgroup = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1];
    return {
      pid,
      gid,
      groups: [gid, ...numbers("Groups")],
      ...(executable === undefined ? {} : { executable }),
      ...(cgroup === undefined ? {} : { cgroup }),
    };
  } catch {
    return undefined;
  }
}
