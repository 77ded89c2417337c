/** Which addresses are this machine's, by what its own programs say. */
import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { isLocal, ownListeners } from "../../../../lib/net/own-listeners.ts";
import { parseIp } from "../../../../lib/wire/ip.ts";

const ip = (text: string) => parseIp(text)!;

test("every address of every interface is local, and all of loopback", () => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses!.map(({ address }) => address));
  expect(all.filter((address) => !isLocal(ip(address)))).toEqual([]);
  for (const address of ["127.0.0.1", "127.9.8.7", "::1"]) expect(isLocal(ip(address))).toBe(true);
});

test("an address that is nobody's here is not", () => {
  for (const address of ["192.0.2.77", "2001:db8::77"]) expect(isLocal(ip(address))).toBe(false);
});

test("TCP listeners are kept as they are bound, UNIX sockets left out", () => {
  const { own } = ownListeners([
    { ip: "0.0.0.0", port: 1080 },
    { path: "/run/proxy" },
    { ip: "2001:db8::1", port: 1081 },
  ]);
  expect(own).toEqual([
    { ip: ip("0.0.0.0"), port: 1080 },
    { ip: ip("2001:db8::1"), port: 1081 },
  ]);
});
