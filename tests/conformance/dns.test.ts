/** Vectors of the RFCs: names with pointers (1035), the reverse of an IPv6 address (3596), hints of service bindings (9460). */
import { expect, test } from "bun:test";
import { reverseAddress } from "../../commands/tproxy/names/reverse.ts";
import { searchReply } from "../../lib/wire/dns-reply.ts";
import { endOfName, nameText, skipName } from "../../lib/wire/dns.ts";
import { formatIpBytes } from "../../lib/wire/ip-bytes.ts";
import { formatIp } from "../../lib/wire/ip.ts";
import { dnsQuery, dnsReply } from "../support/dns-message.ts";

test("RFC 1035 section 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root", () => {
  const message = Buffer.alloc(100, 0xff);
  message.write("\x01F\x03ISI\x04ARPA\0", 20, "latin1");
  message.write("\x03FOO\xc0\x14", 40, "latin1");
  message.write("\xc0\x1a", 64, "latin1");
  message.writeUInt8(0, 92);
  expect([20, 40, 64, 92].map((at) => skipName(message, at))).toEqual([32, 46, 66, 93]);
  expect([20, 40, 64, 92].map((at) => endOfName(message, at))).toEqual([32, -1, -1, 93]);
  expect([nameText(message, 20), nameText(message, 92)]).toEqual(["f.isi.arpa", ""]);
});

test("RFC 3596 section 2.5: the name of 4321:0:1:2:3:4:567:89ab", () => {
  const name = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
  expect(formatIp(reverseAddress(name)!)).toBe("4321:0:1:2:3:4:567:89ab");
});

test("RFC 9460 appendix D.2, figure 7: two addresses as hints", () => {
  const data = Buffer.from(
    "0001" +
      "03666f6f076578616d706c6503636f6d00" +
      "0006" +
      "0020" +
      "20010db8000000000000000000000001" +
      "20010db8000000000000000000530001",
    "hex",
  );
  const query = dnsQuery("example.com", { type: 64 });
  const seen: string[] = [];
  const note = (bytes: Uint8Array, at: number, length: number) => {
    seen.push(formatIpBytes(bytes.subarray(at, at + length)));
    return false;
  };
  expect(searchReply(dnsReply(query, [{ type: 64, data }]), query.length, note)).toBe("clean");
  expect(seen).toEqual(["2001:db8::1", "2001:db8::53:1"]);
});
