/** PROXY headers of version 2 after proxy-protocol.txt: what is read, what is refused and from which byte on, and what is written, byte by byte. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeProxyHeader, encodeProxyHeader } from "../../../../lib/wire/proxy-protocol.ts";
import { encodeV2, type ProxyHeader } from "../../../../lib/wire/proxy-v2.ts";
import { expectReads, hex } from "../../../conformance/three-ways.ts";
import { CLIENT, CLIENT6, refusedFrom } from "./proxy-headers.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V4 = "c0000201 c6336402 dc04 01bb";
const V6 = "20010db8000000000000000000000001 20010db8000000000000000000000002 0001 ffff";

/** A header of version 2 from the command, the family and what follows the length. */
function v2(command: string, family: string, following: string): Uint8Array {
  const bytes = hex(following);
  const length = bytes.length.toString(16).padStart(4, "0");
  return hex(`${SIGNATURE} ${command} ${family} ${length} ${following}`);
}

function read(value: Partial<ProxyHeader>): ProxyHeader {
  return { version: 2, local: false, ...value };
}

describe("version 2", () => {
  test.each<[string, Uint8Array, ProxyHeader]>([
    ["TCP over IPv4", v2("21", "11", V4), read(CLIENT)],
    ["TCP over IPv6", v2("21", "21", V6), read(CLIENT6)],
    [
      "mapped IPv4",
      v2("21", "21", `${"00".repeat(10)}ffffc0000201 ${"00".repeat(10)}ffffc6336402 dc04 01bb`),
      read(CLIENT),
    ],
    [
      "UNIX",
      v2("21", "31", `2f61${"00".repeat(106)} 2f62${"00".repeat(106)}`),
      read({ source: { path: "/a" }, destination: { path: "/b" } }),
    ],
    [
      "UNIX with paths of all 108 bytes",
      v2("21", "31", `${"61".repeat(108)} ${"62".repeat(108)}`),
      read({ source: { path: "a".repeat(108) }, destination: { path: "b".repeat(108) } }),
    ],
    [
      "UNIX without paths, and with an abstract name",
      v2("21", "31", `${"00".repeat(108)} 0061${"00".repeat(106)}`),
      read({ source: { path: "" }, destination: { path: "" } }),
    ],
    ["unspecified", v2("21", "00", ""), read({})],
    ["unspecified, with a field", v2("21", "00", "02 0001 61"), read({ authority: "a" })],
    ["LOCAL", v2("20", "00", ""), read({ local: true })],
    ["LOCAL with addresses, which do not count", v2("20", "11", V4), read({ local: true })],
    ["LOCAL with what is no block at all", v2("20", "99", "01 ffff 00"), read({ local: true })],
    [
      "fields of every kind",
      v2("21", "11", `${V4} 01 0002 6832 04 0003 000000 02 0003 612e62 ea 0001 00 05 0002 00ff 04 0000`),
      read({ ...CLIENT, protocolId: "h2", authority: "a.b", uniqueId: hex("00ff") }),
    ],
    ["a protocol id of any bytes", v2("21", "11", `${V4} 01 0002 8aff`), read({ ...CLIENT, protocolId: "\x8a\xff" })],
    [
      "a TLS field without more",
      v2("21", "11", `${V4} 20 0005 01 00000001`),
      read({ ...CLIENT, tls: { active: true, onConnection: false, inSession: false, verified: false } }),
    ],
    [
      "a TLS field with all",
      v2("21", "11", `${V4} 20 0021 07 00000000 21 0007 544c5376312e33 23 0001 78 22 0002 c3a9 ff 0000 28 0003 300100`),
      read({
        ...CLIENT,
        tls: {
          active: true,
          onConnection: true,
          inSession: true,
          verified: true,
          version: "TLSv1.3",
          commonName: "é",
          certificate: hex("300100"),
        },
      }),
    ],
  ])("%s", (_, bytes, value) => expectReads(decodeProxyHeader, bytes, value));

  test("as long as its length can say, fields and all", () => {
    const value = "78".repeat(0xffff - 12 - 3 - 3);
    const bytes = v2("21", "11", `${V4} 04 ${(value.length / 2).toString(16)} ${value} 02 0000`);
    expect(bytes.length).toBe(16 + 0xffff);
    expect(decodeProxyHeader(bytes)).toEqual({
      kind: "ok",
      value: read({ ...CLIENT, authority: "" }),
      length: bytes.length,
    });
    expect(decodeProxyHeader(bytes.slice(0, -1))).toEqual({ kind: "more" });
  });

  test.each([
    ["signature", "0d0a0d0a000d0a515549540d 21 11 000c", 12],
    ["signature", "0d0a0d0b", 4],
    ["version", `${SIGNATURE} 11`, 13],
    ["version", `${SIGNATURE} 31`, 13],
    ["command", `${SIGNATURE} 22`, 13],
    ["family", `${SIGNATURE} 21 41`, 14],
    ["protocol", `${SIGNATURE} 21 13`, 14],
    ["protocol: none with a family", `${SIGNATURE} 21 10`, 14],
    ["protocol: datagrams over IPv4", `${SIGNATURE} 21 12`, 14],
    ["protocol: datagrams over IPv6", `${SIGNATURE} 21 22`, 14],
    ["protocol: UNIX datagrams", `${SIGNATURE} 21 32`, 14],
    ["length: too short for IPv4", `${SIGNATURE} 21 11 000b`, 16],
    ["length: too short for IPv6", `${SIGNATURE} 21 21 0023`, 16],
    ["length: too short for UNIX", `${SIGNATURE} 21 31 00d7`, 16],
  ])("refused at its first wrong byte: %s", (_, digits, from) => expect(refusedFrom(hex(digits))).toBe(from));

  test.each([
    ["a field without a length", "04"],
    ["a field with half a length", "04 00"],
    ["a field longer than the header", "04 0002 00"],
    ["a checksum of three bytes", "03 0003 000000"],
    ["a checksum that is wrong", "03 0004 00000000"],
    ["a unique id of 129 bytes", `05 0081 ${"00".repeat(129)}`],
    ["an authority that is not UTF-8", "02 0001 ff"],
    ["a common name that is not UTF-8", "20 0009 07 00000000 22 0001 ff"],
    ["a TLS field of four bytes", "20 0004 01 000000"],
    ["a TLS field whose own field is longer", "20 0008 01 00000000 22 0001"],
    ["a TLS field that ends within a field", "20 0007 01 00000000 22 00"],
    ["two authorities", "02 0001 61 02 0001 61"],
    ["two protocol ids", "01 0001 61 01 0001 62"],
    ["two TLS fields", "20 0005 01 00000000 20 0005 01 00000000"],
    ["two common names", "20 000d 07 00000000 22 0001 61 22 0001 62"],
  ])("refused once it is whole: %s", (_, fields) => {
    const bytes = v2("21", "11", `${V4} ${fields}`);
    expect(refusedFrom(bytes)).toBe(bytes.length);
  });

  test("a path that is not UTF-8 is refused, never repaired", () => {
    const bytes = v2("21", "31", `ff${"00".repeat(107)} 61${"00".repeat(107)}`);
    expect(refusedFrom(bytes)).toBe(bytes.length);
  });

  test("nothing that is kept shares memory with what the peer sent", () => {
    // As sockets give them; a slice of a Buffer is no copy.
    const bytes = Buffer.from(v2("21", "11", `${V4} 05 0001 61 20 0009 07 00000000 28 0001 62`));
    const decoded = decodeProxyHeader(bytes);
    bytes.fill(0);
    expect(decoded).toMatchObject({ value: { uniqueId: hex("61"), tls: { certificate: hex("62") } } });
  });
});

describe("what is written", () => {
  const tls = {
    version: "TLSv1.3",
    protocolId: "postgresql",
    serverName: "db.example",
    peer: { commonName: "ann", certificate: hex("3003020101") },
  };
  const PROTOCOL_ID = "01 000a 706f737467726573716c";
  const AUTHORITY = "02 000a 64622e6578616d706c65";
  const VERSION = "21 0007 544c5320312e33";

  test.each<[string, Parameters<typeof encodeProxyHeader>[0], Uint8Array]>([
    ["conn: addresses alone", { mode: "conn", ...CLIENT, tls }, v2("21", "11", V4)],
    ["conn over IPv6", { mode: "conn", ...CLIENT6 }, v2("21", "21", V6)],
    [
      "tls: nothing of the certificate",
      { mode: "tls", ...CLIENT, tls },
      v2("21", "11", `${V4} ${PROTOCOL_ID} ${AUTHORITY} 20 000f 01 00000000 ${VERSION}`),
    ],
    [
      "tls without a protocol id or a server name",
      { mode: "tls", ...CLIENT, tls: { version: "TLSv1.2" } },
      v2("21", "11", `${V4} 20 000f 01 00000000 21 0007 544c5320312e32`),
    ],
    [
      "tls-full: the certificate as well",
      { mode: "tls-full", ...CLIENT6, tls },
      v2(
        "21",
        "21",
        `${V6} ${PROTOCOL_ID} ${AUTHORITY} 20 001d 07 00000000 ${VERSION} 22 0003 616e6e 28 0005 3003020101`,
      ),
    ],
    [
      "tls-full without a certificate",
      { mode: "tls-full", ...CLIENT, tls: { ...tls, peer: undefined } },
      v2("21", "11", `${V4} ${PROTOCOL_ID} ${AUTHORITY} 20 000f 01 00000000 ${VERSION}`),
    ],
    [
      "tls-full without a common name",
      { mode: "tls-full", ...CLIENT, tls: { version: "TLSv1.3", peer: { certificate: hex("3000") } } },
      v2("21", "11", `${V4} 20 0014 07 00000000 ${VERSION} 28 0002 3000`),
    ],
    ["tls-full where there is no TLS", { mode: "tls-full", ...CLIENT }, v2("21", "11", V4)],
    [
      "UNIX",
      { mode: "conn", source: { path: "" }, destination: { path: "/run/a" } },
      v2("21", "31", `${"00".repeat(108)} 2f72756e2f61${"00".repeat(102)}`),
    ],
    [
      "IPv4 and IPv6 in one",
      { mode: "conn", source: CLIENT.source, destination: CLIENT6.destination },
      v2("21", "21", `${"00".repeat(10)}ffffc0000201 20010db8000000000000000000000002 dc04 ffff`),
    ],
    [
      "addresses of two kinds",
      { mode: "conn", source: CLIENT.source, destination: { path: "/a" } },
      v2("21", "00", ""),
    ],
  ])("%s", (_, claim, bytes) => expect(encodeProxyHeader(claim)).toEqual(Buffer.from(bytes)));

  test("a certificate that fits, and one that does not", () => {
    const claim = (length: number) => ({
      ...CLIENT,
      mode: "tls-full" as const,
      tls: { version: "TLSv1.3", peer: { certificate: new Uint8Array(length) } },
    });
    const most = 0xffff - 12 - 3 - 5 - 10 - 3;
    const fitting = encodeProxyHeader(claim(most))!;
    expect(fitting.length).toBe(16 + 0xffff);
    expect(decodeProxyHeader(fitting)).toMatchObject({ kind: "ok", length: fitting.length });
    expect(encodeProxyHeader(claim(most + 1))).toBeUndefined();
    expect(encodeProxyHeader(claim(0x1_0000))).toBeUndefined();
  });

  test("is read back, whatever it is", () => {
    const port = fc.nat({ max: 65_535 });
    const tcp = fc.record({ ip: fc.oneof(fc.ipV4(), fc.ipV6()), port });
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).map((value) => value.toWellFormed());
    const fields = fc.record(
      {
        protocolId: fc.stringMatching(/^[\x01-\xff]{1,20}$/),
        authority: text,
        uniqueId: fc.uint8Array({ maxLength: 128 }),
        tls: fc.record(
          {
            active: fc.boolean(),
            onConnection: fc.boolean(),
            inSession: fc.boolean(),
            verified: fc.boolean(),
            version: text,
            commonName: text,
            certificate: fc.uint8Array({ maxLength: 300 }),
          },
          { requiredKeys: ["active", "onConnection", "inSession", "verified"] },
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(tcp, tcp, fields, (source, destination, more) => {
        const bytes = encodeV2(source, destination, more)!;
        expect(decodeProxyHeader(bytes)).toMatchObject({
          kind: "ok",
          length: bytes.length,
          value: { source: { port: source.port }, destination: { port: destination.port }, ...more },
        });
      }),
      { numRuns: 100 },
    );
  });
});
