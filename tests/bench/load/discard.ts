/** Takes bytes off a socket without copying them, so that the generator is not what a bulk run measures. Linux only; elsewhere it does nothing. */
import { dlopen } from "bun:ffi";
import { existsSync } from "node:fs";

const PATHS = ["/lib/x86_64-linux-gnu/libc.so.6", "/lib/aarch64-linux-gnu/libc.so.6", "/lib64/libc.so.6"];
const path = PATHS.find((candidate) => existsSync(candidate));
const libc =
  path === undefined
    ? undefined
    : dlopen(path, {
        ioctl: { args: ["int", "u64", "ptr"], returns: "int" },
        recv: { args: ["int", "ptr", "usize", "int"], returns: "int" },
      }).symbols;

const FIONREAD = 0x541b;
/** tcp(7): with MSG_TRUNC the bytes are thrown away instead of copied. With MSG_DONTWAIT. */
const THROW_AWAY = 0x20 | 0x40;
/** Bytes at a time before the event loop has its turn. */
const MOST = 4 << 20;

const count = new Int32Array(1);
const nowhere = new Uint8Array(1);

/** Bytes thrown away from what waits on descriptor `fd`. The last ones are left, for the caller to check. */
export function discard(fd: number): number {
  if (libc === undefined) return 0;
  let gone = 0;
  while (gone < MOST) {
    if (libc.ioctl(fd, FIONREAD, count) !== 0 || count[0]! < 128 * 1024) break;
    const got = libc.recv(fd, nowhere, count[0]! - 4096, THROW_AWAY);
    if (got <= 0) break;
    gone += got;
  }
  return gone;
}
