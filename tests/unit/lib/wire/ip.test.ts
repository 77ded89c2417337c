/** IP addresses and networks: texts of RFC 4291 and RFC 5952, containment, classes. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isIPv4, isIPv6 } from "node:net";
import {
  cidrContains,
  formatCidr,
  formatIp,
  ipClass,
  ipv4,
  parseCidr,
  parseCidrLoosely,
  parseIp,
  sameIp,
} from "../../../../lib/wire/ip.ts";

describe("parseIp", () => {
  // RFC 4291 section 2.2 (its three forms) and RFC 5952 section 1 and 2.
  test.each([
    ["ABCD:EF01:2345:6789:ABCD:EF01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"],
    ["2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["FF01:0:0:0:0:0:0:101", "ff01::101"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:DB8::8:800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["0:0:0:0:0:0:13.1.68.3", "::d01:4403"],
    ["0:0:0:0:0:FFFF:129.144.52.38", "129.144.52.38"],
    ["::FFFF:129.144.52.38", "129.144.52.38"],
    ["::ffff:8190:3426", "129.144.52.38"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["1::", "1::"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
  ])("%s is %s", (text, canonical) => expect(formatIp(parseIp(text)!)).toBe(canonical));

  test.each([
    "",
    "1",
    "127.1",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.256",
    "0x7f.0.0.1",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1..2.3",
    "+1.2.3.4",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "12345::",
    "g::",
    "::1%eth0",
    "fe80::1%1",
    "[::1]",
    "::1.2.3",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "::01.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "١.٢.٣.٤",
    "1:2:3:4:5:6:7:8::",
  ])("refuses %j", (text) => expect(parseIp(text)).toBeUndefined());

  test("agrees with the runtime on random texts", () => {
    const piece = fc.constantFrom("0", "1", "ff", "0001", "12345", ":", "::", ".", "255", "256", "01", "ffff", "%");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
        const text = pieces.join("");
        expect([text, parseIp(text) !== undefined]).toEqual([
          text,
          isIPv4(text) || (isIPv6(text) && !text.includes("%")),
        ]);
      }),
      { numRuns: 5000 },
    );
  }, 60_000);

  test("reads back what it writes", () => {
    const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const ip = parseIp(groups.map((g) => g.toString(16)).join(":"))!;
        expect(sameIp(parseIp(formatIp(ip))!, ip)).toBe(true);
      }),
    );
  });
});

describe("parseCidr", () => {
  test.each([
    ["10.0.0.0/8", "10.255.255.255", "11.0.0.0"],
    ["0.0.0.0/0", "255.255.255.255", "::"],
    ["::/0", "2001:db8::", "10.0.0.1"],
    ["192.0.2.7", "192.0.2.7", "192.0.2.6"],
    ["192.0.2.0/31", "192.0.2.1", "192.0.2.2"],
    ["2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"],
    ["2001:db8::1/128", "2001:db8::1", "2001:db8::2"],
    ["fc00::/7", "fdff::1", "fe00::1"],
    ["::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"],
  ])("%s holds %s and not %s", (text, inside, outside) => {
    const network = parseCidr(text)!;
    expect(cidrContains(network, parseIp(inside)!)).toBe(true);
    expect(cidrContains(network, parseIp(outside)!)).toBe(false);
    expect(parseCidr(formatCidr(network))).toEqual(network);
  });

  test.each([
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "::/129",
    "::1/64",
    "10/8",
    "/8",
    "::ffff:0.0.0.0/90",
  ])("refuses %s", (text) => expect(parseCidr(text)).toBeUndefined());

  test("host bits are told apart for a hint", () =>
    expect(formatCidr(parseCidrLoosely("10.1.2.3/8")!)).toBe("10.0.0.0/8"));
});

describe("ipClass", () => {
  // The special-purpose registries (RFC 6890) and the documentation of the clouds.
  test.each([
    ["8.8.8.8", "public"],
    ["2600::1", "public"],
    ["192.0.2.1", "public"],
    ["2001:db8::1", "public"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["::", "unspecified"],
    ["169.254.1.1", "link-local"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["169.254.169.254", "metadata"],
    ["fd00:ec2::254", "metadata"],
    ["100.100.100.200", "metadata"],
    ["168.63.129.16", "metadata"],
    ["fd20:ce::254", "metadata"],
    ["169.254.170.2", "metadata"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["100.64.0.1", "private"],
    ["fc00::1", "private"],
    ["fd12::1", "private"],
    ["fec0::1", "private"],
    ["172.32.0.1", "public"],
    ["100.128.0.1", "public"],
    ["11.0.0.1", "public"],
    ["128.0.0.1", "public"],
    ["126.255.255.255", "public"],
    ["224.0.0.1", "multicast"],
    ["239.255.255.255", "multicast"],
    ["ff02::1", "multicast"],
    ["255.255.255.255", "reserved"],
    ["240.0.0.1", "reserved"],
    ["100::1", "reserved"],
    ["64:ff9b::7f00:1", "loopback"],
    ["64:ff9b::808:808", "public"],
    ["64:ff9b::a9fe:a9fe", "metadata"],
    ["64:ff9b:1::1", "private"],
    ["2002:7f00:1::", "loopback"],
    ["2002:a00:1::1", "private"],
    ["2002:808:808::1", "public"],
    ["::127.0.0.1", "loopback"],
    ["::10.0.0.1", "private"],
    ["::ffff:0:127.0.0.1", "loopback"],
    ["2001:0:1:2:3:4:80ff:fffe", "loopback"],
  ] as const)("%s is %s", (text, kind) => expect(ipClass(parseIp(text)!)).toBe(kind));

  test("the quick answer for public addresses leaves out no class", () => {
    // One address of each /16 against a search without the shortcut: the embedded form takes that way.
    for (let high = 0; high < 0x10000; high++) {
      const value = ((high << 16) | 0x0a0a) >>> 0;
      const embedded = parseIp(`64:ff9b::${(value >>> 16).toString(16)}:${(value & 0xffff).toString(16)}`)!;
      expect(ipClass(ipv4(value))).toBe(ipClass(embedded));
    }
  });
});
