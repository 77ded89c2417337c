/** UDP sockets for a load generator, many datagrams to a system call: sendmmsg(2), recvmmsg(2). Linux only. */
import { dlopen, ptr } from "bun:ffi";
import { existsSync } from "node:fs";

const PATHS = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"];
const path = PATHS.find((candidate) => existsSync(candidate));
if (path === undefined) throw new Error("no C library to make datagrams with");
const libc = dlopen(path, {
  socket: { args: ["int", "int", "int"], returns: "int" },
  bind: { args: ["int", "ptr", "u32"], returns: "int" },
  connect: { args: ["int", "ptr", "u32"], returns: "int" },
  getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
  sendmmsg: { args: ["int", "ptr", "u32", "int"], returns: "int" },
  recvmmsg: { args: ["int", "ptr", "u32", "int", "ptr"], returns: "int" },
  poll: { args: ["ptr", "u64", "int"], returns: "int" },
}).symbols;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const NAME = 16;
/** struct mmsghdr: a msghdr of 56 bytes, the length, and padding. */
const MMSGHDR = 64;
/** struct iovec. */
const VECTOR = 16;

/** `count` datagrams of up to `size` bytes as the calls take them. */
export interface Batch {
  headers: Uint8Array;
  view: DataView;
  vectors: DataView;
  size: number;
  /** What the headers point to, so that nothing is collected. */
  kept: unknown[];
}

/** A small array of the runtime moves when its buffer is first asked for: these have theirs from the start. */
function fixed(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes));
}

/** Each of the datagrams is `content`, where it is given. */
export function batch(count: number, size: number, content?: Uint8Array): Batch {
  const headers = fixed(count * MMSGHDR);
  const view = new DataView(headers.buffer);
  const list = fixed(count * VECTOR);
  const vectors = new DataView(list.buffer);
  const data = fixed(content === undefined ? count * size : size);
  if (content !== undefined) data.set(content);
  const names = fixed(count * NAME);
  for (let i = 0; i < count; i++) {
    vectors.setBigUint64(i * VECTOR, BigInt(ptr(data) + (content === undefined ? i * size : 0)), true);
    vectors.setBigUint64(i * VECTOR + 8, BigInt(size), true);
    const at = i * MMSGHDR;
    if (content === undefined) {
      view.setBigUint64(at, BigInt(ptr(names) + i * NAME), true);
      view.setUint32(at + 8, NAME, true);
    }
    view.setBigUint64(at + 16, BigInt(ptr(list) + i * VECTOR), true);
    view.setBigUint64(at + 24, 1n, true);
  }
  return { headers, view, vectors, size, kept: [list, data, names] };
}

export interface Udp {
  fd: number;
  port: number;
  connect(port: number): void;
  /** How many of the first `count` the system took. */
  send(batch: Batch, count: number): number;
  /** How many have come. */
  receive(batch: Batch, count: number): number;
  /** Sends the first `count` back to where they came from. */
  reply(batch: Batch, count: number): void;
}

/** At a port of 127.0.0.1 that the system chooses. */
export function openUdp(): Udp {
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  if (libc.bind(fd, loopback(0), NAME) !== 0) throw new Error("cannot bind");
  const address = new Uint8Array(NAME);
  libc.getsockname(fd, address, Uint32Array.of(NAME));
  return {
    fd,
    port: address[2]! * 256 + address[3]!,
    connect: (port) => void libc.connect(fd, loopback(port), NAME),
    send: ({ headers }, count) => Math.max(0, libc.sendmmsg(fd, headers, count, MSG_DONTWAIT)),
    receive: ({ headers }, count) => Math.max(0, libc.recvmmsg(fd, headers, count, MSG_DONTWAIT, null)),
    reply({ headers, view, vectors, size }, count) {
      for (let i = 0; i < count; i++) vectors.setUint32(i * VECTOR + 8, view.getUint32(i * MMSGHDR + 56, true), true);
      libc.sendmmsg(fd, headers, count, MSG_DONTWAIT);
      for (let i = 0; i < count; i++) vectors.setUint32(i * VECTOR + 8, size, true);
    },
  };
}

/** Until one of them has something to receive, `ms` at most. */
export function waitFor(all: readonly Udp[], ms: number): void {
  const polled = new Int32Array(all.flatMap(({ fd }) => [fd, POLLIN]));
  libc.poll(polled, all.length, ms);
}

function loopback(port: number): Uint8Array {
  const address = new Uint8Array(NAME);
  address.set([AF_INET, 0, port >> 8, port & 255, 127, 0, 0, 1]);
  return address;
}
