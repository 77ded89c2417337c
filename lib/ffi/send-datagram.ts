/** sendto(2): a datagram to an address that was put together before. Undefined where there is none to have. */
import { encodeIp } from "../wire/ip-bytes.ts";
import type { Ip } from "../wire/ip.ts";
import { MSG_DONTWAIT, openLibc } from "./libc.ts";

const SYMBOLS = {
  sendto: { args: ["int", "ptr", "usize", "int", "ptr", "u32"], returns: "int" },
} as const;

/** Of Linux. */
const AF_INET = 2;
const AF_INET6 = 10;

/** Whether the system has taken all of `bytes`. Never waits. */
export type SendDatagram = (fd: number, bytes: Uint8Array, address: Uint8Array) => boolean;

let opened: SendDatagram | undefined | "no";

/** Made once; undefined on a system that is not Linux. */
export function sendDatagram(): SendDatagram | undefined {
  opened ??= make() ?? "no";
  return opened === "no" ? undefined : opened;
}

function make(): SendDatagram | undefined {
  const symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const { sendto } = symbols;
  return (fd, bytes, address) =>
    sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length) === bytes.length;
}

/** A sockaddr_in or sockaddr_in6: family in host order, port and address in network order (ip(7), ipv6(7)). */
export function socketAddress(ip: Ip, port: number): Uint8Array {
  const address = new Uint8Array(ip.family === 4 ? 16 : 28);
  new DataView(address.buffer).setUint16(0, ip.family === 4 ? AF_INET : AF_INET6, true);
  address[2] = port >> 8;
  address[3] = port & 255;
  address.set(encodeIp(ip), ip.family === 4 ? 4 : 8);
  return address;
}
