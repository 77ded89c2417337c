/** Files of the kernel and of p11-kit, and versions, as they are written; and what is none of them. */
import { expect, test } from "bun:test";
import {
  parseIpv6,
  parseModule,
  parseNftVersion,
  parseNumber,
  parseOpenFiles,
  parsePorts,
  parseRights,
  parseSystemdVersion,
} from "../../../../commands/doctor/parse.ts";

test.each([
  ["Name:\tx\nCapEff:\t000001ffffffffff\n", { netAdmin: true, netBindService: true }],
  ["CapPrm:\t000001ffffffffff\nCapEff:\t0000000000000000\n", { netAdmin: false, netBindService: false }],
  ["CapEff:\t0000000000001000\n", { netAdmin: true, netBindService: false }],
  ["CapEff:\t0000000000000400\n", { netAdmin: false, netBindService: true }],
  ["Name:\tx\n", undefined],
])("rights of %j", (status, rights) => {
  expect(parseRights(status)).toEqual(rights);
});

test.each([
  ["Max open files            1024                 524288               files     \n", { soft: 1024, hard: 524_288 }],
  ["Max cpu time   1 2 s\nMax open files  unlimited  unlimited  files\n", { soft: Infinity, hard: Infinity }],
  ["Max cpu time   1 2 s\n", undefined],
])("open files of %j", (limits, found) => {
  expect(parseOpenFiles(limits)).toEqual(found);
});

test.each([
  ["4096\n", 4096],
  ["0", 0],
  ["", undefined],
  ["-1", undefined],
  ["many", undefined],
])("the number %j", (text, number) => {
  expect(parseNumber(text)).toBe(number!);
});

test.each([
  ["32768\t60999\n", [32_768, 60_999]],
  ["1024 65535", [1024, 65_535]],
  ["1024", undefined],
])("the ports %j", (text, ports) => {
  expect(parsePorts(text)).toEqual(ports as never);
});

const LOOPBACK = "00000000000000000000000000000001 01 80 10 80       lo\n";
const LINK = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0\n";
const GLOBAL = "20010db8000000000000000000000002 04 40 00 82     eth0\n";

test.each([
  ["", "none"],
  [LINK, "none"],
  [LINK + LOOPBACK, "loopback"],
  [LOOPBACK + GLOBAL + LINK, "network"],
])("IPv6 of %j", (text, found) => {
  expect(parseIpv6(text)).toBe(found as never);
});

test("versions", () => {
  expect(parseSystemdVersion("systemd 252 (252.39-1~deb12u2)\n+PAM\n")).toBe(252);
  expect(parseSystemdVersion("Failed")).toBeUndefined();
  expect(parseNftVersion("nftables v1.0.6 (Lester Gooch #5)\n")).toBe("1.0.6");
  expect(parseNftVersion("")).toBe("of an unknown version");
});

test.each([
  ["# a comment\nmodule: opensc-pkcs11.so\n", "opensc-pkcs11.so"],
  ["  module : /usr/lib/m.so  \ncritical: no\n", "/usr/lib/m.so"],
  ["module: p11-kit-trust.so\npriority: 1\ntrust-policy: yes\nx-init-reserved:\n", undefined],
  ["#module: a.so\n", undefined],
  ["module:\n", undefined],
])("the module of %j", (text, module) => {
  expect(parseModule(text)).toBe(module!);
});
