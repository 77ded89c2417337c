/** PROXY headers between us and another implementation, a library in Go: what it writes we read, what we write it reads. */
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { decodeProxyHeader, encodeProxyHeader, type ProxyClaim } from "../../lib/wire/proxy-protocol.ts";
import type { ProxyHeader } from "../../lib/wire/proxy-v2.ts";
import { leaveOut, missing } from "../support/needs.ts";
import { askLibrary as ask, openLibrary, type Header } from "../support/proxy-library.ts";
import { expectReads, hex } from "./three-ways.ts";

setDefaultTimeout(300_000);

const NEEDS = missing(["go"]);
const TCP4 = 0x11;
const TCP6 = 0x21;
const UNIX = 0x31;

const digits = (text: string) => Buffer.from(text).toString("hex");

/** What the library is to write, and what it is to us. */
const WRITTEN: [name: string, request: Header, value: Partial<ProxyHeader>][] = [
  [
    "version 1 over IPv4",
    { version: 1, transport: TCP4, source: "192.0.2.1:5", destination: "198.51.100.2:443" },
    { version: 1, source: { ip: "192.0.2.1", port: 5 }, destination: { ip: "198.51.100.2", port: 443 } },
  ],
  [
    "version 1 over IPv6",
    { version: 1, transport: TCP6, source: "[2001:db8::1]:65535", destination: "[::1]:1" },
    { version: 1, source: { ip: "2001:db8::1", port: 65535 }, destination: { ip: "::1", port: 1 } },
  ],
  [
    "version 1, unknown",
    { version: 1, transport: 0, source: "192.0.2.1:5", destination: "198.51.100.2:443" },
    { version: 1 },
  ],
  [
    "version 2 over IPv4",
    { version: 2, transport: TCP4, source: "192.0.2.1:5", destination: "198.51.100.2:443" },
    { source: { ip: "192.0.2.1", port: 5 }, destination: { ip: "198.51.100.2", port: 443 } },
  ],
  [
    "version 2 over IPv6",
    { version: 2, transport: TCP6, source: "[2001:db8::1]:65535", destination: "[::1]:1" },
    { source: { ip: "2001:db8::1", port: 65535 }, destination: { ip: "::1", port: 1 } },
  ],
  [
    "UNIX sockets",
    { version: 2, transport: UNIX, source: "/run/a b.sock", destination: "/run/é" },
    { source: { path: "/run/a b.sock" }, destination: { path: "/run/é" } },
  ],
  ["LOCAL", { version: 2, local: true, transport: 0 }, { local: true }],
  [
    "fields",
    {
      version: 2,
      transport: TCP4,
      source: "192.0.2.1:5",
      destination: "198.51.100.2:443",
      fields: [
        { type: 0x01, value: digits("postgresql") },
        { type: 0x02, value: digits("db.example") },
        { type: 0x04, value: "000000" },
        { type: 0x05, value: "00ff" },
        {
          type: 0x20,
          value:
            `0700000000 210007${digits("TLSv1.3")} 220003${digits("ann")} 230003${digits("AES")} 2800023000`.replaceAll(
              " ",
              "",
            ),
        },
        { type: 0xea, value: "01" },
      ],
    },
    {
      source: { ip: "192.0.2.1", port: 5 },
      destination: { ip: "198.51.100.2", port: 443 },
      protocolId: "postgresql",
      authority: "db.example",
      uniqueId: hex("00ff"),
      tls: {
        active: true,
        onConnection: true,
        inSession: true,
        verified: true,
        version: "TLSv1.3",
        commonName: "ann",
        certificate: hex("3000"),
      },
    },
  ],
];

const TLS = {
  version: "TLSv1.3",
  protocolId: "postgresql",
  serverName: "db.example",
  peer: { commonName: "ann", certificate: Uint8Array.from({ length: 2000 }, (_, i) => i & 255) },
};
const V4 = { source: { ip: "192.0.2.1", port: 5 }, destination: { ip: "198.51.100.2", port: 443 } };
const V6 = { source: { ip: "2001:db8::1", port: 65535 }, destination: { ip: "::1", port: 1 } };
const PATHS = { source: { path: "/run/client" }, destination: { path: "/run/server" } };
const told = (flags: boolean, commonName: string) => ({
  active: true,
  onConnection: flags,
  inSession: flags,
  verified: true,
  version: "TLS 1.3",
  commonName,
});

/** What we write, and what it is to the library. */
const READ: [name: string, claim: ProxyClaim, header: Header][] = [
  [
    "conn over IPv4",
    { mode: "conn", ...V4, tls: TLS },
    { transport: TCP4, source: "192.0.2.1:5", destination: "198.51.100.2:443" },
  ],
  [
    "conn over IPv6",
    { mode: "conn", ...V6 },
    { transport: TCP6, source: "[2001:db8::1]:65535", destination: "[::1]:1" },
  ],
  [
    "conn over UNIX sockets",
    { mode: "conn", ...PATHS },
    { transport: UNIX, source: "/run/client", destination: "/run/server" },
  ],
  [
    "tls",
    { mode: "tls", ...V4, tls: TLS },
    {
      transport: TCP4,
      source: "192.0.2.1:5",
      destination: "198.51.100.2:443",
      tls: told(false, ""),
      fields: [
        { type: 0x01, value: digits("postgresql") },
        { type: 0x02, value: digits("db.example") },
        { type: 0x20, value: `0100000000210007${digits("TLS 1.3")}` },
      ],
    },
  ],
  [
    "tls-full over UNIX sockets",
    { mode: "tls-full", ...PATHS, tls: TLS },
    {
      transport: UNIX,
      source: "/run/client",
      destination: "/run/server",
      tls: told(true, "ann"),
      fields: [
        { type: 0x01, value: digits("postgresql") },
        { type: 0x02, value: digits("db.example") },
        {
          type: 0x20,
          value: `0700000000210007${digits("TLS 1.3")}220003${digits("ann")}2807d0${Buffer.from(TLS.peer.certificate).toString("hex")}`,
        },
      ],
    },
  ],
];

if (NEEDS.length > 0) leaveOut("PROXY headers between us and a library in Go", NEEDS);
else {
  beforeAll(async () => {
    await openLibrary();
  });

  describe("what it writes", () => {
    test.each(WRITTEN)("%s", async (_, request, value) => {
      const [{ hex: bytes, error } = {}] = await ask([request]);
      expect(error).toBeUndefined();
      expectReads(decodeProxyHeader, hex(bytes!), { version: 2, local: false, ...value });
    });
  });

  describe("what we write", () => {
    test.each(READ)("%s", async (_, claim, header) => {
      const behind = "160301";
      const [read] = await ask([{ hex: `${Buffer.from(encodeProxyHeader(claim)!).toString("hex")}${behind}` }]);
      expect(read).toEqual({ version: 2, ...header, rest: behind });
    });
  });
}
