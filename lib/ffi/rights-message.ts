/** A message that passes a descriptor: the msghdr of sendmsg(2) with SCM_RIGHTS (unix(7)). Sends nothing. */
import { ptr } from "bun:ffi";

/** Numbers of Linux on x64 and arm64. */
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/**
 * `bytes` may be empty. `to` is a sockaddr, for a socket that is not connected. The header holds addresses of the buffers
 * in `kept`, which the caller names until the message is sent: buffers of their own do not move, and live as long as they
 * are named.
 */
export function rightsMessage(
  fd: number,
  bytes: Uint8Array,
  to?: Uint8Array,
): { header: BigUint64Array; kept: readonly ArrayBufferView[] } {
  const payload = new Uint8Array(new ArrayBuffer(Math.max(8, bytes.length)));
  payload.set(bytes);
  // struct iovec: where, how many.
  const vector = new BigUint64Array(new ArrayBuffer(16));
  vector.set([BigInt(ptr(payload)), BigInt(bytes.length)]);
  // struct cmsghdr and one int, filled up to a multiple of eight.
  const control = new DataView(new ArrayBuffer(24));
  control.setBigUint64(0, 20n, true);
  control.setInt32(8, SOL_SOCKET, true);
  control.setInt32(12, SCM_RIGHTS, true);
  control.setInt32(16, fd, true);
  const rights = new Uint8Array(control.buffer);
  const name = new Uint8Array(new ArrayBuffer(128));
  if (to !== undefined) name.set(to);
  // struct msghdr: the name, the vector and its length, the control data and its length, no flags.
  const header = new BigUint64Array(new ArrayBuffer(56));
  const [address, length] = to === undefined ? [0n, 0n] : [BigInt(ptr(name)), BigInt(to.length)];
  header.set([address, length, BigInt(ptr(vector)), 1n, BigInt(ptr(rights)), 24n, 0n]);
  return { header, kept: [payload, vector, rights, name] };
}
